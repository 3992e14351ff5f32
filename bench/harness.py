"""harness.py - runs of workloads with and without a pool, for the experiments of the evaluation: building, pairing, the statistics of the runtime.

An experiment is a list of Steps, so that what is left is known before the first one runs. A step that fails (a workload printed something else than
the plain program did, or took no checkpoint) is named at the end, and its rows are missing.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import builds
import measure
import mechanisms
import study as studies

NEVER = "1000s" # an interval that no run reaches: checkpoints only where the workload asks for them


class Step:
    def __init__(self, label, seconds, do):
        self.label, self.seconds, self.do = label, seconds, do


class Result:
    """A run with a pool: its times, the statistics of the runtime, and what of the pool was in use at the end."""

    def __init__(self, run, stats, used_bytes=None):
        self.run, self.stats, self.used_bytes = run, stats, used_bytes

    def per_checkpoint(self, field):
        """Of the checkpoints after the first one; a full epoch (the first, and when the log wraps) is not counted in the fields of bytes."""
        count = self.stats["checkpoints"] - self.stats["full_epochs"]
        value = field(self.stats) if callable(field) else self.stats[field]
        return value / count if count > 0 else None


class Harness:
    def __init__(self, options, rows):
        self.options, self.rows, self.size = options, rows, options.size
        self.support = mechanisms.Support(options.build)
        self.mechanisms = []
        self.notes, self.failures = [], []
        self.built, self.expected, self.start_seconds = set(), {}, {}
        self.scratch = tempfile.mkdtemp(prefix="prosper-bench-", dir=options.pool_dir)
        # A pool for each mechanism, reused by its runs; no more of them than a quarter of the free space holds.
        self.pools, self.pool_bytes = {}, 1 << 30
        space = os.statvfs(self.scratch)
        self.pools_max = max(space.f_bavail * space.f_frsize // self.pool_bytes // 4, 1)

    def close(self):
        shutil.rmtree(self.scratch, ignore_errors=True)

    def note(self, text):
        """One line, for the terminal and the report."""
        if text not in self.notes:
            self.notes.append(text)
            print(f"\r\033[K{text}" if sys.stderr.isatty() else text, file=sys.stderr, flush=True)
            self.rows.add("notes", "", "", "note", [len(self.notes)], text=text)

    def available(self, wanted, more=()):
        """Those of some mechanisms that can be tried here; a line for each that cannot."""
        found = []
        for mechanism in wanted:
            lacking = self.support.lacks(mechanism, more) or self.refused(mechanism)
            if lacking:
                self.note(f"{mechanism.label}: skipped, {lacking}")
            else:
                found.append(mechanism)
        return found

    def refused(self, mechanism):
        """An option may be in the table and its value not in the build: the runtime says so when a program starts."""
        try:
            self.empty_program(mechanism)
        except measure.Failed as failure:
            if "PROSPER_E_OPTION" not in str(failure):
                raise
            return str(failure).strip().rpartition("PROSPER_E_OPTION: ")[2]
        return None

    def wants(self, mechanism):
        return re.search(self.options.mechanisms, mechanism.name) is not None

    def studies(self, wanted):
        return [study for study in wanted if re.search(self.options.only, study.name)]

    # ---- one run ----

    def build(self, study, build):
        if (study.program.name, build.name) not in self.built:
            builds.compile_program(study.program, self.options.build, build, fresh=False)
            self.built.add((study.program.name, build.name))

    def check(self, study, arguments, who, run):
        """The first run with these arguments is a plain one; all others must print what it printed."""
        expected = self.expected.setdefault((study.name, *arguments), run.digest)
        if run.digest != expected:
            raise measure.Failed(f"the output of {who} differs from that of the plain program")

    def plain(self, study, arguments):
        self.build(study, builds.PLAIN)
        with tempfile.TemporaryDirectory() as directory:
            run = study.run(builds.PLAIN, self.options.build, arguments, directory)
        self.check(study, arguments, "plain", run)
        return run

    def with_pool(self, study, mechanism, arguments, granularity=8, interval="10ms", more=()):
        if (study.name, *arguments) not in self.expected:
            self.plain(study, arguments)
        self.build(study, mechanism.build)
        with tempfile.TemporaryDirectory() as directory:
            stats = os.path.join(directory, "prosper-stats")
            options = [*self.support.runtime_options(mechanism), *more, f"granularity={granularity}", f"interval={interval}", "fresh=1", f"stats={stats}"]
            env = {"PROSPER_POOL": self.pool(mechanism), "PROSPER_OPTIONS": ":".join(options)}
            run = study.run(mechanism.build, self.options.build, arguments, directory, env)
            self.check(study, arguments, mechanism.label, run)
            with open(stats, encoding="ascii") as file:
                result = Result(run, json.load(file))
            with open(os.path.join(directory, "stderr"), encoding="utf-8", errors="replace") as file:
                said = [line for line in file if line.startswith("prosper:") and "persistence" in line]
        if result.stats["checkpoints"] < 1 or said:
            raise measure.Failed(f"{mechanism.label}: no checkpoint was taken {''.join(said)}")
        return result

    def pool(self, mechanism):
        """The pool is there before anything is measured: reserving its space is no part of a run. Each run starts afresh in it."""
        path = os.path.join(self.scratch, mechanism.name)
        if mechanism.name not in self.pools:
            while len(self.pools) >= self.pools_max:
                self.forget_pool(next(iter(self.pools)))
            self.pools[mechanism.name] = path
            self.empty_program(mechanism)
        return path

    def forget_pool(self, name):
        path = self.pools.pop(name)
        for file in glob.glob(glob.escape(path)) + glob.glob(glob.escape(path) + ".[0-9]*"): # it may have grown
            os.unlink(file)

    def empty_program(self, mechanism=None):
        """Runs the program that does nothing: what a start takes."""
        nothing = studies.Study("nothing", "nothing", studies.NOTHING, "", ("", "", ""))
        build = mechanism.build if mechanism else builds.PLAIN
        self.build(nothing, build)
        env = {"PROSPER_POOL": self.pool(mechanism), "PROSPER_OPTIONS": ":".join(self.support.runtime_options(mechanism))} if mechanism else {}
        with tempfile.TemporaryDirectory() as directory:
            return nothing.run(build, self.options.build, [], directory, env)

    def used_bytes(self, mechanism):
        """What of the pool its last checkpoint needs: log and slots."""
        command = [os.path.join(self.options.build, "bin", "prosper"), "info", "--json", self.pool(mechanism)]
        result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
        pool = json.loads(result.stdout)["pool"] if result.returncode == 0 else None
        return pool["log_used"] + pool["slot_used"] if pool else None

    # ---- pairs ----

    def size_for(self, study, mechanism):
        """Where a mechanism takes several times as long, it runs the next smaller size, against plain runs of that size."""
        if mechanism.slow and self.size != "tiny":
            study.prepare(self.options.build, "tiny")
            arguments = study.arguments("tiny")
            if self.with_pool(study, mechanism, arguments).run.cpu > 4 * self.plain(study, arguments).cpu:
                return studies.SIZES[studies.SIZES.index(self.size) + 1]
        return self.size

    def pairs(self, study, mechanism, interval="10ms", granularity=8, more=(), pairs=None):
        """Pairs of a plain run and one with a pool: (processor times of the plain runs, results). A mechanism that takes very long gets fewer pairs."""
        size = self.size_for(study, mechanism)
        study.prepare(self.options.build, size)
        arguments = study.arguments(size)
        plain, results, start = [], [], time.monotonic()
        for number in range(pairs or self.options.pairs):
            base, own = measure.in_turn(lambda: self.plain(study, arguments),
                                        lambda: self.with_pool(study, mechanism, arguments, granularity, interval, more), number)
            plain.append(base.cpu)
            results.append(own)
            if time.monotonic() - start > self.options.budget:
                break
        results[-1].used_bytes = self.used_bytes(mechanism)
        return plain, results

    def counted(self, study, mechanism, granularity=8, every=None, more=()):
        """Checkpoints by operations: a short and a long run. Their difference is free of what the start stores. Returns (short, long)."""
        every = every or study.operations
        return tuple(self.with_pool(study, mechanism, study.counted_arguments(length, every), granularity, NEVER, more) for length in study.counted)


def stack_bytes(stats):
    """What was written for the stack: to the log, and to the images of mechanisms that follow each store."""
    return stats["bytes_written_stack"] + stats.get("stack_image_bytes_written", 0)


def difference(short, long, field):
    """A field (a name, or a function of the statistics) for each checkpoint that the long run has and the short one has not."""
    count = (long.stats["checkpoints"] - long.stats["full_epochs"]) - (short.stats["checkpoints"] - short.stats["full_epochs"])
    more = field(long.stats) - field(short.stats) if callable(field) else long.stats[field] - short.stats[field]
    return max(more, 0) / count if count > 0 else None


def run_steps(harness, steps):
    """Runs all steps, says how long it will still take, and collects failures (harness: what has a list of them)."""
    progress = measure.Progress(sum(step.seconds for step in steps))
    for step in steps:
        progress.step(step.label, step.seconds)
        try:
            step.do()
        except measure.Failed as failure:
            progress.clear()
            harness.failures.append(step.label)
            print(f"{os.path.basename(sys.argv[0])}: {step.label}: {failure}", file=sys.stderr, flush=True)
    progress.clear()
