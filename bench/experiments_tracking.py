"""experiments_tracking.py - what each optimisation of the marks is worth: rows of `bench --tracking`, read from files or measured by a small run of it."""
import json
import os
import subprocess
import sys

import builds
import measure
import original
import report
import study as studies
from harness import Step

SWITCHES = {
    "skip-frames": "no marks for stack objects",
    "skip-globals": "no marks for the program's variables",
    "callers": "no marks for arguments that every caller fills",
    "spans": "one mark for neighbours",
    "blocks": "a mark serves blocks behind it",
    "hoist": "marks leave loops",
    "strips": "loops are marked strip by strip",
    "wide": "one mark for an index of known range",
}
SMALL_SET = "^(quicksort|kvstore-A|fft|recursion)$"


def take(harness, path, source=0):
    """source: which file. Ratios are compared only with those of the same run."""
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["metric"] in ("ratio", "code_size_ratio"):
                harness.rows.add("tracking", row["workload"], row["mechanism"], row["metric"], [row["median"], row["lo"], row["hi"]], source=source)


def measure_small(harness):
    path = os.path.join(harness.scratch, "tracking.json")
    tiny = harness.size == "tiny"
    names = list(SWITCHES)[:1] if tiny else SWITCHES
    command = [sys.executable, os.path.join(builds.HERE, "tracking"), "--build", harness.options.build, "--quick", "--locked",
               "--compile-pairs", "0", "--json", path, "--pairs", "1" if tiny else "2" if harness.size == "quick" else "5", "--only", "^quicksort$" if tiny else SMALL_SET]
    for name in names:
        command += ["--variant", f"no-{name}=--prosper-track=all -mllvm -prosper-{name}=0"]
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise measure.Failed(result.stderr.decode(errors="replace"))
    take(harness, path)


def steps(harness):
    if harness.options.tracking_json:
        return [Step("rows of the tracking bench", 0.1, lambda: [take(harness, path, number) for number, path in enumerate(harness.options.tracking_json)])]
    workloads, pairs = (1, 1) if harness.size == "tiny" else (4, 2 if harness.size == "quick" else 5)
    builds_all = 3 + (1 if harness.size == "tiny" else len(SWITCHES))
    return [Step("the tracker's optimisations, one by one", workloads * builds_all * (0.5 + 0.12 * 2 * (pairs + 1)), lambda: measure_small(harness))]


# ---- the section ----

def mean(rows):
    return original.geometric_mean([row["median"] for row in rows]) if rows else None


def text(value):
    return f"{value:.3f}" if value else "-"


def modes_table(rows):
    names = rows.values("tracking", "workload", metric="ratio")
    shown = ("plain (noise)", "stack", "all")
    body = [[studies.label(name), *(report.ratio(rows.one("tracking", workload=name, mechanism=mechanism, metric="ratio")) for mechanism in shown)]
            for name in names]
    firsts = {mechanism: [row for name in names if (row := rows.one("tracking", workload=name, mechanism=mechanism, metric="ratio"))] for mechanism in shown}
    sizes = {mechanism: rows.find("tracking", mechanism=mechanism, metric="code_size_ratio", source=0) for mechanism in shown[1:]}
    body += [["geometric mean", *(text(mean(firsts[mechanism])) for mechanism in shown)],
             ["code size, geometric mean", "", *(text(mean(sizes[mechanism])) for mechanism in shown[1:])]]
    return report.table("Time of the instrumented program without a pool against the plain one. The evaluation uses mode stack.",
                        ["", "plain against plain", "mode stack", "mode all"], body, sums=2)


def rules_table(rows):
    body = []
    for rule, meaning in SWITCHES.items():
        worth, sizes = {}, []
        for row in rows.find("tracking", mechanism=f"no-{rule}"):
            base = rows.one("tracking", mechanism="all", workload=row["workload"], metric=row["metric"], source=row.get("parameters", {}).get("source"))
            if base and row["metric"] == "ratio":
                worth[row["workload"]] = row["median"] / base["median"]
            elif base:
                sizes.append(row["median"] / base["median"])
        if worth:
            most = max(worth, key=worth.get)
            body.append([meaning, text(original.geometric_mean(list(worth.values()))), f"{worth[most]:.3f} ({studies.label(most)})",
                         text(original.geometric_mean(sizes)) if sizes else "-", len(worth)])
    if not body:
        return ""
    return report.table("What each rule of mode all is worth. The time without it by the time with it: geometric mean, most, code size; on so many workloads.",
                        ["rule", "time", "most", "code size", "workloads"], body)


def section(rows):
    if not rows.find("tracking", metric="ratio"):
        return ""
    loss, worst = 100 * (1 - original.FIG12_MEAN), 100 * (1 - original.FIG12_WORST)
    return report.section(
        "tracking", "What the tracker costs, and what each of its rules is worth",
        report.paragraph("Instrumented programs without a pool, so that no checkpoint is ever taken: what is left is what the marks cost. The stack needs "
                         "none; mode `all` marks stores to "
                         "the heap, and its rules, turned off one by one, are what keeps that cheap."),
        modes_table(rows), rules_table(rows),
        report.paragraph(f"The original's tracking (Fig. 12): {loss:.2f} % on average and {worst:.1f} % at worst, as instructions per cycle in user mode, by "
                         "a unit beside the "
                         "processor, over other programs; no bytes are copied there either.", small=True))
