"""runner - programs, one after the other: compiled plainly and by prosper-clang, run as plans say (checks.py), counted, and kept where one fails."""
import os
import shlex
import shutil
import subprocess
import tempfile
import time

from checks import Checker, Failure, Skip, plain_output
from programs import compile_program, configuration, csmith_headers, plain_flags

HERE = os.path.dirname(os.path.abspath(__file__))
TIMED_SECONDS = 0.05
TOO_LONG = 80000  # instructions of a program that is to be single-stepped


class Runner:
    def __init__(self, build, verbose=False):
        self.build = os.path.abspath(build)
        self.verbose = verbose
        self.saved = os.path.join(self.build, "scratch", "random")
        os.makedirs(self.saved, exist_ok=True)
        self.directory = tempfile.mkdtemp(prefix="random-", dir=os.path.join(self.build, "scratch"))
        self.programs = self.cases = self.plans = self.checkpoints = self.generations = self.words = self.by_marks = 0
        self.skipped, self.failed = {}, []

    def path(self, name):
        return os.path.join(self.directory, name)

    def compile(self, source, flags, cxx):
        ending = "++" if cxx else ""
        headers = [path for path in [csmith_headers()] if path]
        compile_program(f"clang{ending}-19", source, plain_flags(flags), self.path("plain"), headers)
        compile_program(os.path.join(self.build, "bin", "prosper-clang" + ending), source, flags.split(), self.path("program"), headers)

    def case(self, source, flags, cxx, plans):
        """Raises Failure or Skip. `plans`: a list, or a function that chooses while they run."""
        self.compile(source, flags, cxx)
        self.cases += 1
        checker = Checker(self.path("program"), self.directory, "=all" in flags)
        try:
            for plan in plans(self.path("plain"), checker) if callable(plans) else plans:
                self.plan = plan
                rounds = [item.split("=")[1] for item in plan.split(",") if item.startswith("rounds=")]
                wanted = plain_output(self.path("plain"), rounds, self.directory)
                checker.run(plan, rounds, wanted)
                self.plans += 1
        finally:
            self.checkpoints += checker.checkpoints
            self.generations += checker.generations
            self.words += checker.words
            self.by_marks += checker.by_marks

    def program(self, program, configurations):
        try:
            text = program.text()
        except Skip as reason:
            self.count_skip(program, reason)
            return
        source = self.path("program.cc" if program.cxx else "program.c")
        with open(source, "w", encoding="ascii") as file:
            file.write(text)
        self.programs += 1
        for number in range(configurations):
            flags = configuration(program.chooser)
            began = time.monotonic()
            self.plan = ""
            try:
                self.case(source, flags, program.cxx, plans_for(program, number, self.directory))
            except Skip as reason:
                self.count_skip(program, reason)
                return
            except Failure as failure:
                self.keep(program, source, flags, failure)
            if self.verbose:
                print(f"{program.name()} {flags}: {time.monotonic() - began:.1f} s", flush=True)

    def count_skip(self, program, reason):
        self.skipped[str(reason)] = self.skipped.get(str(reason), 0) + 1
        if self.verbose:
            print(f"{program.name()}: skipped: {reason}", flush=True)

    def keep(self, program, source, flags, failure):
        name = f"{program.name()}-{len(self.failed)}"
        ending = os.path.splitext(source)[1]
        target = os.path.join(self.saved, name + ending)
        shutil.copy(source, target)
        command = [os.path.join(HERE, "run"), self.build, "--program", target, "--flags", flags, "--plan", self.plan]
        with open(os.path.join(self.saved, name + ".command"), "w", encoding="utf-8") as file:
            file.write(shlex.join(command) + "\n")
        with open(os.path.join(self.saved, name + ".message"), "w", encoding="utf-8") as file:
            file.write(str(failure) + "\n")
        if failure.kind in ("speech", "image", "status") and os.path.exists(self.path("pool")):
            shutil.copy(self.path("pool"), os.path.join(self.saved, name + ".pool"))
        self.failed.append(name)
        print(f"{name}: FAILED, {flags}, {self.plan}: {failure}\n  {shlex.join(command)}", flush=True)

    def summary(self):
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(self.skipped.items()))
        return (f"{self.programs} programs, {self.cases} builds, {self.plans} runs to the end in {self.generations} processes, {self.checkpoints} checkpoints, "
                f"{self.by_marks} of them by marks, {self.words} words checked for marks; skipped: {skipped or 'none'}; failed: {len(self.failed)}")


def plans_for(program, number, directory):
    """Of a build: single-stepped whole, or in a chain of killed processes; then by the timer, over as many rounds as take a while."""
    choose = program.chooser

    def plans(plain, checker):
        has_rounds = program.family != "csmith"
        plain_output(plain, ["1"] if has_rounds else [], directory)  # csmith's may fail of themselves at some level: skipped
        too_long = program.family != "own" and not checker.ends_within(TOO_LONG)
        if too_long and not has_rounds:
            raise Skip("has too many instructions")
        many = rounds_that_take(TIMED_SECONDS, plain, directory) if has_rounds else 0
        # Several rounds where they are short: what was new in the first one, and so marked, no longer is.
        by = ",pages=1" if checker.checks_marks and choose.random() < 0.4 else ""
        rounds = f",rounds={1 if many < 8000 else 2 if many < 20000 else 4}" if has_rounds else ""
        if not too_long and number % 2 == 0:
            stride = choose.choice((23, 32, 47, 64, 97))
            yield f"step={stride},offset={choose.randrange(stride)}{rounds}{by}"
        elif not too_long:
            yield f"chain={choose.choice((41, 97, 151))},die={choose.randrange(25, 60)},offset={choose.randrange(500)}{rounds}{by}"
        if has_rounds:
            yield f"timed=1,die={choose.randrange(4, 20)},rounds={many}{by}"

    return plans


def rounds_that_take(seconds, plain, directory):
    few = 64
    while True:
        began = time.monotonic()
        plain_output(plain, [str(few)], directory)
        took = time.monotonic() - began
        if took > seconds / 4 or few >= 1 << 20:
            return max(1, int(few * seconds / took))
        few *= 4
