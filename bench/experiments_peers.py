"""experiments_peers.py - the tables of `bench --peers`, from rows: as text, and as a section of the report."""
import report
import stores

# Of the same medium and flushes: throughput of ours by theirs.
AGAINST = [("prosper-flush", "pmemobj"), ("prosper", "pmemobj"), ("prosper-slow", "pmemobj-slow")]
GOALS = {"kvstore-A": 8, "kvstore-F": 8, "kvstore-B": 1.5}
LABELS = {store.name: store.label for store in (stores.PLAIN, stores.NOTHING, *stores.STORES)}
COUNTED = ("Bytes: with flush=always and for libpmemobj, 64 for each cache line that is flushed; for Prosper without, bytes stored into the pool; for the others what is handed "
           "to write calls (with Redis, answers on the socket too). Processor time: of the plain store's; Redis's is in another process. Lost: acknowledged operations that are missing after kill -9 at a random instant, and the processor time that they took; least to "
           "greatest. Prosper does them again when it is started again. Lines: added, and gone, against the plain store.")


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def spread(row, digits=2):
    return "-" if row is None else f"{row['median']:.{digits}f} ({row['lo']:.{digits}f}-{row['hi']:.{digits}f})"


def lost(rows, workload, mechanism):
    operations, milliseconds = (rows.one("peers", workload=workload, mechanism=mechanism, metric=metric) for metric in ("lost_operations", "lost_ms"))
    if operations is None:
        return "-"
    if operations["hi"] == 0:
        return "0"
    return f"{number(operations['lo'])}-{number(operations['hi'])}; {milliseconds['lo']:.1f}-{milliseconds['hi']:.1f} ms"


def lines(rows, mechanism):
    added, gone = (rows.median("peers", workload="kvstore", mechanism=mechanism, metric=metric) for metric in ("lines_added", "lines_gone"))
    return "-" if added is None else f"+{added:.0f} -{gone:.0f}" if added or gone else "0"


HEAD = ["operations/s", "of plain", "processor time", "bytes/op.", "lost at a kill", "lines"]


def body(rows, workload):
    for mechanism in rows.values("peers", "mechanism", workload=workload):
        speed = [row for row in rows.find("peers", workload=workload, mechanism=mechanism, metric="operations_per_second")]
        if not speed:
            continue
        def one(metric):
            return rows.one("peers", workload=workload, mechanism=mechanism, metric=metric)
        written = one("bytes_per_operation")
        yield [LABELS.get(mechanism, mechanism), f"{speed[0]['median']:,.0f}", spread(one("throughput_ratio"), 3), spread(one("processor_ratio")),
               number(written["median"]) if written else "-", lost(rows, workload, mechanism), lines(rows, mechanism)]


def against(rows, workload, kind, pair):
    ours, theirs = pair
    return rows.one("peers", workload=workload, mechanism=ours, metric=f"{kind}_against_{theirs.replace('-', '_')}")


def goals(rows):
    """(what, measured, wanted, reached or not, other ways to look at it) of each load. In the last column what is left of the plain store by libpmemobj's."""
    for workload, wanted in GOALS.items():
        row = against(rows, workload, "throughput", AGAINST[0])
        bound = rows.one("peers", workload=workload, mechanism="pmemobj", metric="throughput_ratio")
        if row:
            yield [f"YCSB {workload[-1]}", spread(row), f"at least {wanted:g}", "reached" if row["median"] >= wanted else "not reached",
                   spread(against(rows, workload, "processor", AGAINST[0])), spread(against(rows, workload, "store", AGAINST[0])),
                   spread(against(rows, workload, "throughput", AGAINST[1])), spread(against(rows, workload, "throughput", AGAINST[2])),
                   f"{1 / bound['median']:.2f}" if bound else "-"]


GOALS_HEAD = ["throughput by libpmemobj's", "both flushing", "wanted", "", "processor time", "the same, less the load's", "Prosper's default",
              f"{stores.SLOW_MEDIUM_NS} ns a line", "plain memory"]


def as_text(head, rows):
    widths = [max(len(row[at]) for row in [head, *rows]) for at in range(len(head))]
    return "\n".join("  ".join(f"{cell:<{width}}" if at == 0 else f"{cell:>{width}}" for at, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in [head, *rows])


def text(rows):
    parts = []
    for workload in rows.values("peers", "workload"):
        found = list(body(rows, workload))
        if found:
            parts.append(as_text([f"YCSB {workload[-1]}", *HEAD], found))
    found = list(goals(rows))
    if found:
        parts.append(as_text(GOALS_HEAD, found))
    return "\n\n".join([*parts, COUNTED])


def section(rows):
    tables = []
    for workload in rows.values("peers", "workload"):
        found = list(body(rows, workload))
        if found:
            tables.append(report.table(f"YCSB {workload[-1]}", ["", *HEAD], found))
    if not tables:
        return ""
    found = list(goals(rows))
    return report.section(
        "peers", "Beside what people would use instead",
        report.paragraph("The same key-value load on a store in memory, recompiled with Prosper, and on stores written for persistence. With libpmemobj, and with SQLite "
                         "where each operation is a transaction, what has returned is durable; Prosper promises all but the last 10 ms."),
        report.table("Throughput of Prosper by that of libpmemobj's transactions, on the same medium. The last column is what a store without persistence reaches.",
                     GOALS_HEAD, found) if found else "",
        *tables, report.paragraph(COUNTED, small=True))
