"""study.py - the workloads of the evaluation (scripts/bench without --tracking): those made after the original's, and ordinary programs.

Three sizes: full, quick and tiny (the tests'; and quick runs of slow mechanisms). Those after the original's also have a number of operations between two
checkpoints (original.OPERATIONS), and two lengths for that, whose difference is free of what the start stores.
"""
import os

import builds
import measure
import original
import workloads

SIZES = ("full", "quick", "tiny")


class Study:
    """template: arguments, with {size}, {every} and {input}. counted: short and long length when checkpoints come by operations."""

    def __init__(self, name, label, program, template, sizes, counted=None, counted_template=None, make_input=None, stack_mb=0, seconds=0.7):
        self.name, self.label, self.program = name, label, program
        self.template, self.sizes, self.counted, self.counted_template = template, dict(zip(SIZES, sizes)), counted, counted_template or template
        self.make_input, self.stack_mb, self.seconds_full = make_input, stack_mb, seconds
        self.operations = original.OPERATIONS.get(name)
        self.made = {}

    def prepare(self, build_directory, size):
        if self.make_input and size not in self.made:
            self.made[size] = self.make_input(build_directory, size != "full")

    def arguments(self, size):
        return self.template.format(size=self.sizes[size], every=0, input=self.made.get(size, "")).split()

    def counted_arguments(self, length, every):
        return self.counted_template.format(size=length, every=every, input="").split()

    def seconds(self, size):
        return self.seconds_full * {"full": 1, "quick": 0.25, "tiny": 0.04}[size]

    def run(self, build, build_directory, arguments, directory, env=None):
        return measure.run([self.program.binary(build_directory, build), *arguments], directory, measure.environment(build.preload, **(env or {})), self.stack_mb)


class Ordinary(Study):
    """A workload of the tracking bench. It has no tiny size; the quick one takes its place."""

    def __init__(self, workload):
        super().__init__(workload.name, workload.name, workload.program, "", ("", "", ""), make_input=workload.make_input,
                         stack_mb=workload.stack_mb, seconds=workload.seconds)
        self.workload = workload

    def arguments(self, size):
        return [argument.replace("{input}", self.made.get(size) or "") for argument in self.workload.arguments[size != "full"]]

    def seconds(self, size):
        return self.seconds_full * (1 if size == "full" else 0.15)

    def run(self, build, build_directory, arguments, directory, env=None):
        workload = self.workload
        return measure.run([self.program.binary(build_directory, build), *arguments], directory, measure.environment(build.preload, **(env or {})),
                           self.stack_mb, workload.statuses, workload.files, workload.text)


def micro(name):
    return builds.Program(name, 0.3)


RANDOM, STREAM, SPARSE, SORTS, RECURSIVE, CHASE = (micro(name) for name in ("random", "stream", "sparse", "sorts", "recursive", "chase"))
STOPS, NOTHING = micro("stops"), micro("nothing")

# The six of the original's Fig. 8, in its order.
MAIN = [
    Study("pagerank", "PageRank", builds.PROGRAMS["pagerank"], "{input} {size}", ("20", "100", "20"), make_input=workloads.graph, seconds=1.2),
    Study("sssp", "SSSP", builds.PROGRAMS["sssp"], "{input} {size}", ("2", "12", "2"), make_input=workloads.graph, seconds=1.2),
    Study("kvstore-B", "YCSB", builds.PROGRAMS["kvstore"], "B {size}", ("200000 2000000", "20000 1000000", "5000 100000")),
    Study("random", "Random", RANDOM, "{size} {every}", ("20000000", "6000000", "600000"), counted=(500000, 1000000)),
    Study("sparse", "Sparse", SPARSE, "{size} {every}", ("60000000", "18000000", "1800000"), counted=(1000000, 3000000)),
    Study("stream", "Stream", STREAM, "{size} {every}", ("2400000", "700000", "70000"), counted=(100000, 200000)),
]
# Others after the original's.
SMALL = [
    Study("sorts", "Quicksort", SORTS, "{size} {every}", ("700", "200", "20"), counted=(10, 30)),
    *(Study(f"recursive-{depth}", f"Recursive {depth}", RECURSIVE, f"{depth} {{size}} 20000 {{every}}", sizes, counted=(1, 2),
            counted_template=f"{depth} {{size}} 100 {{every}}")
      for depth, sizes in ((4, ("22", "6", "1")), (8, ("11", "3", "1")), (16, ("6", "2", "1")))),
    Study("normal", "Normal", CHASE, "normal {size} {every}", ("1600000", "400000", "40000"), counted=(15000, 45000)),
    Study("poisson", "Poisson", CHASE, "poisson {size} {every}", ("400000", "100000", "10000"), counted=(15000, 45000)),
]
COUNTED = [study for study in MAIN + SMALL if study.counted]
_ORDINARY = {workload.name: Ordinary(workload) for workload in workloads.WORKLOADS}
# Large and deep stacks.
LARGE = [_ORDINARY[name] for name in ("recursion", "multigrid", "latin", "fft")]
# Applications: with those of MAIN, what "an application" means in the goals. QUICK: those whose compilation does not take long.
APPLICATIONS = [_ORDINARY[name] for name in ("kvstore-A", "kvstore-F", "lua-closures", "lua-tables", "lua-strings", "bzip2", "mawk", "minisat", "sqlite", "zstd")]
QUICK_APPLICATIONS = [study for study in APPLICATIONS if study.name in ("kvstore-A", "kvstore-F", "lua-closures", "lua-tables", "lua-strings", "bzip2")]
APPLICATION_NAMES = ["pagerank", "sssp", "kvstore-B", *(study.name for study in APPLICATIONS)]
LABELS = {study.name: study.label for study in (*MAIN, *SMALL, *LARGE, *APPLICATIONS)}


def label(name):
    return LABELS.get(name, name)


def build_everything(study, build_directory, build):
    builds.compile_program(study.program, build_directory, build, fresh=False)
    return os.path.exists(study.program.binary(build_directory, build))
