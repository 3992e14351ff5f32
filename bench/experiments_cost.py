"""experiments_cost.py - what stack persistence costs in time: by mechanism, by interval, and with the flushes of persistent memory.

The original's Fig. 8. A row `ratio` is a pair's processor times, whole processes; `ratio_running` is the same without what a start takes (the empty
program's time, with and without a pool), which is what the original measures: a region of interest.
"""
import statistics

import builds
import mechanisms
import original
import plots
import report
import study as studies
from harness import Step, stack_bytes

PRODUCT = ("prosper", "prosper-heap") # the stack alone, and everything; where the runtime cannot leave the heap out the first is everything
STAGES = ("fixed", "small", "large", "commit")


def record(harness, experiment, study, mechanism, plain, results, interval_ms, **parameters):
    """The ratios of some pairs, and for the product what their checkpoints did."""
    rows, about = harness.rows, {"granularity": 8, "interval_ms": interval_ms, **parameters}
    rows.add(experiment, study.name, mechanism.name, "ratio", [own.run.cpu / base for base, own in zip(plain, results)], **about)
    start = harness.start_seconds.get(mechanism.name)
    base_start = harness.start_seconds.get("plain")
    if start is not None and base_start is not None and min(plain) > 4 * base_start:
        running = [max(own.run.cpu - start, 1e-6) / (base - base_start) for base, own in zip(plain, results)]
        rows.add(experiment, study.name, mechanism.name, "ratio_running", running, **about)
    rows.add(experiment, study.name, mechanism.name, "plain_seconds", plain, **about)
    rows.add(experiment, study.name, mechanism.name, "bytes_per_checkpoint", [own.per_checkpoint(stack_bytes) for own in results], **about)
    if experiment == "stack-cost":
        record_stages(rows, study, mechanism, results, about)
        record_sources(rows, study, mechanism, results, about)


def whole(rows):
    """The mechanism that persists everything, by which stages and sources are shown."""
    return "prosper-heap" if rows.find("stages", mechanism="prosper-heap") else "prosper"


def record_stages(rows, study, mechanism, results, about):
    for name in STAGES:
        rows.add("stages", study.name, mechanism.name, f"{name}_ns", [own.stats[f"{name}_ns_total"] / own.stats["checkpoints"] for own in results], **about)
    for name in ("stop_ns_p50", "stop_ns_p99", "stop_ns_max"):
        rows.add("stages", study.name, mechanism.name, name, [own.stats[name] for own in results], **about)
    rows.add("stages", study.name, mechanism.name, "checkpoints", [own.stats["checkpoints"] for own in results], **about)


def record_sources(rows, study, mechanism, results, about):
    for metric, field in (("stack_bytes", "bytes_written_stack"), ("stack_page_bytes", "stack_bytes_at_page_granularity"), ("data_bytes", "bytes_written_other"),
                          ("table_bytes", "bytes_written_registers_and_tables"), ("heap_bytes", "bytes_written_heap"), ("metadata_bytes", "metadata_bytes"),
                          ("lines_flushed", "lines_flushed")):
        rows.add("sources", study.name, mechanism.name, metric, [own.per_checkpoint(field) for own in results], **about)
    rows.add("sources", study.name, mechanism.name, "pool_bytes", [own.used_bytes for own in results], **about)


# ---- steps ----

def start_step(harness, mechanism=None):
    name = mechanism.name if mechanism else "plain"

    def do():
        values = [harness.empty_program(mechanism).cpu for _ in range(6)][1:]
        harness.start_seconds[name] = statistics.median(values)
        harness.rows.add("start", "nothing", name, "seconds", values)
    return Step(f"what a start takes: {name}", 0.1, do)


def noise_step(harness, study):
    def do():
        study.prepare(harness.options.build, harness.size)
        arguments = study.arguments(harness.size)
        harness.plain(study, arguments) # warms the machine's caches
        values = []
        for number in range(harness.options.pairs):
            first, second = harness.plain(study, arguments), harness.plain(study, arguments)
            values.append(first.cpu / second.cpu if number % 2 == 0 else second.cpu / first.cpu)
        harness.rows.add("noise", study.name, "plain", "ratio", values)
    return Step(f"{study.label}: plain against plain", study.seconds(harness.size) * (2 * harness.options.pairs + 1), do)


