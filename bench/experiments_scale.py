"""experiments_scale.py - the tables of `bench --scale`, from rows: as text, and as a section of the report."""
import report
from experiments_peers import as_text

HEADS = {
    "same": ["heap", "lines", "stop, median", "p99", "processor time", "slots", "resident", "stored/dirty"],
    "restore": ["heap", "to the first instruction", "GB/s", "processor time", "first checkpoint", "its processor time"],
}
HEADS["share"] = [*HEADS["same"][:3], "a line", *HEADS["same"][3:]]
TITLES = {
    "same": "The same number of lines changed, whatever the heap's size",
    "share": "1 % of the heap's lines changed",
    "restore": "Restore, with the pool in the page cache",
}
ABOUT = ("Processor time is less disturbed by others on the machine than the clock. A restore's begins with the start of the program and includes its end; its time "
         "is until the first instruction behind the checkpoint. By pages the kernel's walk through the page tables is in each stop; by marks nothing follows the size. "
         "Stored/dirty: bytes of lines stored, consolidation included, by bytes of lines that had changed.")


def body(rows, what, mechanism, pattern):
    for megabytes in rows.values("scale", "megabytes", workload=f"heap-{what}", mechanism=mechanism, pattern=pattern):
        def of(metric):
            return rows.median("scale", workload=f"heap-{what}", mechanism=mechanism, pattern=pattern, megabytes=megabytes, metric=metric)
        size = report.size(megabytes << 20)
        if what == "restore":
            yield [size, report.duration(of("restore_ns")), f"{of('restore_bytes_per_second') / 1e9:.2f}", report.duration(of("restore_processor_ns")),
                   report.duration(of("first_stop_ns")), report.duration(of("first_processor_ns"))]
            continue
        lines = rows.one("scale", workload=f"heap-{what}", mechanism=mechanism, pattern=pattern, megabytes=megabytes)["parameters"]["lines"]
        stop = of("stop_ns_p50")
        row = [size, str(lines), report.duration(stop), report.duration(of("stop_ns_p99")), report.duration(of("processor_ns_p50")),
               report.size(of("slot_bytes")), report.size(of("resident_bytes")), f"{of('stored_ratio'):.3f}"]
        yield [*row[:3], f"{of('processor_ns_p50') / lines:.0f} ns", *row[3:]] if what == "share" else row


def parts(rows):
    for what, title in TITLES.items():
        for mechanism in ("marks", "pages"):
            for pattern in ("scattered",) if what == "restore" else ("scattered", "clustered"):
                found = list(body(rows, what, mechanism, pattern))
                if found:
                    yield f"{title}. By {mechanism}" + ("" if what == "restore" else f", {pattern}"), HEADS[what], found


def text(rows):
    return "\n\n".join([*(f"{title}\n{as_text(head, found)}" for title, head, found in parts(rows)), ABOUT])


def section(rows):
    tables = [report.table(title, head, found) for title, head, found in parts(rows)]
    return report.section("scale", "Large heaps", report.paragraph("What a checkpoint costs should follow what changed and not what is there; a restore should be as fast as "
                                                                    "memory can be filled."), *tables, report.paragraph(ABOUT, small=True)) if tables else ""
