"""experiments_unit.py - the hardware unit, modelled: its table and watermarks over traces, the original's Fig. 11 and 13.

Traces are files of --traces DIR (Prosper's format or NemOS's), and those that `prosper run --trace` writes of workloads compiled with
--prosper-track=stores, where both exist.
"""
import json
import os
import subprocess

import measure
import mechanisms
import original
import plots
import report
import study as studies
from harness import Step

HWM, LWM, LWM_THERE, ENTRIES = (4, 8, 16, 24), (4, 8, 16, 20), 24, (4, 8, 16, 32, 64)
GRANULARITIES = (8, 16, 32, 64, 128, 4096)
INTERVALS = (1, 5, 10)
# What is traced, and how much of it: some hundred thousand stores to some million. What -O2 leaves no stores into the stack (sorts, sssp) has none to trace.
TRACED = {"kvstore-B": "2000 60000", "random": "40000", "sparse": "400000", "normal": "12000", "recursive-16": "2"}


def unit(harness, path, **flags):
    command = [os.path.join(harness.options.build, "bin", "prosper"), "unit", "--trace", path, "--partial", "--json"]
    for flag, value in flags.items():
        command += [f"--{flag}", str(value)]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise measure.Failed(result.stderr.decode(errors="replace").strip())
    return json.loads(result.stdout)


def trace_of(harness, study):
    """A trace of a short run. Its time passes while the trace is written: an interval in it has fewer stores than the program makes in that time."""
    harness.build(study, mechanisms.STORES)
    path = os.path.join(harness.scratch, f"{study.name}.trace")
    command = [os.path.join(harness.options.build, "bin", "prosper"), "run", "--trace", path, "--",
               study.program.binary(harness.options.build, mechanisms.STORES), *study.template.format(size=TRACED[study.name], every=0, input="").split()]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0 or not os.path.exists(path):
        raise measure.Failed(f"no trace of {study.label}: {result.stderr.decode(errors='replace').strip()}")
    return path


def sweep(harness, name, path):
    rows = harness.rows

    def add(sweep_name, at, found, granularity=8, interval=10):
        stores = max(found["stores"], 1)
        about = {"granularity": granularity, "interval_ms": interval, "sweep": sweep_name, "at": at}
        rows.add("unit", name, "unit", "loads_per_1000_stores", [1000 * found["bitmap_loads"] / stores], **about)
        rows.add("unit", name, "unit", "bitmap_stores_per_1000_stores", [1000 * found["bitmap_stores"] / stores], **about)
        rows.add("unit", name, "unit", "bytes_per_checkpoint", [found["dirty_bytes"] / max(found["interval_count"], 1)], **about)
    for value in HWM:
        add("hwm", value, unit(harness, path, **{"interval-ms": 10, "hwm": value, "lwm": 4}))
    for value in LWM:
        add("lwm", value, unit(harness, path, **{"interval-ms": 10, "hwm": LWM_THERE, "lwm": value}))
    for value in ENTRIES:
        add("entries", value, unit(harness, path, **{"interval-ms": 10, "entries": value, "lwm": 4}))
    for value in GRANULARITIES:
        add("granularity", value, unit(harness, path, **{"interval-ms": 10, "granularity": value}), granularity=value)
    for value in INTERVALS:
        found = unit(harness, path, **{"interval-ms": value})
        add("interval", value, found, interval=value)
    rows.add("unit", name, "unit", "stack_stores", [found["stores"]])


def steps(harness):
    result = []
    directory = harness.options.traces
    if directory:
        for file in sorted(os.listdir(directory)):
            if os.path.isfile(os.path.join(directory, file)):
                name = file.split(".")[0]
                result.append(Step(f"the unit over {file}", 5, lambda name=name, path=os.path.join(directory, file): sweep(harness, name, path)))
    if not (harness.support.traces and harness.support.build(mechanisms.STORES)):
        missing = "the compiler has no --prosper-track=stores" if harness.support.traces else "prosper run has no --trace"
        harness.note("traces of our own for the unit: skipped, " + missing)
        return result
    for study in harness.studies([*studies.MAIN, *studies.SMALL]):
        if study.name in TRACED:
            result.append(Step(f"the unit over {study.label}", 8, lambda study=study: sweep(harness, study.name, trace_of(harness, study))))
    return result


# ---- the section ----

def points(rows, name, sweep_name, metric):
    return [(row["parameters"]["at"], max(row["median"], 1e-3), max(row["lo"], 1e-3), max(row["hi"], 1e-3))
            for row in rows.find("unit", workload=name, sweep=sweep_name, metric=metric)]