def pair_step(harness, experiment, study, mechanism, interval_ms, more=(), **parameters):
    def do():
        plain, results = harness.pairs(study, mechanism, interval=f"{interval_ms}ms", more=more)
        record(harness, experiment, study, mechanism, plain, results, interval_ms, **parameters)
    expected = study.seconds(harness.size) * 2 * harness.options.pairs * (2 if mechanism.slow else 1)
    return Step(f"{study.label}: {mechanism.label}, {interval_ms} ms{', flushed' if more else ''}", expected, do)


def steps(harness):
    chosen = harness.studies(studies.MAIN)
    others = harness.studies([*studies.SMALL, *studies.LARGE])
    applications = harness.studies(studies.APPLICATIONS if harness.size == "full" else studies.QUICK_APPLICATIONS if harness.size == "quick" else [])
    programs = {study.program.name: study.program for study in (*chosen, *others, *applications)}
    compiling = sum(program.seconds for program in programs.values()) * 2
    wanted = [(study, build) for study in (*chosen, *others, *applications) for build in (builds.PLAIN, builds.STACK)]
    result = [Step("compiling", compiling, lambda: [harness.build(study, build) for study, build in wanted]),
              start_step(harness), *(start_step(harness, mechanism) for mechanism in harness.mechanisms)]
    result += [noise_step(harness, study) for study in chosen]
    result += [pair_step(harness, "stack-cost", study, mechanism, 10) for study in chosen for mechanism in harness.mechanisms]
    products = [mechanism for mechanism in harness.mechanisms if mechanism.name in PRODUCT]
    result += [pair_step(harness, "stack-cost", study, mechanism, 10) for study in (*others, *applications) for mechanism in products]
    return result


def interval_steps(harness):
    wanted = [mechanism for mechanism in harness.mechanisms if mechanism.name in ("prosper", "pages")]
    return [pair_step(harness, "interval", study, mechanism, interval)
            for study in harness.studies(studies.MAIN) for mechanism in wanted for interval in (1, 5)]


def flushed_steps(harness):
    wanted = [mechanism for mechanism in harness.mechanisms if mechanism.name in ("prosper", "pages", "ssp-1ms")]
    if not all(harness.support.option(option) for option in mechanisms.FLUSHED):
        harness.note("flushes as on persistent memory: skipped, the runtime has no " + mechanisms.FLUSHED[0])
        return []
    return [pair_step(harness, "flushed", study, mechanism, 10, mechanisms.FLUSHED, flush_ns=210)
            for study in harness.studies(studies.MAIN) for mechanism in wanted]


# ---- sections ----

def running(rows, experiment, **wanted):
    """The row to show: without the start where that is known."""
    return rows.one(experiment, metric="ratio_running", **wanted) or rows.one(experiment, metric="ratio", **wanted)


def mean(rows, experiment, names, **wanted):
    found = [running(rows, experiment, workload=name, **wanted) for name in names]
    return original.geometric_mean([row["median"] for row in found]) if all(found) and found else None


def mean_text(rows, experiment, names, mechanism):
    value = mean(rows, experiment, names, mechanism=mechanism)
    return f"{value:.3f}" if value else "-"


def cost_table(rows, names, shown):
    body = []
    for name in shown:
        theirs = original.FIG8.get(mechanisms.BY_NAME[name].original, {})
        body.append([mechanisms.label(name), *(report.ratio(running(rows, "stack-cost", workload=workload, mechanism=name)) for workload in names),
                     mean_text(rows, "stack-cost", names, name)])
        if theirs:
            body.append([report.theirs("the original's"), *(report.theirs(theirs.get(original.LIKE.get(workload)), "{:.3f}") for workload in names),
                         report.theirs(original.FIG8_MEAN[mechanisms.BY_NAME[name].original], "{:.3f}")])
    body.append(["plain against plain", *(report.ratio(rows.one("noise", workload=workload, metric="ratio")) for workload in names), ""])
    return report.table("Stack persistence against the plain program. Ratio of processor times, a checkpoint every 10 ms, granules of 8 bytes: median, least "
                        "and "
                        "greatest of the pairs; at the right the geometric mean.", ["", *(studies.label(name) for name in names), "mean"], body)


