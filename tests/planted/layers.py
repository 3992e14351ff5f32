"""layers - the checks that must notice a planted defect, each by one line of text:

    order SOURCE FLAGS...            order_check on one of tests/machine-order/sources
    random N [KIND]                  at most N random programs in two configurations each, as tests/random/run has them; with KIND, made of such pieces alone
    moments PART TIMES PLAN FLAGS... one part of moments.c or moments_loops.c, run as the plan says (tests/random/checks.py)
    reports                          tests/marks/reports
    died N                           N chains of tests/every-instruction/died_anywhere
    between FLAGS...                 tests/every-instruction/changes.c, compiled with these, a checkpoint at every 13th instruction
    power N                          at most N states of what a power cut may leave (tests/power)
    pages N                          the same, of a pool that is written to the disk by pages

They are the checks of the other tests, pointed at another build directory. Each says whether it failed, and after how much.
"""
import os
import re
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TESTS = os.path.dirname(HERE)
sys.path.insert(0, os.path.join(TESTS, "random"))
from checks import Checker, Failure, plain_output  # noqa: E402
from generator import generate  # noqa: E402
from programs import Program, compile_program  # noqa: E402
from runner import Runner  # noqa: E402

BASE = "planted"  # of the seeds of random programs
MOMENTS = os.path.join(HERE, "moments.c"), os.path.join(HERE, "moments_loops.c")
FOUND = ("unmarked", "image", "output", "status", "speech", "time")  # kinds of failure that count; a program that does not compile shows nothing


class Found(Exception):
    """The check has failed."""


class SomeProgram(Program):
    """With pieces of one kind only."""

    def __init__(self, seed, kind):
        super().__init__("own", seed)
        self.kind = kind

    def text(self):
        return generate(self.seed, kinds=(self.kind,)) if self.kind else super().text()


class Stopping(Runner):
    """Ends at the first failure instead of keeping it."""

    def keep(self, program, source, flags, failure):
        if failure.kind == "statistics" and "went by marks" in str(failure):
            raise Found("marks are not relied on")
        if failure.kind not in FOUND:
            raise failure
        raise Found(f"{failure.kind} ({flags.split()[0]}, {self.plan})")


