"""experiments_stops.py - what the time of a checkpoint depends on: linear in what changed, flat in the depth of a stack that did not."""
import math

import mechanisms
import plots
import report
import study as studies
from harness import NEVER, Step

KB, MB = 1 << 10, 1 << 20
CHANGED = [KB, 4 * KB, 16 * KB, 64 * KB, 256 * KB, MB, 4 * MB, 16 * MB]
DEPTHS = [64 * KB, 256 * KB, MB, 4 * MB, 16 * MB, 64 * MB]
STACK_MB = 256


def step(harness, kind, size, rounds):
    study = studies.Study(f"stops-{kind}", f"stops {kind}", studies.STOPS, "", ("", "", ""), stack_mb=STACK_MB)

    def do():
        arguments = [kind, str(size), str(rounds)]
        found = [harness.with_pool(study, mechanisms.PROSPER, arguments, interval=NEVER).stats for _ in range(harness.options.repeats)]
        for metric in ("stop_ns_p50", "stop_ns_p99"):
            harness.rows.add("stop-time", study.name, "prosper", metric, [stats[metric] for stats in found], granularity=8, bytes=size)
    return Step(f"stop time: {kind}, {report.size(size)}", harness.options.repeats * (0.1 + size * rounds / 1.5e9), do)


def steps(harness):
    tiny = harness.size == "tiny"
    return [step(harness, "changed", size, 5 if tiny else 20) for size in (CHANGED[:3] if tiny else CHANGED)] + \
           [step(harness, "deep", size, 5 if tiny else 40) for size in (DEPTHS[:2] if tiny else DEPTHS)]


def slope(points):
    """Of the line through the logarithms: 1 is linear, 0 is flat."""
    xs, ys = [math.log(x) for x, _ in points], [math.log(y) for _, y in points]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys)) / sum((x - mean_x) ** 2 for x in xs)


def points_of(rows, kind, metric):
    return [(row["parameters"]["bytes"], row["median"], row["lo"], row["hi"]) for row in rows.find("stop-time", workload=f"stops-{kind}", metric=metric)]


def plot(rows, kind, x_label, sizes):
    series = [(label, [(x, y / 1000, low / 1000, high / 1000) for x, y, low, high in points_of(rows, kind, metric)], dashed)
              for metric, label, dashed in (("stop_ns_p50", "median stop", False), ("stop_ns_p99", "99th percentile", True))]
    return plots.lines(f"stops-{kind}", series, x_label, "stop time", x_tics=[(report.size(size), size) for size in sizes],
                       y_tics=[("10 µs", 10), ("100 µs", 100), ("1 ms", 1e3), ("10 ms", 1e4), ("100 ms", 1e5), ("1 s", 1e6)], y_range=(10, 1e6), height=300)


def section(rows):
    changed, deep = points_of(rows, "changed", "stop_ns_p50"), points_of(rows, "deep", "stop_ns_p50")
    if not changed or not deep:
        return ""
    large = [(size, time) for size, time, _, _ in changed if size >= 256 * KB]
    rate = ""
    if len(large) > 1:
        rate = f" From 256 KB on the slope of the logarithms is {slope(large):.2f} (1 is linear); the largest takes {large[-1][1] / large[-1][0]:.2f} ns a byte."
    flat = f" From {report.size(deep[0][0])} to {report.size(deep[-1][0])} the stop grows by a factor of {deep[-1][1] / deep[0][1]:.2f}."

    def table_of(kind, caption, head):
        body = []
        for size, *_ in points_of(rows, kind, "stop_ns_p50"):
            times = [rows.median("stop-time", workload=f"stops-{kind}", metric=metric, bytes=size) for metric in ("stop_ns_p50", "stop_ns_p99")]
            body.append([report.size(size), *(report.duration(time) for time in times)])
        return report.table(caption, [head, "median", "99th percentile"], body)
    return report.section(
        "stop-time", "How long a checkpoint stops the program",
        report.paragraph("Two programs that do little else: one writes so many bytes of its stack between two checkpoints; one has so many bytes of frames "
                         "that it does not touch, and a small frame above them "
                         "that changes 1 KB. The time should follow what changed and not what is there."),
        report.figure(plot(rows, "changed", "bytes of the stack that changed", CHANGED), f"Stop time by bytes changed. Both axes logarithmic.{rate}"),
        report.figure(plot(rows, "deep", "bytes of untouched frames", DEPTHS), f"Stop time by depth of an untouched stack. Both axes logarithmic.{flat}"),
        table_of("changed", "Stop time by bytes changed.", "changed"),
        table_of("deep", "Stop time by depth of an untouched stack. A stack up to 1 MB is compared whole; what lies deeper is narrowed down by pages.", "untouched"),
        report.paragraph("The original reads the bitmap from the stack pointer to the stack's end: 1 bit for each 8 bytes, so its time grows with the depth, "
                         "too, by 1 MB of bitmap for 64 MB of stack. It has no figure of this.", small=True))
