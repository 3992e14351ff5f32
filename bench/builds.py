"""builds.py - programs and how each is built: by which compiler, with which flags, how large it became and what compiling took.

PROGRAMS are those of bench/workloads (one source file each) and those of Debian's source packages (a script build-NAME each, which calls the program's
own build system with the compiler and the flags it is given).
"""
import os
import re
import shlex
import subprocess

import measure

HERE = os.path.dirname(os.path.abspath(__file__))
DEBIAN = os.path.join(HERE, "..", "tests", "programs")
OTHERS = os.path.join(HERE, "programs")
# Functions begin at cache lines in every build: a function of another size shifts all those behind it, which alone can make 3 to 4 %.
FLAGS = "-O2 -falign-functions=64"


class Build:
    """A way of building: plain clang, or prosper-clang with flags of its own."""

    def __init__(self, name, flags="", plain=False):
        # An option of the pass goes to the compiler proper: `-mllvm` alone reaches the assembler too, which does not know the pass.
        self.name, self.plain = name, plain
        self.flags = re.sub(r"(?<!\S)(?:-Xclang )?-mllvm (?:-Xclang )?(-prosper-\S+)", r"-Xclang -mllvm -Xclang \1", flags)
        # The runtime brings mimalloc; a plain program gets it too, or allocators would be compared.
        self.preload = "libmimalloc.so.2" if plain else None

    def compiler(self, build_directory, language):
        suffix = "++" if language == "c++" else ""
        return f"clang{suffix}-19" if self.plain else os.path.join(build_directory, "bin", "prosper-clang" + suffix)


PLAIN = Build("plain", plain=True)
STACK = Build("stack", "--prosper-track=stack")
ALL = Build("all", "--prosper-track=all")


class Program:
    """script and path: a Debian program; source: one of ours. seconds: what compiling takes, roughly."""

    def __init__(self, name, seconds, language="c", script=None, path=None):
        self.name, self.seconds, self.language, self.script, self.path = name, seconds, language, script, path
        self.source = None if script else os.path.join(HERE, "workloads", name + ".c")

    def directory(self, build_directory, build):
        return os.path.join(build_directory, "bench-programs", f"{self.name}-{build.name}")

    def binary(self, build_directory, build):
        return os.path.join(self.directory(build_directory, build), self.path or self.name)


PROGRAMS = {program.name: program for program in (
    Program("lua", 8, script=os.path.join(DEBIAN, "build-lua"), path="src/lua"),
    Program("zstd", 30, script=os.path.join(DEBIAN, "build-zstd"), path="programs/zstd"),
    Program("sqlite", 40, script=os.path.join(DEBIAN, "build-sqlite"), path="sqlite3"),
    Program("minisat", 8, "c++", script=os.path.join(OTHERS, "build-minisat"), path="minisat-built"),
    Program("bzip2", 3, script=os.path.join(OTHERS, "build-bzip2"), path="bzip2-built"),
    Program("mawk", 8, script=os.path.join(OTHERS, "build-mawk"), path="mawk"),
    *(Program(name, 0.3) for name in
      ("pagerank", "sssp", "kvstore", "quicksort", "recursion", "multigrid", "latin", "fft", "matmul", "stencil", "heap")),
)}


def timed_compiler(build_directory, compiler):
    """A script that stands for the compiler and logs what each call takes. Left as it is when it is right: its age counts as the compiler's."""
    path = os.path.join(build_directory, "bench-programs", "compilers", os.path.basename(compiler))
    text = f"#!/bin/sh\nexec {shlex.quote(os.path.join(HERE, 'compile-timer'))} {shlex.quote(compiler)} \"$@\"\n"
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, 0o755)
    return path


def compile_program(program, build_directory, build, fresh):
    """Builds a program, or leaves it as it is when it is up to date and needs not be fresh. The seconds of processor time that compiling
    took, None when nothing was compiled."""
    directory = program.directory(build_directory, build)
    compiler = timed_compiler(build_directory, program_compiler := build.compiler(build_directory, program.language))
    flags = f"{FLAGS} {build.flags}".strip()
    log = directory + ".times"
    env = measure.environment(PROSPER_BENCH_LOG=log)
    if "PROSPER_CACHE" in os.environ:
        env["PROSPER_CACHE"] = os.environ["PROSPER_CACHE"]
    if not build.plain:
        env["PROSPER_BUILD"] = build_directory # a new pass or runtime makes the build an old one
    if fresh and os.path.exists(os.path.join(directory, "built-by")):
        os.unlink(os.path.join(directory, "built-by"))
    if os.path.exists(log):
        os.unlink(log)
    command = [program.script or os.path.join(OTHERS, "build-workload"), directory, compiler, flags] + ([program.source] if program.source else [])
    result = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if result.returncode != 0:
        raise measure.Failed(f"{program.name} by {program_compiler} {flags}: not built\n{result.stdout.decode(errors='replace')}")
    if not os.path.exists(log):
        return None
    with open(log, encoding="ascii") as file:
        return sum(float(line) for line in file)


def code_size(path):
    """Bytes of machine code: section .text alone, without what the linker makes for calls of libraries."""
    listing = subprocess.run(["size", "-A", path], stdout=subprocess.PIPE, check=True).stdout.decode()
    return int(next(line.split()[1] for line in listing.splitlines() if line.startswith(".text ")))