def sweep_plot(rows, names, sweep_name, x_label, theirs, values):
    series = [(studies.label(name), points(rows, name, sweep_name, "loads_per_1000_stores"), False) for name in names]
    for program, found in theirs.items():
        rates = [(at, *[max(original.per_thousand(program, counts)[0], 1e-3)] * 3) for at, counts in sorted(found.items())]
        series.append((f"the original: {program}", rates, True))
    return plots.lines(f"unit-{sweep_name}", series, x_label, "loads per 1000 stores", log_x=sweep_name == "entries",
                       x_tics=[(str(value), value) for value in values],
                       y_tics=[("0.001", 0.001), ("0.01", 0.01), ("0.1", 0.1), ("1", 1), ("10", 10), ("100", 100), ("1000", 1000)], y_range=(0.001, 1500))


def rate(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def sweep_table(rows, names, sweep_name, caption, theirs, values):
    body = []
    for name in names:
        cells = []
        for value in values:
            loads = rows.median("unit", workload=name, sweep=sweep_name, at=value, metric="loads_per_1000_stores")
            stores = rows.median("unit", workload=name, sweep=sweep_name, at=value, metric="bitmap_stores_per_1000_stores")
            cells.append("-" if loads is None else f"{rate(loads)} / {rate(stores)}")
        body.append([studies.label(name), *cells])
    for program, found in theirs.items():
        rates = {at: " / ".join(rate(value) for value in original.per_thousand(program, counts)) for at, counts in found.items()}
        body.append([report.theirs(f"the original: {program}"),
                     *(report.theirs(rates.get(value)) for value in values)])
    return report.table(caption, ["", *values], body)


def bytes_table(rows, names):
    body = []
    for name in names:
        sizes = [rows.median("unit", workload=name, sweep="granularity", at=value, metric="bytes_per_checkpoint") for value in GRANULARITIES]
        times = [rows.median("unit", workload=name, sweep="interval", at=value, metric="bytes_per_checkpoint") for value in INTERVALS]
        body.append([studies.label(name), *(report.number(value) for value in sizes), *(report.number(value) for value in times)])
    return report.table("Bytes that the unit finds dirty in an interval: by granularity at 10 ms, and by interval at 8 B (compare the original's Fig. 10a "
                        "and 11 above).",
                        ["", *(f"{value} B" for value in GRANULARITIES), *(f"{value} ms" for value in INTERVALS)], body)


def section(rows):
    names = rows.values("unit", "workload")
    if not names:
        return report.section("unit", "The hardware unit, modelled", report.paragraph(
            "Not measured: there was no trace. `scripts/bench --traces DIR` takes a directory of them; `prosper run --trace` writes them where the build of "
            "Prosper can."))
    counts = ", ".join(f"{studies.label(name)} {rows.median('unit', workload=name, metric='stack_stores'):,.0f}" for name in names)
    return report.section(
        "unit", "The hardware unit, modelled",
        report.paragraph("The original's unit keeps a table of words of the bitmap, so that not every store goes to memory. The same traces of stores go "
                         "through a model of it (`prosper unit`), with the original's "
                         "parameters: 16 entries, high watermark 24, low watermark 4 or 8, 8-byte granules, 10 ms."),
        report.figure(sweep_plot(rows, names, "hwm", "high watermark (low: 4)", original.FIG13_HWM, HWM),
                      "Loads of bitmap words for each thousand stores into the stack, by high watermark (the original's Fig. 13). Logarithmic. Dashed: the "
                      "original's programs."),
        report.figure(sweep_plot(rows, names, "entries", "entries of the table", original.FIG13_ENTRIES, ENTRIES),
                      "The same by size of the table. High watermark 24, low 4."),
        sweep_table(rows, names, "hwm", "High watermark, at low watermark 4. Loads / stores of bitmap words for each thousand stores into the stack.",
                    original.FIG13_HWM, HWM),
        sweep_table(rows, names, "lwm", "Low watermark, at high watermark 24. Loads / stores for each thousand stores.", original.FIG13_LWM, LWM),
        sweep_table(rows, names, "entries", "Entries of the table, at watermarks 24 and 4. Loads / stores for each thousand stores.",
                    original.FIG13_ENTRIES, ENTRIES),
        bytes_table(rows, names),
        report.paragraph("Traces of ours are of stores in the source: spills and return addresses are not in them. Traces named nemos are those that NemOS, "
                         "the artifact's predecessor, comes with.",
                         small=True) if any(name in TRACED for name in names) else "",
        report.paragraph(f"Stores into the stack: {counts}. The original's are 5.61 billion of g500_sssp and 3.33 billion of mcf. Shapes can be compared, "
                         "absolute figures cannot: these are other programs, and its counters "
                         "are of long runs. In both, a program with a small stack (sssp) needs hardly any access once the high watermark is above the bits "
                         "that its loops fill, and a program with a scattered one needs one nearly each time, "
                         "however the watermarks stand; a larger table helps it.", small=True))
