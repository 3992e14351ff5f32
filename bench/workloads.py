"""workloads.py - what is run: which program, with which arguments, on which input, and what of its output must be equal in every build.

Each runs 0.5 to 2 s at full size. docs/benchmarks.md says what each is there for.
"""
import os
import re
import subprocess

import builds
import measure

HERE = builds.HERE
OURS = os.path.join(HERE, "workloads")


class Workload:
    """full, quick: the arguments for either size; {input} in them is the input's path. stack_mb: limit of the stack, 0: the one that is.
    files: what it writes beside standard output. text: what of standard output is compared. seconds: of one run of full size, roughly."""

    def __init__(self, name, program, full, quick, make_input=None, stack_mb=0, files=(), statuses=(0,), text=lambda output: output, seconds=1.0):
        self.name, self.program, self.arguments = name, builds.PROGRAMS[program], {False: full, True: quick}
        self.make_input, self.stack_mb, self.files, self.statuses, self.text, self.seconds = make_input, stack_mb, files, statuses, text, seconds

    def prepare(self, build_directory, quick):
        """Makes the input, once for all runs."""
        return self.make_input(build_directory, quick) if self.make_input else None

    def run(self, build, build_directory, quick, made, directory, **env):
        arguments = [argument.replace("{input}", made or "") for argument in self.arguments[quick]]
        return measure.run([self.program.binary(build_directory, build), *arguments], directory, measure.environment(build.preload, **env),
                           self.stack_mb, self.statuses, self.files, self.text)


def input_path(build_directory, name):
    path = os.path.join(build_directory, "bench-programs", "input", name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    return path


def make(path, command):
    """Runs a command that writes its last argument, unless that is there. Under another name first: what was interrupted does not count."""
    if not os.path.exists(path):
        result = subprocess.run([*command, path + ".new"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if result.returncode != 0:
            raise measure.Failed(f"{path} could not be made:\n{result.stdout.decode(errors='replace')}")
        os.rename(path + ".new", path)
    return path


def tar_of(full_mb, quick_mb):
    def tar(build_directory, quick):
        megabytes = quick_mb if quick else full_mb
        return make(input_path(build_directory, f"{megabytes}.tar"), [os.path.join(builds.DEBIAN, "make-tar"), str(megabytes)])
    return tar


def graph(build_directory, quick):
    scale = "16" if quick else "20"
    generator = builds.Program("kronecker", 0.3)
    builds.compile_program(generator, build_directory, builds.PLAIN, fresh=False)
    return make(input_path(build_directory, f"graph-{scale}"), [generator.binary(build_directory, builds.PLAIN), scale, "8"])


def formula(build_directory, quick):
    variables, seed = ("200", "2") if quick else ("250", "1")
    return make(input_path(build_directory, f"random-{variables}-{seed}.cnf"), [os.path.join(OURS, "make-cnf"), variables, "4.26", seed])


def without_times(output):
    """MiniSat's statistics say how often it did what, and how fast. The first must be equal."""
    return re.sub(rb"\([\d.]+ /sec\)|^(CPU time|Memory used|\|  Parse time|\|  Simplification time|\|  Eliminated clauses).*$", b"", output, flags=re.MULTILINE)


def lua(script, full, quick, **more):
    path = os.path.join(builds.DEBIAN, script + ".lua")
    return Workload("lua-" + script, "lua", [path, *full.split()], [path, *quick.split()], **more)


def zstd():
    arguments = ["-q", "-f", "-7", "--single-thread", "--no-asyncio", "{input}", "-o", "out"]
    return Workload("zstd", "zstd", arguments, arguments, make_input=tar_of(30, 4), files=("out",))


def sqlite():
    def arguments(orders):
        return [":memory:", f"CREATE TABLE scale(orders INTEGER); INSERT INTO scale VALUES({orders});", f".read {OURS}/orders.sql"]
    return Workload("sqlite", "sqlite", arguments(100000), arguments(20000))


def minisat():
    return Workload("minisat", "minisat", ["{input}", "model"], ["{input}", "model"], make_input=formula, statuses=(10, 20), files=("model",), text=without_times)


def bzip2():
    return Workload("bzip2", "bzip2", ["-9", "-k", "-c", "{input}"], ["-9", "-k", "-c", "{input}"], make_input=tar_of(12, 2))


def mawk():
    def arguments(lines):
        return ["-v", f"lines={lines}", "-f", os.path.join(OURS, "report.awk")]
    return Workload("mawk", "mawk", arguments(150000), arguments(20000))


def kvstore(load):
    return Workload("kvstore-" + load, "kvstore", [load, "200000", "2000000"], [load, "20000", "400000"])


def own(name, full, quick, **more):
    return Workload(name, name, full.split(), quick.split(), **more)


WORKLOADS = [
    lua("closures", "6", "1"),
    lua("tables", "1", "1 0.1"),
    lua("strings", "6", "1", files=("text.txt", "index.txt")),
    zstd(),
    sqlite(),
    minisat(),
    bzip2(),
    mawk(),
    own("pagerank", "{input} 20", "{input} 100", make_input=graph),
    own("sssp", "{input} 2", "{input} 10", make_input=graph),
    kvstore("A"),
    kvstore("B"),
    kvstore("F"),
    own("quicksort", "4194304", "500000"),
    own("recursion", "8 2", "4 2", stack_mb=256),
    own("multigrid", "11 6", "10 3", stack_mb=256),
    own("latin", "60", "8", stack_mb=256),
    own("fft", "300", "40", stack_mb=64),
    own("matmul", "80", "10", stack_mb=64),
    own("stencil", "3000", "400", stack_mb=64),
]