def cost_plot(rows, names, shown):
    def point(workload, mechanism):
        row = running(rows, "stack-cost", workload=workload, mechanism=mechanism)
        return (row["median"], row["lo"], row["hi"]) if row else None
    series = [(mechanisms.label(name), [point(workload, name) for workload in names]) for name in shown]
    marks = [[original.FIG8.get(mechanisms.BY_NAME[name].original, {}).get(original.LIKE.get(workload)) for workload in names] for name in shown]
    largest = max(value[2] for _, points in series for value in points if value)
    return plots.clusters("cost", [studies.label(name) for name in names], series, "time / plain", log=largest > 3, floor=0.9, line=1, marks=("the original", marks))


def others_table(rows, names):
    products = [name for name in PRODUCT if rows.find("stack-cost", mechanism=name)]
    body = [[studies.label(name), *(report.ratio(running(rows, "stack-cost", workload=name, mechanism=product)) for product in products),
             f'{rows.median("stages", workload=name, mechanism="prosper", metric="checkpoints") or 0:.0f}',
             report.duration(rows.median("stages", workload=name, mechanism="prosper", metric="stop_ns_p50")),
             report.size(rows.median("sources", workload=name, mechanism="prosper", metric="stack_bytes")),
             report.size(rows.median("sources", workload=name, mechanism="prosper", metric="stack_page_bytes"))] for name in names]
    return report.table("Prosper on the other workloads. Small recursions, large and deep stacks, and programs from Debian's source packages. Checkpoints of "
                        "a run, their "
                        "median time, and what a checkpoint saves of the stack.",
                        ["", *("time / plain" if product == "prosper" else "heap too" for product in products), "checkpoints", "stop, median", "stack bytes", "as 4-KB pages"], body)


def section(rows):
    everything = rows.values("stack-cost", "workload")
    names = [name for name in original.LIKE if name in everything]
    others = [name for name in everything if name not in original.LIKE]
    shown = [name for name in mechanisms.BY_NAME if rows.find("stack-cost", mechanism=name)]
    if not names:
        return ""
    heap = "The heap is not persisted in any row but the one that says so" if "prosper-heap" in shown else \
        "This build of the runtime cannot leave the heap out, so the heap's part is in all of these figures, which the original's do not have"
    return report.section(
        "stack-cost", "What stack persistence costs",
        report.paragraph("How much longer does a program run when its stack survives? Each workload runs plainly and with a pool, one right after the other; "
                         "a bar is the median "
                         f"of the ratios of processor times, without what the start of a process takes. {heap}."),
        report.figure(cost_plot(rows, names, shown), "Time with stack persistence against none (the original's Fig. 8). Whiskers: least and greatest pair. "
                                                     "Black dashes: the original's "
                      "figure of the same mechanism."),
        cost_table(rows, names, shown),
        report.paragraph("The original's geometric means: Prosper 1.084, Dirtybit 1.206, SSP with consolidation every 10 µs, 100 µs and 1 ms 2.078, 1.524 "
                         f"and 1.448, Romulus {original.FIG8_MEAN['romulus']:.1f}. There Prosper "
                         "loses to Dirtybit on Random and Stream. Where ours differ: its processor is simulated, in order and at 3 GHz; its programs are not "
                         "optimised, which makes "
                         "stores into the stack many times as frequent; its three applications are traces of an application, replayed, and ours are programs "
                         "of the same kind; its flushes do not reach the "
                         "memory; and ours includes finding what changed by comparing, which needs no work at a store.", small=True),
        others_table(rows, others) if others else "",
        report.paragraph(f"A start with a pool takes {report.duration(1e9 * (rows.median('start', mechanism='prosper', metric='seconds') or 0))} of "
                         "processor time, a plain one "
                         f"{report.duration(1e9 * (rows.median('start', mechanism='plain', metric='seconds') or 0))}; both are taken out of the ratios above. "
                         "The JSON has the ratios of whole processes too (`ratio` beside `ratio_running`).", small=True))


