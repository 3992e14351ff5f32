"""experiments_bytes.py - how many bytes of the stack a checkpoint saves, by granularity: the original's Fig. 10 and 11, and the unit's figure beside ours.

By operations: the workload itself asks for a checkpoint when it has done as much as the original's does in 10 ms (original.OPERATIONS). What the
machine's speed has to do with is left out, and the figures are the same on each machine. At 10 real ms beside it.
"""
import mechanisms
import original
import plots
import report
import study as studies
from experiments_cost import whole
from harness import Step, difference, stack_bytes

GRANULARITIES = (8, 16, 32, 64, 128)
PAGE = 4096


def counted_step(harness, study, granularity):
    def do():
        short, long = harness.counted(study, mechanisms.PROSPER, granularity)
        about = {"granularity": granularity, "operations": study.operations}
        add = harness.rows.add
        add("bytes", study.name, "prosper", "bytes_per_checkpoint", [difference(short, long, "bytes_written_stack")], **about)
        add("bytes", study.name, "prosper", "log_bytes_per_checkpoint", [difference(short, long, "log_bytes")], **about)
        add("bytes", study.name, "prosper", "stop_ns_p50", [long.stats["stop_ns_p50"]], **about)
        if granularity == 8:
            about["granularity"] = PAGE
            add("bytes", study.name, "prosper", "bytes_per_checkpoint", [difference(short, long, "stack_bytes_at_page_granularity")], **about)
    return Step(f"{study.label}: bytes at {granularity}, by operations", 0.4, do)


def baseline_step(harness, study, mechanism, granularity):
    """Another mechanism's bytes at the same checkpoints: pages as they are really written; what the unit finds, and what no store in the source made
    (spills, return addresses), which a unit in the processor would see too and the model does not."""
    def do():
        short, long = harness.counted(study, mechanism, granularity)
        about = {"granularity": granularity, "operations": study.operations}
        harness.rows.add("bytes", study.name, mechanism.name, "bytes_per_checkpoint", [difference(short, long, stack_bytes)], **about)
        harness.rows.add("bytes", study.name, mechanism.name, "stop_ns_p50", [long.stats["stop_ns_p50"]], **about)
    return Step(f"{study.label}: bytes, {mechanism.label}", 0.6, do)


def real_step(harness, study, granularity):
    def do():
        size = harness.size
        study.prepare(harness.options.build, size)
        found = harness.with_pool(study, mechanisms.PROSPER, study.arguments(size), granularity)
        about = {"granularity": granularity, "interval_ms": 10}
        harness.rows.add("bytes-real", study.name, "prosper", "bytes_per_checkpoint", [found.per_checkpoint("bytes_written_stack")], **about)
        if granularity == 8:
            about["granularity"] = PAGE
            harness.rows.add("bytes-real", study.name, "prosper", "bytes_per_checkpoint", [found.per_checkpoint("stack_bytes_at_page_granularity")], **about)
    return Step(f"{study.label}: bytes at {granularity}, 10 ms", study.seconds(harness.size), do)


