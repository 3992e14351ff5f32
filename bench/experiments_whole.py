"""experiments_whole.py - stack and heap together (`bench --whole`): Prosper's stack with SSP's heap, against one mechanism for both.

What differs between two modes with the same heap is the stack, and that is a few microseconds of a checkpoint: ratios of whole programs cannot show it. So the
runtime counts the stack's part of its own work (docs/benchmarks.md, The stack's part), and that is compared.
"""
import builds
import measure
import mechanisms
import plots
import report
import study as studies
import workloads
from experiments_cost import noise_step, running, start_step
from harness import Step

KVSTORE = builds.Program("kvstore1k", 0.3)
# Records and operations, by size. SHORT: with a tenth of the operations; the difference is free of what loading the records takes and stores.
SIZES = {"A": ("100000 1000000", "20000 300000", "2000 200000"), "B": ("100000 2000000", "20000 600000", "2000 200000"), "F": ("100000 1000000", "20000 300000", "2000 200000")}
YCSB = [studies.Study(f"kvstore1k-{load}", f"YCSB {load}", KVSTORE, f"{load} {{size}}", sizes, seconds=1.2) for load, sizes in SIZES.items()]
STUDIES = [*YCSB, *(study for study in studies.MAIN if study.name in ("pagerank", "sssp"))]
# The graphs of the full size make several MB dirty in an interval; these, of 2^16 nodes, less than one.
SMALL = [studies.Study(f"{name}-16", f"{label}, 2^16", builds.PROGRAMS[name], "{input} {size}", sizes, make_input=lambda build, _: workloads.graph(build, True), seconds=1.2)
         for name, label, sizes in (("pagerank", "PageRank", ("800", "100", "20")), ("sssp", "SSSP", ("100", "12", "2")))]
PRODUCTS = ("whole-prosper", "whole-marks")
STEADY = ("whole-prosper", "whole-marks", "whole-ssp-1ms")
LABELS = {study.name: study.label for study in (*STUDIES, *SMALL)}

MB = 1 << 20
REDUCTION, COST, STORED, STOP_US = 2.6, 1.10, 1.10, 100 # the goals


def stored_bytes(stats):
    """All that the process wrote into the pool: the log, lines of pages (consolidated ones too), entries and commit records."""
    return stats["log_bytes"] + stats["line_bytes"] + stats["metadata_bytes"] + stats["stack_image_bytes_written"]


def stack_mean_ns(stats):
    """The stack's part of a checkpoint while the program stands still, without waiting for the consolidating task; the first checkpoint, which makes tables, left out. What other
    programs take of the processor meanwhile is in it, so stack_ns_p50 of the runtime's, the median of the same, is what is compared."""
    total = sum(stats[f"stack_{part}_ns_total"] for part in ("collect", "steps", "commit")) - stats["stack_ns_first"] - stats["consolidation_wait_ns"]
    return max(total, 0) / max(stats["checkpoints"] - 1, 1)


def figures(stats, seconds):
    """{metric: value} of one run; None: not to be had."""
    count = stats["checkpoints"]
    task = stats["consolidation_ns_total"] / count
    added = stats["stack_ns_p50"] + task
    return {
        "checkpoints": count,
        "stop_ns_p50": stats["stop_ns_p50"], "stop_ns_p99": stats["stop_ns_p99"], "stop_net_ns_p99": stats["stop_net_ns_p99"],
        "stored_bytes": stored_bytes(stats) / count,
        "dirty_bytes": stats["dirty_line_bytes"] / count,
        "lines_flushed": stats["lines_flushed"] / count,
        "stored_by_dirty": stored_bytes(stats) / stats["dirty_line_bytes"],
        "stack_ns_p50": stats["stack_ns_p50"], "stack_ns_mean": stack_mean_ns(stats),
        "stack_collect_ns": stats["stack_collect_ns_total"] / count, "stack_steps_ns": (stats["stack_steps_ns_total"] - stats["consolidation_wait_ns"]) / count,
        "stack_commit_ns": stats["stack_commit_ns_total"] / count, "stack_wait_ns": stats["consolidation_wait_ns"] / count,
        "stack_task_ns": task, "stack_ns": added,
        "stack_millionths": 1e6 * added * count / (1e9 * seconds),
        "stack_least_ns": stats["stack_least_ns_p50"],
        "stack_bytes": stats["bytes_written_stack"] / count,
    }


