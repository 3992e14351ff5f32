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

SWITCHES = {"skip-frames": "no marks for small stack objects", "skip-globals": "no marks for the program's variables", "callers": "arguments that every caller fills",
            "spans": "one mark for neighbours", "blocks": "a mark serves blocks behind it", "hoist": "marks leave loops", "strips": "loops marked strip by strip", "wide": "one mark for a known index"}
SMALL_SET = "^(quicksort|kvstore-A|fft|recursion)$"


def take(harness, path):
    with open(path, encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if row["metric"] in ("ratio", "code_size_ratio"):
                harness.rows.add("tracking", row["workload"], row["mechanism"], row["metric"], [row["median"], row["lo"], row["hi"]])


def measure_small(harness):
    path = os.path.join(harness.scratch, "tracking.json")
    tiny = harness.size == "tiny"
    names = list(SWITCHES)[:1] if tiny else SWITCHES
    command = [sys.executable, os.path.join(builds.HERE, "tracking"), "--build", harness.options.build, "--quick", "--compile-pairs", "0", "--locked", "--json", path,
               "--pairs", "1" if tiny else "2" if harness.size == "quick" else "5", "--only", "^quicksort$" if tiny else SMALL_SET]
    for name in names:
        command += ["--variant", f"no-{name}=--prosper-track=all -mllvm -prosper-{name}=0"]
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if result.returncode != 0:
        raise measure.Failed(result.stderr.decode(errors="replace"))
    take(harness, path)


def steps(harness):
    if harness.options.tracking_json:
        return [Step("rows of the tracking bench", 0.1, lambda: [take(harness, path) for path in harness.options.tracking_json])]
    workloads, pairs = (1, 1) if harness.size == "tiny" else (4, 2 if harness.size == "quick" else 5)
    builds_all = 3 + (1 if harness.size == "tiny" else len(SWITCHES))
    return [Step("the tracker's optimisations, one by one", workloads * builds_all * (0.5 + 0.12 * 2 * (pairs + 1)), lambda: measure_small(harness))]


def section(rows):
    names = rows.values("tracking", "workload", metric="ratio")
    if not names:
        return ""

    def mean(mechanism, metric):
        found = [row["median"] for row in rows.find("tracking", mechanism=mechanism, metric=metric)]
        return original.geometric_mean(found) if found else None

    def title(mechanism):
        return {"stack": "mode stack (what the evaluation uses)", "all": "mode all", "plain (noise)": "plain against plain"}.get(
            mechanism, f"all without: {SWITCHES[mechanism[3:]]}" if mechanism[3:] in SWITCHES else mechanism)
    body = [[title(mechanism), *(report.ratio(rows.one("tracking", workload=name, mechanism=mechanism, metric="ratio")) for name in names),
             f"{mean(mechanism, 'ratio'):.3f}" if mean(mechanism, "ratio") else "-", f"{mean(mechanism, 'code_size_ratio'):.3f}" if mean(mechanism, "code_size_ratio") else "-"]
            for mechanism in rows.values("tracking", "mechanism", metric="ratio")]
    return report.section(
        "tracking", "What the tracker costs, and what each of its rules is worth",
        report.paragraph("Instrumented programs without a pool, so that no checkpoint is ever taken: what is left is what the marks cost. The stack needs none; mode `all` marks stores to the heap. In each of the other rows one rule of the pass is "
                         "off: what it is worth is the difference to mode `all`."),
        report.table("Time of the instrumented program without a pool against the plain one. At the right the geometric mean, and that of the code sizes.",
                     ["", *(studies.label(name) for name in names), "mean", "code size"], body),
        report.paragraph(f"The original's tracking (Fig. 12): {100 * (1 - original.FIG12_MEAN):.2f} % on average and {100 * (1 - original.FIG12_WORST):.1f} % at worst, as instructions per cycle in user mode, by a unit beside the processor. "
                         "Its programs are other ones; no bytes are copied there either.", small=True))