def interval_section(rows):
    names = [name for name in original.LIKE if rows.find("interval", workload=name)]
    if not names:
        return ""
    shown = [name for name in mechanisms.BY_NAME if rows.find("interval", mechanism=name)]

    def row(workload, mechanism, interval):
        return running(rows, "stack-cost" if interval == 10 else "interval", workload=workload, mechanism=mechanism, interval_ms=interval)
    series = []
    for mechanism in shown:
        for workload in names:
            points = [(interval, found["median"], found["lo"], found["hi"]) for interval in (1, 5, 10) if (found := row(workload, mechanism, interval))]
            label = studies.label(workload) if mechanism == "prosper" else f"{studies.label(workload)}, {mechanisms.label(mechanism)}"
            series.append((label, points, mechanism != "prosper"))
    body = [[f"{studies.label(workload)}", mechanisms.label(mechanism), *(report.ratio(row(workload, mechanism, interval)) for interval in (1, 5, 10))]
            for mechanism in shown for workload in names]
    counted = [name for name in original.FIG11 if rows.find("bytes-interval", workload=name)]
    bytes_body = []
    for name in counted:
        ours = [rows.median("bytes-interval", workload=name, metric="bytes_per_checkpoint", at_ms=interval) for interval in (1, 5, 10)]
        bytes_body.append([studies.label(name), *(cell for interval, value in zip((1, 5, 10), ours)
                                                  for cell in (report.number(value), report.theirs(original.FIG11[name][interval])))])
    return report.section(
        "interval", "Shorter intervals",
        report.paragraph("A shorter interval loses less at a crash and takes more checkpoints. What a checkpoint costs whatever changed (asking the kernel "
                         "for mappings and "
                         "descriptors, comparing what lies in reach) is paid more often, and what changed is divided among more of them."),
        report.figure(plots.lines("interval", [entry for entry in series if not entry[2]], "interval in ms", "time / plain", log_x=False, log_y=False,
                                  x_tics=[(str(value), value) for value in (1, 5, 10)]),
                      "Time against the plain program by interval, Prosper. Whiskers: least and greatest pair."),
        report.table("Time against the plain program by interval.", ["", "mechanism", "1 ms", "5 ms", "10 ms"], body, left=2),
        report.table("Bytes of the stack in a checkpoint, by interval (the original's Fig. 11). At the number of operations that belongs to 1, 5 and 10 ms; "
                     "the original's figures in grey.",
                     ["", "1 ms", "", "5 ms", "", "10 ms", ""], bytes_body) if bytes_body else "",
        report.paragraph("In the original, too, bytes grow less than the interval: what is written again within it is saved once. Its Fig. 11 has no ratios "
                         "of time.", small=True))


def flushed_section(rows):
    names = [name for name in original.LIKE if rows.find("flushed", workload=name)]
    if not names:
        return ""
    shown = [name for name in mechanisms.BY_NAME if rows.find("flushed", mechanism=name)]
    body = [[mechanisms.label(name), *(report.ratio(running(rows, "flushed", workload=workload, mechanism=name)) for workload in names),
             mean_text(rows, "flushed", names, name)] for name in shown]
    return report.section(
        "flushed", "With the flushes of persistent memory",
        report.paragraph("On an ordinary file system a commit that survives the death of the process needs no flush. Here each written line is flushed and "
                         "ordered all the same, and each flush takes "
                         "210 ns longer: a write to the original's non-volatile memory. What is saved in fewer lines gains by it."),
        report.table("Stack persistence with every written line flushed, 210 ns each. Ratio of processor times, every 10 ms, granules of 8 bytes.",
                     ["", *(studies.label(name) for name in names), "mean"], body))