def record(harness, study, mechanism, plain, results):
    about = {"granularity": 8, "interval_ms": 10}

    def add(metric, values):
        harness.rows.add("whole", study.name, mechanism.name, metric, values, **about)
    add("ratio", [own.run.cpu / base for base, own in zip(plain, results)])
    start, base_start = harness.start_seconds.get(mechanism.name), harness.start_seconds.get("plain")
    if start is not None and base_start is not None and min(plain) > 4 * base_start:
        add("ratio_running", [max(own.run.cpu - start, 1e-6) / (base - base_start) for base, own in zip(plain, results)])
    add("plain_seconds", plain)
    found = [figures(own.stats, base) for base, own in zip(plain, results)]
    for metric in found[0]:
        add(metric, [one[metric] for one in found])


def pair_step(harness, study, mechanism):
    def do():
        plain, results = harness.pairs(study, mechanism)
        record(harness, study, mechanism, plain, results)
    return Step(f"{study.label}: {mechanism.label}", study.seconds(harness.size) * 2 * harness.options.pairs * (2 if mechanism.slow else 1.5), do)


def steady_step(harness, study, mechanism):
    """The operations alone, once the records are loaded: time against the plain program's, dirty bytes of a checkpoint, bytes stored for each byte of dirty lines."""
    long = study.arguments(harness.size)
    short = [*long[:2], str(int(long[2]) // 10)]

    def do():
        found = {"ratio_steady": [], "dirty_bytes_steady": [], "stored_by_dirty_steady": [], "flushed_by_dirty_steady": []}
        for number in range(harness.options.pairs):
            plain, own = measure.in_turn(lambda: [harness.plain(study, arguments).cpu for arguments in (short, long)],
                                         lambda: [harness.with_pool(study, mechanism, arguments) for arguments in (short, long)], number)
            before, after = (result.stats for result in own)
            dirty, count = after["dirty_line_bytes"] - before["dirty_line_bytes"], after["checkpoints"] - before["checkpoints"]
            if plain[1] > plain[0] and dirty > 0 and count > 0:
                found["ratio_steady"].append(max(own[1].run.cpu - own[0].run.cpu, 1e-6) / (plain[1] - plain[0]))
                found["dirty_bytes_steady"].append(dirty / count)
                found["stored_by_dirty_steady"].append((stored_bytes(after) - stored_bytes(before)) / dirty)
                found["flushed_by_dirty_steady"].append(64 * (after["lines_flushed"] - before["lines_flushed"]) / dirty)
        for metric, values in found.items():
            harness.rows.add("whole", study.name, mechanism.name, metric, values, granularity=8, interval_ms=10)
    return Step(f"{study.label}: operations alone, {mechanism.label}", study.seconds(harness.size) * harness.options.pairs * 3, do)


def steps(harness):
    chosen, small = harness.studies(STUDIES), harness.studies(SMALL)
    modes = harness.available(mechanism for mechanism in mechanisms.WHOLE if harness.wants(mechanism))
    products = [mode for mode in modes if mode.name in PRODUCTS]
    wanted = [(study, build) for study in (*chosen, *small) for build in dict.fromkeys([builds.PLAIN, *(mode.build for mode in modes)])]
    result = [Step("compiling", 0.6 * len(wanted), lambda: [harness.build(study, build) for study, build in wanted]),
              start_step(harness), *(start_step(harness, mode) for mode in modes)]
    result += [noise_step(harness, study) for study in (*chosen, *small)]
    result += [pair_step(harness, study, mode) for study in chosen for mode in modes]
    result += [pair_step(harness, study, mode) for study in small for mode in products]
    result += [steady_step(harness, study, mode) for study in chosen if study in YCSB for mode in modes if mode.name in STEADY]
    return result


# ---- goals ----

def median(rows, workload, mechanism, metric):
    return rows.median("whole", workload=workload, mechanism=mechanism, metric=metric)


def modes_of(rows):
    return [mode.name for mode in mechanisms.WHOLE if rows.find("whole", mechanism=mode.name)]


def measured(rows):
    return [study.name for study in STUDIES if rows.find("whole", workload=study.name)]


def reductions(rows, period, metric):
    """{label: SSP's figure by Prosper's} of all workloads that have both."""
    found = {}
    for name in measured(rows):
        ours, theirs = median(rows, name, "whole-prosper", metric), median(rows, name, f"whole-ssp-{period}", metric)
        if ours and theirs:
            found[LABELS[name]] = theirs / ours
    return found


def least(found):
    name = min(found, key=found.get)
    return found[name], f"{found[name]:.2f} ({name})"


def greatest(found):
    name = max(found, key=found.get)
    return found[name], f"{found[name]:.3f} ({name})"


def goals(rows, goal):
    """goal: the class. Of everything in one mechanism the stack's part; cost; bytes; stops."""
    if not rows.find("whole"):
        return
    for period in ("10us", "100us", "1ms"):
        for metric, what in (("stack_ns", "task included"), ("stack_least_ns", "finding and writing alone")):
            found = reductions(rows, period, metric)
            value, shown = least(found) if found else (None, "")
            yield goal(f"whole_{metric}_{period}", f"Added time of the stack, SSP {period} by Prosper, the least; {what}", value, shown, f"at least {REDUCTION:g}", "-",
                       value and value >= REDUCTION)
    for mode in ("whole-prosper", "whole-marks"):
        costs, large = {}, []
        for name in ("kvstore1k-B", "pagerank", "sssp", "pagerank-16", "sssp-16"):
            row = rows.one("whole", workload=name, mechanism=mode, metric="ratio_steady") or running(rows, "whole", workload=name, mechanism=mode)
            dirty = median(rows, name, mode, "dirty_bytes_steady") or median(rows, name, mode, "dirty_bytes")
            if row and dirty is not None and dirty < MB:
                costs[LABELS[name]] = row["median"]
            elif row:
                large.append(f"{LABELS[name]} has {report.size(dirty)}: {row['median']:.3f}")
        value, shown = greatest(costs) if costs else (None, "")
        yield goal(f"whole_cost_{mode}", f"{mechanisms.label(mode)}: cost at 10 ms of YCSB B, PageRank, SSSP where less than 1 MB is dirty", value,
                   "; ".join(filter(None, (shown, *large))), f"at most {COST:.2f}", "-", value and value <= COST)
    for mode in ("whole-prosper", "whole-marks"):
        found = {study.label: value for study in YCSB if (value := median(rows, study.name, mode, "stored_by_dirty_steady"))}
        value, shown = greatest(found) if found else (None, "")
        yield goal(f"whole_stored_{mode}", f"{mechanisms.label(mode)}: bytes stored by those of dirty lines, YCSB, records of 1 KB", value, shown, f"at most {STORED:.2f}", "-",
                   value and value <= STORED)
    shown = {}
    for mode in ("whole-marks", "whole-prosper"):
        found = {LABELS[name]: value / 1000 for name in measured(rows) if (value := median(rows, name, mode, "stop_net_ns_p99"))}
        if found:
            name = max(found, key=found.get)
            shown[mode] = found[name], f"{found[name]:,.0f} µs ({name})"
    value, text = shown.get("whole-marks", (None, ""))
    pages = f"; by pages {shown['whole-prosper'][1]}" if "whole-prosper" in shown else ""
    yield goal("whole_stop", "By marks: stop, 99th percentile, less 50 µs for each MB of dirty lines", value, text + pages, f"at most {STOP_US} µs", "-",
               value and value <= STOP_US)


# ---- section ----

def spread_of(show):
    """A figure with its least and greatest."""
    def cell(row):
        if row is None:
            return report.Raw('<span class="none">-</span>')
        same = show(row["lo"]) == show(row["hi"])
        return report.Raw(report.escape(show(row["median"])) + ("" if same else f'<br><span class="spread">{report.escape(show(row["lo"]))}–{report.escape(show(row["hi"]))}</span>'))
    return cell


def cost_plot(rows, names, modes):
    def point(workload, mode):
        row = running(rows, "whole", workload=workload, mechanism=mode)
        return (row["median"], row["lo"], row["hi"]) if row else None
    series = [(mechanisms.label(mode), [point(name, mode) for name in names]) for mode in modes]
    largest = max(value[2] for _, points in series for value in points if value)
    return plots.clusters("whole", [LABELS[name] for name in names], series, "time / plain", log=largest > 3, floor=0.9, line=1)


def bytes_table(rows, names, modes):
    """Modes that save whole pages cannot say what was dirty; Prosper's figure of the same workload stands for theirs."""
    body = []
    for name in names:
        dirty = median(rows, name, "whole-prosper", "dirty_bytes")
        for mode in modes:
            one = {metric: median(rows, name, mode, metric) for metric in ("stored_bytes", "lines_flushed", "stack_bytes")}
            steady, flushed = (rows.one("whole", workload=name, mechanism=mode, metric=metric) for metric in ("stored_by_dirty_steady", "flushed_by_dirty_steady"))
            steady_dirty = median(rows, name, mode, "dirty_bytes_steady")
            own = median(rows, name, mode, "stored_by_dirty")
            compares = "ssp-" in mode or mode in ("whole-prosper", "whole-marks")
            body.append([LABELS[name], mechanisms.label(mode), report.size(one["stored_bytes"]), report.size(one["stack_bytes"]), report.number(one["lines_flushed"]),
                         f"{own:.3f}" if compares and own else f"{one['stored_bytes'] / dirty:.3g} *" if dirty and one["stored_bytes"] else "-",
                         report.size(steady_dirty), report.ratio(steady), report.ratio(flushed)])
    return report.table("Bytes of a checkpoint. Stored: log with headers, lines, entries of pages, commit records, everything that a run wrote into its pool, by its checkpoints. "
                        "Stack: what is the stack's in it (full epochs left out). Flushed: lines. By dirty: bytes stored by 64 for each line that was found changed; with a star by Prosper's dirty "
                        "lines. Steady: dirty bytes of a checkpoint, stored by dirty, and 64 for each flushed line by dirty, of the operations alone, without loading the records.",
                        ["", "mode", "stored", "stack", "flushed", "by dirty", "steady: dirty", "stored", "flushed"], body, left=2)


def product_table(rows):
    """The product alone: the operations of YCSB, and graphs that make little dirty."""
    columns = [(study, metric) for studies_, metric in ((YCSB, "ratio_steady"), (SMALL, None)) for study in studies_]
    def one(study, mode, metric):
        return rows.one("whole", workload=study.name, mechanism=mode, metric=metric) if metric else running(rows, "whole", workload=study.name, mechanism=mode)
    def dirty(study, mode):
        return median(rows, study.name, mode, "dirty_bytes_steady") or median(rows, study.name, mode, "dirty_bytes")
    columns = [(study, metric) for study, metric in columns if any(one(study, mode, metric) for mode in STEADY)]
    if not columns:
        return ""
    body = []
    for mode in STEADY:
        if rows.find("whole", mechanism=mode):
            body.append([mechanisms.label(mode), *(report.ratio(one(study, mode, metric)) for study, metric in columns)])
            body.append([report.theirs("dirty in an interval"), *(report.theirs(report.size(dirty(study, mode))) for study, _ in columns)])
    return report.table("YCSB's operations alone, and smaller graphs. YCSB: the difference of a long and a short run by that of the plain program, without loading the records, which makes 1 KB dirty "
                        "with each. In grey dirty lines by checkpoint.", ["", *(LABELS[study.name] for study, _ in columns)], body)


def stop_table(rows, names, modes):
    body = [[LABELS[name], mechanisms.label(mode), *(report.duration(median(rows, name, mode, metric)) for metric in ("stop_ns_p50", "stop_ns_p99", "stop_net_ns_p99")),
             report.size(median(rows, name, mode, "dirty_bytes")), report.number(median(rows, name, mode, "checkpoints"))] for name in names for mode in modes]
    return report.table("How long a checkpoint stops the program. Median and 99th percentile, right to 9 %; net: the 99th percentile of stops less 50 µs for each MB of their own dirty "
                        "lines. Where pages are saved whole, dirty is all that was saved.", ["", "mode", "stop", "99 %", "99 % net", "dirty lines", "checkpoints"], body, left=2)


def stack_table(rows, names, modes):
    body = []
    for name in names:
        base = median(rows, name, "whole-prosper", "stack_ns")
        for mode in modes:
            total = median(rows, name, mode, "stack_ns")
            parts = (spread_of(report.duration)(rows.one("whole", workload=name, mechanism=mode, metric=metric)) for metric in
                     ("stack_ns_p50", "stack_task_ns", "stack_ns_mean", "stack_collect_ns", "stack_steps_ns", "stack_commit_ns", "stack_wait_ns"))
            share = median(rows, name, mode, "stack_millionths")
            body.append([LABELS[name], mechanisms.label(mode), report.duration(total), f"{total / base:.2f}" if total and base else "-",
                         f"{share / 1e4:.3f} %" if share is not None else "-", *parts])
    return report.table("The stack's part of a checkpoint. Sum: of the median of the checkpoints (right to 12 %) and the task's mean; by that of Prosper; as a share of the plain program's time. "
                        "Mean: of all checkpoints but the first, and what it is made of, the first included.",
                        ["", "mode", "sum", "by Prosper", "of the time", "median", "task", "mean", "collect", "steps", "commit", "waiting"], body, left=2)


def section(rows):
    names, modes = measured(rows), modes_of(rows)
    if not names or not modes:
        return ""
    ways = [mode for mode in modes if mode != "whole-copy"]
    noise = report.table("The same plain program twice. What is nearer to 1 than this is noise.", ["", *(LABELS[name] for name in names)],
                         [["plain against plain", *(report.ratio(rows.one("noise", workload=name, metric="ratio")) for name in names)]])
    return report.section(
        "whole", "Stack and heap together",
        report.paragraph("Prosper keeps the stack by bytes and the heap by SSP's lines. Beside it: SSP for both, pages for both (found by the kernel, saved whole), pages for the stack alone, and "
                         "a copy of everything. A checkpoint every 10 ms. YCSB has records of 1 KB, and an update writes all of a record."),
        report.figure(cost_plot(rows, names, modes), "Time against the plain program, stack and heap persisted. Whiskers: least and greatest pair."),
        report.table("Time against the plain program. Ratio of processor times, without what the start of a process takes.", ["", *(LABELS[name] for name in names)],
                     [[mechanisms.label(mode), *(report.ratio(running(rows, "whole", workload=name, mechanism=mode)) for name in names)] for mode in modes]),
        product_table(rows),
        noise,
        stack_table(rows, names, ways),
        report.paragraph("In it: collect is finding what of the stack changed and writing it, into the log or into slots with their entries; steps is what the way does around that "
                         "(SSP: stopping and waking up the task, giving slots back); commit is the stack's share of the log's checksum and flush, by bytes, and of what a commit does for each "
                         "page's entry, by pages; task is the processor time of SSP's consolidation. Waiting for the task is shown and left out of all sums: on a busy machine it is the "
                         "machine's, and so is most of a mean that is far from its median. Times inside the handler are of the processor's counter, whose reading is in them. Not in it: what all modes share "
                         "(registers, mappings, commit record, heap), page faults and the arming of page tracking (with SSP and Prosper only stacks deeper than 1 MB have any; `stack=pages` pays "
                         "them), clearing the mirror at full epochs, and cache lines that the program finds gone.", small=True),
        bytes_table(rows, names, modes),
        stop_table(rows, names, modes))
