"""checks - one compiled program under a pool, in the ways that a plan names, and what must hold each time.

A plan is a line of text, so that a failure can be run again:

    step=K,rounds=R[,offset=O]        single-stepped, a verified checkpoint at each K-th instruction
    chain=K,die=N,rounds=R            the same, killed after each N-th commit and started again, until the program has ended
    timed=MS,die=N,rounds=R           checkpoints by the timer, each verified; killed after N commits, N + 1, N + 2 ..., until the program has ended
    ...,pages=1                       by pages

In mode all, with pages=1: by pages, and each changed word is asked for its mark; without: by marks, where a missing one makes the image differ.

What must hold: the output is byte by byte the plain run's; no process says anything but that it was resumed (verify=1 would speak of an image that differs
from what was committed, or of a line that changed without a mark); none ends otherwise than by the death that was asked for; there were checkpoints;
and in mode all none of the marks that were asked for was missing (what a program stores may all lie in variables, which need none).
"""
import json
import os
import re
import resource
import signal
import subprocess

RESUMED = re.compile(r"^prosper: resumed from checkpoint .*$", re.MULTILINE)
NOT_RELIED = re.compile(r"^prosper: marks are not relied on: .*$", re.MULTILINE)
GENERATIONS_MAX = 400


class Failure(Exception):
    """kind: unmarked, image, output, status, time, statistics, speech, compile"""

    def __init__(self, kind, what):
        super().__init__(f"{kind}: {what}")
        self.kind = kind


class Skip(Exception):
    pass


def no_cores():
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def environment(**more):
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PROSPER_", "LD_")) or key == "PROSPER_PLANT"}
    return dict(kept, **more)


def start(command, directory, out, seconds, **variables):
    """One process; its stdout is appended to `out`. (status, stderr); status None when it took too long."""
    with open(out, "ab") as stdout:
        process = subprocess.Popen(command, cwd=directory, stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE,
                                   env=environment(**variables), preexec_fn=no_cores)
        try:
            _, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            return None, ""
    return process.returncode, err.decode(errors="replace")


def plain_output(program, arguments, directory, seconds=10):
    """What the program prints without a pool. Skip when it fails or takes long: then it is no program to test with."""
    out = os.path.join(directory, "plain.out")
    if os.path.exists(out):
        os.unlink(out)
    status, _ = start([program, *arguments], directory, out, seconds)
    if status != 0:
        raise Skip("takes too long" if status is None else f"ends with status {status}")
    with open(out, "rb") as file:
        return file.read()


def parse_plan(text):
    kind, *rest = [item.split("=", 1) for item in text.split(",")]
    return kind[0], int(kind[1]), {key: int(value) for key, value in rest}


class Checker:
    def __init__(self, program, directory, checks_marks, seconds=120):
        self.program = program
        self.directory = directory
        self.checks_marks = checks_marks
        self.variables = {"LD_BIND_NOW": "1"}  # or the binding of a call would come between a mark and its store
        self.seconds = seconds
        self.pool = os.path.join(directory, "pool")
        self.stats = os.path.join(directory, "stats")
        self.out = os.path.join(directory, "out")
        self.checkpoints = self.generations = self.words = self.by_marks = 0

    def run(self, plan, arguments, wanted):
        """Raises Failure. `arguments`: the number of rounds, which a program of csmith's does not have (and may store nothing that marks are asked of)."""
        kind, value, rest = parse_plan(plan)
        for name in (self.out, self.stats):
            if os.path.exists(name):
                os.unlink(name)
        die = rest.get("die", 0)
        first = later = {"step": f"step={value}:step_offset={rest.get('offset', 0)}", "chain": f"step={value}:step_offset={rest.get('offset', 0)}",
                         "timed": f"interval={value}ms"}[kind]
        if kind == "chain":
            later = f"step={value}:step_offset={value}"
        if rest.get("pages"):
            first, later = f"{first}:tracker=pages", f"{later}:tracker=pages"
        options = f"size=48M:fresh=1:{first}"
        for generation in range(GENERATIONS_MAX):
            more = f":die_after={die + generation}" if die else ""
            status, err = start([self.program, *arguments], self.directory, self.out, self.seconds, PROSPER_POOL=self.pool,
                                PROSPER_OPTIONS=f"{options}:verify=1:stats={self.stats}{more}", **self.variables)
            self.generations += 1
            self.judge_speech(err)
            if status == 0:
                break
            if status is None:
                raise Failure("time", f"still running after {self.seconds} s")
            if status != -signal.SIGKILL or not die:
                raise Failure("status", f"generation {generation} ended with {status}\n{err}")
            options = later
        else:
            raise Failure("time", f"has not ended after {GENERATIONS_MAX} generations")
        with open(self.out, "rb") as file:
            got = file.read()
        if got != wanted:
            raise Failure("output", f"after {generation + 1} generations\n--- got\n{got.decode(errors='replace')[-800:]}\n--- wanted\n{wanted.decode(errors='replace')[-800:]}")
        counted = self.judge_statistics()
        if kind == "step" and self.checks_marks and arguments and not rest.get("pages") and not counted["checkpoints_by_marks"]:
            raise Failure("statistics", "no checkpoint went by marks")

    def ends_within(self, instructions):
        """Counts by single-stepping, without a verified checkpoint on the way."""
        status, err = start([self.program], self.directory, self.out, self.seconds, PROSPER_POOL=self.pool,
                            PROSPER_OPTIONS=f"size=48M:fresh=1:step={instructions // 4}:die_after=6", **self.variables)
        if status not in (0, -signal.SIGKILL):
            raise Failure("status", f"counting instructions: {status}\n{err}")
        return status == 0

    def judge_speech(self, err):
        said = RESUMED.sub("", err)
        if not self.checks_marks:
            said = NOT_RELIED.sub("", said)
        said = said.strip()
        if not said:
            return
        kind = "unmarked" if "without a mark" in said else "image" if "verify:" in said else "speech"
        raise Failure(kind, said[:1500])

    def judge_statistics(self):
        try:
            with open(self.stats, encoding="ascii") as file:
                counted = json.load(file)
        except (OSError, ValueError) as error:
            raise Failure("statistics", str(error)) from None
        self.checkpoints += counted["checkpoints"]
        self.words += counted.get("words_checked_for_marks", 0)
        self.by_marks += counted.get("checkpoints_by_marks", 0)
        if counted.get("lines_unmarked") != 0:
            raise Failure("unmarked", f"{counted.get('lines_unmarked')} lines, by the statistics")
        if not counted["checkpoints"] and self.generations == 1:
            raise Failure("statistics", "no checkpoint was taken")
        return counted