def interval_step(harness, study, at_ms):
    def do():
        short, long = harness.counted(study, mechanisms.PROSPER, every=max(study.operations * at_ms // 10, 1))
        found = [difference(short, long, "bytes_written_stack")]
        harness.rows.add("bytes-interval", study.name, "prosper", "bytes_per_checkpoint", found, granularity=8, at_ms=at_ms)
    return Step(f"{study.label}: bytes, {at_ms} ms by operations", 0.4, do)


def steps(harness):
    chosen = harness.studies(studies.COUNTED)
    names = [mechanism.name for mechanism in harness.mechanisms]
    names += [mechanisms.SAME.name] if "unit" in names else []
    result = [counted_step(harness, study, granularity) for study in chosen for granularity in GRANULARITIES]
    result += [baseline_step(harness, study, mechanisms.BY_NAME[name], granularity)
               for study in chosen for name, granularity in (("unit", 8), ("prosper-same", 8), ("pages", 8)) if name in names]
    result += [real_step(harness, study, granularity) for study in chosen for granularity in GRANULARITIES]
    result += [interval_step(harness, study, at_ms) for study in chosen if study.name in original.FIG11 for at_ms in (1, 5, 10)]
    return result


# ---- sections ----

def at(rows, experiment, workload, granularity, mechanism="prosper", metric="bytes_per_checkpoint"):
    return rows.median(experiment, workload=workload, granularity=granularity, mechanism=mechanism, metric=metric)


def bytes_table(rows, names, experiment, caption, with_original):
    columns = (*GRANULARITIES, PAGE)
    body = []
    for name in names:
        values = {granularity: at(rows, experiment, name, granularity) for granularity in columns}
        reduction = values[PAGE] / values[8] if values[8] and values[PAGE] else None
        body.append([studies.label(name), *(report.number(values[granularity]) for granularity in columns), f"{reduction:.3g}" if reduction else "-"])
        if with_original and name in original.FIG10:
            body.append([report.theirs("the original's"), *(report.theirs(original.FIG10[name][granularity], "{:,}") for granularity in columns),
                         report.theirs(original.REDUCTION[name], "{:.3g}")])
    return report.table(caption, ["granules of", *(f"{granularity} B" for granularity in GRANULARITIES), "4-KB pages", "pages / 8 B"], body)


def log_table(rows, names):
    """Headers included, and the data and tables that changed with the stack; a full epoch in between would spoil it, and has none."""
    def logged(name, granularity):
        return report.number(at(rows, "bytes", name, granularity, metric="log_bytes_per_checkpoint"))
    body = [[studies.label(name), *(logged(name, granularity) for granularity in GRANULARITIES)] for name in names]
    return report.table("What reaches the log at these checkpoints, all in all. Stack, data and tables, with a header of 16 bytes for each run of changed "
                        "granules: scattered writes pay for fine granules. "
                        "(The original's log entries are 88 bytes and eight granules each, whatever of them changed; its figures leave that out.)",
                        ["granules of", *(f"{granularity} B" for granularity in GRANULARITIES)], body)


def bytes_plot(rows, names):
    series = []
    for granularity in (*GRANULARITIES, PAGE):
        values = [at(rows, "bytes", name, granularity) for name in names]
        series.append(("pages" if granularity == PAGE else f"{granularity} B", [(value, value, value) if value else None for value in values]))
    marks = [[original.FIG10.get(name, {}).get(granularity) for name in names] for granularity in (*GRANULARITIES, PAGE)]
    return plots.clusters("bytes", [studies.label(name) for name in names], series, "bytes per checkpoint", log=True, floor=100,
                          marks=("the original", marks), height=380)


def stop_table(rows, names):
    body = []
    for name in names:
        cells = [report.duration(at(rows, "bytes", name, granularity, metric="stop_ns_p50")) for granularity in GRANULARITIES]
        pages, own = at(rows, "bytes", name, 8, "pages", "stop_ns_p50"), at(rows, "bytes", name, 8, metric="stop_ns_p50")
        theirs = original.FIG10_STAGE_US.get(name)
        body.append([studies.label(name), *cells, report.duration(pages), f"{own / pages:.2f}" if own and pages else "-",
                     report.theirs(theirs, "{:,} µs"), report.theirs(original.FIG10_TIME.get(name, {}).get(8), "{:.2f}")])
    return report.table("How long these checkpoints stop the program, by granularity (beside the original's Fig. 10b). Medians, right to 9 %; the whole "
                        "stop. In grey the original's first stage, finding and "
                        "copying to the log, at 8 B, and its ratio to Dirtybit's.",
                        ["", *(f"{granularity} B" for granularity in GRANULARITIES), "pages", "8 B / pages", "its time", "its ratio"], body)


def unit_table(rows, names):
    body = []
    for name in names:
        ours, units = (at(rows, "bytes", name, 8, mechanism) for mechanism in ("prosper-same", "unit"))
        if ours is not None and units is not None:
            body.append([studies.label(name), report.number(ours), report.number(units), f"{ours / units:.3f}" if units else "-"])
    if not body:
        return ""
    return report.table("Prosper and the unit at the same checkpoints. Bytes of the stack at granules of 8; what was written back as it was does not count "
                        "as changed for us, and does for the unit.",
                        ["", "Prosper", "the unit", "ratio"], body)


def section(rows):
    names = [study.name for study in studies.COUNTED if rows.find("bytes", workload=study.name)]
    if not names:
        return ""
    operations = ", ".join(f"{studies.label(name)} {original.OPERATIONS[name]:,}" for name in names if not name.startswith("recursive"))
    return report.section(
        "bytes", "How many bytes a checkpoint saves",
        report.paragraph("A page of 4 KB is saved whole although eight bytes of it changed. The finer the granule, the less is copied. To have the same "
                         "amount of work between two checkpoints as the original, whatever "
                         "the machine, the workloads ask for a checkpoint themselves after a number of operations."),
        report.figure(bytes_plot(rows, names), "Bytes of the stack in a checkpoint, by granularity (the original's Fig. 10a). At the original's number of "
                                               "operations; logarithmic. Black dashes: the original's figures."),
        bytes_table(rows, names, "bytes", "Bytes of the stack in a checkpoint, at the original's number of operations. Pages: 4 KB for each page with a "
                                          "changed byte, at the same checkpoints.", True),
        report.paragraph(f"Operations between two checkpoints: {operations}, Recursive 20 calls. They are the operations of the original's whole run divided "
                         "by its checkpoints. For Random: 338.7 million stores into the "
                         "stack in 238 checkpoints are 1.42 million each, loop variables of an unoptimised program included, of which 100 million in all and "
                         "420,168 each go to the array. "
                         "Where ours differ: an optimised program stores no loop variables; Sparse's and Quicksort's frames are smaller for it. Each write "
                         "stores a new value; the original's Normal and Poisson add zero, "
                         "which would be no change for us. What the start of a program stores is taken out: the figures are the difference of a long run and "
                         "a short one.", small=True),
        log_table(rows, names),
        bytes_table(rows, [name for name in names if rows.find("bytes-real", workload=name)], "bytes-real",
                    "The same at 10 real ms. This machine does more in that time; Random, Sparse and Stream have long written all that they ever write. What "
                    "the start stores is in these.", False),
        unit_table(rows, names),
        stop_table(rows, names))


def stages_section(rows):
    product = whole(rows)
    names = rows.values("stages", "workload", mechanism=product)
    if not names:
        return ""
    parts = (("fixed", "registers, mappings, descriptors"), ("small", "stack and data"), ("large", "heap"), ("commit", "commit and arming"))

    def stage(name, metric):
        return rows.median("stages", workload=name, mechanism=product, metric=metric)
    charted = [name for name in names if name not in [study.name for study in studies.LARGE]] # which would leave nothing to be seen of the others
    chart = plots.stacked("stages", [studies.label(name) for name in charted],
                          [(label, [(stage(name, f"{part}_ns") or 0) / 1000 for name in charted]) for part, label in parts], "µs per checkpoint", height=380)
    body = [[studies.label(name), *(report.duration(stage(name, f"{part}_ns")) for part, _ in parts),
             *(report.duration(stage(name, f"stop_ns_{which}")) for which in ("p50", "p99", "max"))] for name in names]
    return report.section(
        "stages", "Where the time of a checkpoint goes",
        report.paragraph("The program stands still from the timer's signal until the commit. First the runtime asks what cannot be seen in memory: "
                         "registers, mappings, descriptors. Then it compares what is small with "
                         "its mirror and logs what changed, finds and writes changed lines of the heap, and commits."),
        report.figure(chart, "Mean time of the stages of a checkpoint, at 10 ms and 8 B, heap and all. Programs with very large stacks are in the table only."),
        report.table("Stages (means) and the time that the program stands still (percentiles, right to 9 %), at 10 ms and 8 B. The first checkpoint, which "
                     "saves everything, is in the means and in the maximum.",
                     ["", *(label for _, label in parts), "stop p50", "p99", "max"], body),
        report.paragraph("The original times one stage alone, reading the bitmap and copying to the log, which is 5 to 1,231 µs (Fig. 10b above); copying "
                         "from the log to the image is not timed there, and there is no commit record. "
                         "Ours has no second copy: the log is the image.", small=True))


def sources_section(rows):
    product = whole(rows)
    names = rows.values("sources", "workload", mechanism=product)
    if not names:
        return ""
    parts = (("stack_bytes", "stack"), ("data_bytes", "data"), ("table_bytes", "registers and tables"), ("heap_bytes", "heap lines"), ("metadata_bytes", "metadata"))

    def source(name, metric):
        return rows.median("sources", workload=name, mechanism=product, metric=metric) or 0
    shares = []
    for part, label in parts:
        totals = [max(sum(source(name, other) for other, _ in parts), 1e-9) for name in names]
        shares.append((label, [100 * source(name, part) / total for name, total in zip(names, totals)]))
    body = [[studies.label(name), *(report.size(source(name, part)) for part, _ in parts), report.size(source(name, "pool_bytes"))] for name in names]
    return report.section(
        "sources", "Where the bytes come from",
        report.paragraph("A checkpoint saves more than the stack: data of the program and its libraries, registers and tables of the runtime, and lines of "
                         "the heap with the entries of their pages."),
        report.figure(plots.stacked("sources", [studies.label(name) for name in names], shares, "% of the bytes of a checkpoint", height=380),
                      "Whose bytes a checkpoint writes, at 10 ms and 8 B, heap and all."),
        report.table("Bytes of a checkpoint by origin, at 10 ms and 8 B; at the right what of the pool is in use at the end. Metadata: entries of pages and "
                     "commit records; the log's headers are not in it.",
                     ["", *(label for _, label in parts), "pool in use"], body),
        report.paragraph("The original counts the stack's bytes alone; its log entries have a fixed size of 88 bytes and eight granules, whatever of them is "
                         "used.", small=True))
