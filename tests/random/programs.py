"""programs - where a program's text comes from, and the configurations in which it is compiled.

A configuration is the compiler's flags as one line of text. Which of them a program gets, and with which plans it is run, its seed decides.
"""
import glob
import os
import random
import shutil
import subprocess
import sys

from checks import Failure, Skip
from generator import generate

LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os", "-O2 -flto", "-O3 -march=native", "-O2", "-O3")
CSMITH = ("--max-funcs 4 --max-block-depth 3 --max-block-size 3 --max-array-len-per-dim 6 --max-expr-complexity 5 --no-packed-struct --concise").split()


def configuration(chooser):
    flags = [chooser.choice(LEVELS)]
    mode = "stack" if chooser.random() < 0.12 else "all"
    flags.append(f"--prosper-track={mode}")
    return " ".join(flags)


class Program:
    def __init__(self, family, seed):
        self.family, self.seed = family, seed
        self.cxx = family == "cxx"
        self.chooser = random.Random(f"{family}/{seed}")

    def name(self):
        return f"{self.family}-{self.seed}"

    def text(self):
        if self.family == "csmith":
            return csmith(self.chooser.getrandbits(31))
        return generate(self.seed, cxx=self.cxx)


def csmith_headers():
    """Beside the program, as its package puts them: PREFIX/bin/csmith, PREFIX/include/csmith."""
    program = shutil.which("csmith")
    if not program:
        return None
    prefix = os.path.dirname(os.path.dirname(os.path.realpath(program)))
    found = [os.path.dirname(path) for pattern in ("include/csmith*/csmith.h", "include/csmith*/runtime/csmith.h", "include/csmith.h")
             for path in sorted(glob.glob(os.path.join(prefix, pattern)))]
    return found[0] if found else None


def csmith(seed):
    try:
        made = subprocess.run(["csmith", "--seed", str(seed), *CSMITH], capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        raise Skip("csmith takes too long") from None
    if made.returncode != 0:
        raise Skip("csmith gives up")
    return made.stdout


def compile_program(compiler, source, flags, output, headers=()):
    command = [compiler, "-w", "-g", *flags, *(f"-I{path}" for path in headers), source, "-o", output, "-lm"]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise Failure("compile", " ".join(command) + "\n" + made.stderr[-3000:])


def plain_flags(flags):
    """Without what only the pass understands."""
    kept, words = [], flags.split()
    while words:
        if words[:3] == ["-Xclang", "-mllvm", "-Xclang"]:  # an option of the pass, given by hand
            words = words[4:]
        elif words[0].startswith("--prosper-"):
            words = words[1:]
        else:
            kept.append(words.pop(0))
    return [*kept, "-fuse-ld=lld"] if "-flto" in kept else kept


def complain(text):
    print(text, file=sys.stderr, flush=True)