class Checks:
    def __init__(self, planted, order_check):
        self.planted, self.order_check = os.path.abspath(planted), os.path.abspath(order_check)
        self.scratch = os.path.join(self.planted, "scratch")
        os.makedirs(self.scratch, exist_ok=True)
        self.explorer = os.path.join(os.path.dirname(self.order_check), "power_planted")
        self.compiler = os.path.join(self.planted, "bin", "prosper-clang")

    def run(self, check):
        """(what was found or None, how much was done)"""
        kind, *words = check.split()
        began = time.monotonic()
        self.effort = ""
        with tempfile.TemporaryDirectory(dir=self.scratch) as self.directory:
            try:
                getattr(self, kind)(*words)
                found = None
            except Found as what:
                found = str(what)
        return found, f"{self.effort}{', ' if self.effort else ''}{time.monotonic() - began:.1f} s"

    def order(self, source, *flags):
        library = os.path.join(self.directory, "library.so")
        standard = "-std=gnu2x" if source.endswith(".c") else "-std=c++20"
        compiler = self.compiler if source.endswith(".c") else self.compiler + "++"
        subprocess.run([compiler, standard, "-w", "-fPIC", "-shared", *flags, "--prosper-track=all", "-Xclang", "-mllvm", "-Xclang", "-prosper-number-marks",
                        "-mllvm", "-use-unknown-locations=Enable", os.path.join(TESTS, "machine-order", "sources", source), "-o", library], check=True)
        result = subprocess.run([self.order_check, "--list", library], capture_output=True, text=True, check=False)
        violations = [line for line in result.stdout.splitlines() if line.strip().startswith("VIOLATION")]
        self.effort = source
        if result.returncode not in (0, 1) or (result.returncode == 1) != bool(violations):
            raise RuntimeError(f"order_check ends with {result.returncode}: {result.stdout[-500:]}{result.stderr[-500:]}")
        if violations:
            raise Found(f"{len(violations)} violations, {violations[0].split(': ')[-1].strip()}")

    def random(self, limit, kind=None):
        runner = Stopping(self.planted)
        try:
            for index in range(int(limit)):
                self.effort = f"{index + 1} program{'s' if index else ''}"
                runner.program(SomeProgram(f"{BASE}.{index}", kind), 2)
        finally:
            subprocess.run(["rm", "-rf", runner.directory], check=True)

    def moments(self, part, times, plan, *flags):
        plain, program = os.path.join(self.directory, "plain"), os.path.join(self.directory, "program")
        compile_program("clang-19", MOMENTS[0], [*flags, MOMENTS[1]], plain)
        compile_program(self.compiler, MOMENTS[0], [*flags, "--prosper-track=all", MOMENTS[1]], program)
        wanted = plain_output(plain, [part, times], self.directory)
        self.effort = f"moments {part}"
        try:
            Checker(program, self.directory, True).run(plan, [part, times], wanted)
        except Failure as failure:
            if failure.kind not in FOUND:
                raise
            raise Found(failure.kind) from None

    def pages(self, limit):
        self.power(limit, "--pages", "1", "--exhaustive", "300")

    def power(self, limit, *options):
        result = subprocess.run([self.explorer, "--states", limit, *options], capture_output=True, text=True, check=False)
        assertion = re.search(r"PROSPER_E_INTERNAL: (.* does not hold)", result.stderr)
        if result.returncode == -signal.SIGABRT and assertion:
            self.effort = f"less than {limit} states"
            raise Found("an assertion of the runtime's: " + assertion[1])
        if result.returncode not in (0, 1):
            raise RuntimeError(f"the explorer of power cuts ends with {result.returncode}: {result.stdout[-500:]}{result.stderr[-500:]}")
        if result.returncode == 0:
            self.effort = f"{limit} states"
            return
        what = re.search(r"^FAILURE in state (.*)\nafter (\d+) states$", result.stdout, re.MULTILINE)
        self.effort = f"{what[2]} states"
        if int(what[2]) <= int(limit):
            raise Found(what[1])

    def died(self, chains):
        program = os.path.join(self.directory, "calls")
        subprocess.run([self.compiler, "-O2", "--prosper-track=stack", os.path.join(TESTS, "every-instruction", "calls.c"), "-o", program], check=True)
        command = [os.path.join(TESTS, "every-instruction", "died_anywhere"), program, "--chains", chains, "--scratch", self.directory]
        result = subprocess.run([*command, "--command", os.path.join(os.path.dirname(self.planted), "bin", "prosper")], capture_output=True, text=True, check=False)
        self.effort = f"{chains} chains"
        if result.returncode != 0:
            raise Found(result.stderr.strip().splitlines()[0][:100] if result.stderr.strip() else f"status {result.returncode}")

    def between(self, *flags):
        program = os.path.join(self.directory, "changes")
        subprocess.run([self.compiler, "-O2", "--prosper-track=stack", *flags, os.path.join(TESTS, "every-instruction", "changes.c"), "-o", program], check=True)
        result = subprocess.run([os.path.join(TESTS, "every-instruction", "died_anywhere"), program, "--every", "13", "--scratch", self.directory], capture_output=True, text=True, check=False)
        self.effort = "1 program"
        if result.returncode != 0:
            raise Found(result.stderr.strip().splitlines()[0][:100] if result.stderr.strip() else f"status {result.returncode}")

    def reports(self):
        marks = os.path.join(TESTS, "marks")
        programs = []
        for source, compiler in (("unmarked.c", self.compiler), ("covered.cc", self.compiler + "++")):
            programs.append(os.path.join(self.directory, source + ".out"))
            subprocess.run([compiler, "-O1", "--prosper-track=all", os.path.join(marks, source), "-o", programs[-1]], check=True)
        result = subprocess.run([os.path.join(marks, "reports"), self.directory, *programs], capture_output=True, text=True, check=False)
        self.effort = "marks-reported"
        if result.returncode != 0:
            raise Found(result.stderr.strip().splitlines()[0][:100] if result.stderr.strip() else f"status {result.returncode}")
