"""goals.py - what the project wants to reach, and what was measured: the table at the top of the report. Nothing passes or fails by it."""
import experiments_whole
import mechanisms
import original
import report
import study as studies
from experiments_cost import mean, running

REDUCTIONS = {"random": 5.6, "sparse": 209, "sorts": 6.2, "normal": 39.7, "poisson": 57}


def overlapping(a, b):
    return a["lo"] <= b["hi"] and b["lo"] <= a["hi"]


class Goal:
    """value: a number or None when not measured. wanted: text. reached: None when not measured."""

    def __init__(self, key, text, value, shown, wanted, theirs, reached):
        self.key, self.text, self.value, self.shown, self.wanted, self.theirs = key, text, value, shown, wanted, theirs
        self.reached = None if value is None else reached


def reduction(rows, experiment, workload):
    fine, pages = (rows.median(experiment, workload=workload, mechanism="prosper", granularity=granularity, metric="bytes_per_checkpoint")
                   for granularity in (8, 4096))
    return pages / fine if fine and pages else None


def whole_processes(rows):
    """The first goal with the start, which the original leaves out: what a user of short programs sees. A sentence, or nothing."""
    found = [row for name in original.LIKE if (row := rows.one("stack-cost", workload=name, mechanism="prosper", metric="ratio"))]
    if len(found) < len(original.LIKE):
        return ""
    worst = max(found, key=lambda row: row["median"])
    return (f" Cost is without what a start takes, as in the original; whole processes, start and first checkpoint included: "
            f"{original.geometric_mean([row['median'] for row in found]):.3f} in the mean, {worst['median']:.3f} at worst.")


def cost_goals(rows):
    names = list(original.LIKE)
    value = mean(rows, "stack-cost", names, mechanism="prosper")
    found = [row for name in names if (row := running(rows, "stack-cost", workload=name, mechanism="prosper"))]
    worst = max(found, key=lambda row: row["median"]) if len(found) == len(names) else None
    yield Goal("cost_mean", "Stack persistence, geometric mean of the six at 10 ms and 8 B", value, f"{value:.3f}" if value else "",
               "at most 1.02", "1.084", value and value <= 1.02)
    yield Goal("cost_worst", "Stack persistence, the worst of the six", worst and worst["median"],
               f"{worst['median']:.3f} ({studies.label(worst['workload'])})" if worst else "", "at most 1.10", "1.195 (Stream)", worst and worst["median"] <= 1.10)


def baseline_goals(rows):
    for name in mechanisms.BASELINES:
        faster, ties, slower = 0, 0, []
        for workload in original.LIKE:
            own, other = (running(rows, "stack-cost", workload=workload, mechanism=mechanism) for mechanism in ("prosper", name))
            if not own or not other:
                continue
            if overlapping(own, other):
                ties += 1
            elif own["median"] < other["median"]:
                faster += 1
            else:
                slower.append(studies.label(workload))
        count = faster + ties + len(slower)
        theirs = original.FIG8.get(mechanisms.BY_NAME[name].original)
        lost = [studies.LABELS[ours] for ours, key in original.LIKE.items() if theirs and original.FIG8["prosper"][key] > theirs[key]]
        shown = "" if count == 0 else f"faster {faster}, tie {ties}, slower {len(slower)}{' (' + ', '.join(slower) + ')' if slower else ''}"
        yield Goal(f"against_{name}", f"At least as fast as {mechanisms.label(name)}", len(slower) if count else None, shown, "slower on none",
                   "-" if not theirs else f"slower on {', '.join(lost)}" if lost else "slower on none", not slower)


def bytes_goals(rows):
    for name, least in REDUCTIONS.items():
        value = reduction(rows, "bytes", name)
        yield Goal(f"reduction_{name}", f"{studies.label(name)}: bytes of 4-KB pages by ours at 8 B", value, f"{value:.3g}" if value else "", f"at least {least:g}",
                   f"{original.REDUCTION[name]:.3g}", value and value >= least)
    value = reduction(rows, "bytes", "stream")
    yield Goal("stream", "Stream: bytes at 8 B by those of 4-KB pages", 1 / value if value else None, f"{1 / value:.3f}" if value else "", "never above 1",
               f"{1 / original.REDUCTION['stream']:.2f}", value and value >= 1)
    pages = [[rows.median("sources", workload=name, mechanism="prosper", metric=metric) for metric in ("stack_page_bytes", "stack_bytes")]
             for name in studies.APPLICATION_NAMES]
    found = [page / fine for page, fine in pages if page and fine]
    value = original.geometric_mean(found) if found else None
    yield Goal("applications", f"Applications ({len(found)}), geometric mean of the same at 10 real ms", value, f"{value:.3g}" if value else "",
               "at least 4", "about 4", value and value >= 4)
    ratios = {}
    for study in studies.COUNTED:
        ours, units = (rows.median("bytes", workload=study.name, mechanism=mechanism, granularity=8, metric="bytes_per_checkpoint")
                       for mechanism in ("prosper-same", "unit"))
        if ours and units:
            ratios[study.label] = ours / units
    worst = max(ratios, key=ratios.get) if ratios else None
    yield Goal("unit", "Bytes of a checkpoint by what the unit finds, 8 B, the worst", ratios.get(worst), f"{ratios[worst]:.3f} ({worst})" if worst else "",
               "never above 1", "1", worst and ratios[worst] <= 1)


def whole_alone(rows):
    """These are the rows of `bench --whole`."""
    return bool(rows.find("whole")) and not rows.find("stack-cost") and not rows.find("bytes")


def goals(rows):
    stack = [] if whole_alone(rows) else [*cost_goals(rows), *baseline_goals(rows), *bytes_goals(rows)]
    return [*stack, *experiments_whole.goals(rows, Goal)]


def record(rows):
    for goal in goals(rows):
        if goal.value is not None:
            rows.add("goals", "all", "prosper", goal.key, [goal.value], text=f"{goal.text}: {goal.shown}; goal {goal.wanted}; the original {goal.theirs}")


def section(rows):
    body, unmeasured = [], []
    for goal in goals(rows):
        if goal.reached is None:
            unmeasured.append(goal.text)
            continue
        mark = report.Raw('<span class="yes">reached</span>' if goal.reached else '<span class="no">not reached</span>')
        body.append([goal.text, goal.shown, goal.wanted, report.theirs(goal.theirs), mark])
    reached = sum(1 for goal in goals(rows) if goal.reached)
    return report.section(
        "goals", "Goals",
        report.paragraph(f"{reached} of {len(body)} goals that could be measured are reached. A tie is two intervals (least to greatest pair) that overlap. "
                         "These are goals: a figure that misses one fails nothing." + whole_processes(rows)),
        report.table("What was wanted, and what was measured.", ["goal", "measured", "wanted", "the original", ""], body, left=1),
        report.paragraph(f"Not measured in this run: {'; '.join(unmeasured)}.", small=True) if unmeasured else "")
