"""measure.py - one process measured, spreads of ratios, and how long it will still take. Used by every bench.

A figure is the ratio of two processor times (user and system, of the process and the children it waited for) that were taken one right after the
other, so that what changes slowly about the machine is in both. Which of the two comes first alternates.
"""
import contextlib
import fcntl
import hashlib
import math
import os
import resource
import statistics
import subprocess
import sys
import time


class Failed(Exception):
    """A program that did not do what it was run for."""


class Run:
    """What one process took, and a digest of what it printed."""

    def __init__(self, cpu, wall, digest):
        self.cpu, self.wall, self.digest = cpu, wall, digest


def environment(preload=None, **more):
    """Ours without what would reach the runtime."""
    env = {key: value for key, value in os.environ.items() if not key.startswith("PROSPER_") and key != "LD_PRELOAD"}
    if preload:
        env["LD_PRELOAD"] = preload
    return {**env, **more}


def stack_limit(mb):
    """What sets this limit in a child, or nothing for the limit that is."""
    if not mb:
        return None
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    if hard != resource.RLIM_INFINITY and hard < mb << 20:
        raise Failed(f"a stack of {mb} MB is needed, and the hard limit is {hard >> 20} MB (ulimit -Hs)")
    return lambda: resource.setrlimit(resource.RLIMIT_STACK, (mb << 20, hard))


@contextlib.contextmanager
def alone(build_directory):
    """Waits until no other bench runs: two would build in the same directories, and measure each other."""
    directory = os.path.join(build_directory, "bench-programs")
    os.makedirs(directory, exist_ok=True)
    with open(os.path.join(directory, "lock"), "w", encoding="ascii") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("bench: waits for another bench to end", file=sys.stderr, flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command, directory, env, stack_mb=0, statuses=(0,), files=(), text=lambda output: output):
    """Runs a command in a directory. The digest is of standard output, passed through text, and of the files named."""
    output, errors = os.path.join(directory, "stdout"), os.path.join(directory, "stderr")
    with open(output, "wb") as out, open(errors, "wb") as err:
        start = time.monotonic()
        process = subprocess.Popen(command, cwd=directory, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                   preexec_fn=stack_limit(stack_mb))
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in statuses:
        with open(errors, encoding="utf-8", errors="replace") as err:
            raise Failed(f"{' '.join(command)}: status {process.returncode}\n{err.read()}")
    digest = hashlib.sha256()
    with open(output, "rb") as out:
        digest.update(text(out.read()))
    for name in files:
        with open(os.path.join(directory, name), "rb") as file:
            digest.update(file.read())
    return Run(usage.ru_utime + usage.ru_stime, wall, digest.hexdigest())


def in_turn(first, second, number):
    """Calls both, in an order that alternates with number; the results in the order of the arguments."""
    if number % 2 == 0:
        one = first()
        return one, second()
    two = second()
    return first(), two


def spread(values):
    return {"median": statistics.median(values), "lo": min(values), "hi": max(values)}


def geometric_mean(values):
    return math.exp(sum(math.log(value) for value in values) / len(values))


class Progress:
    """Says on stderr what is being done and how long it will still take. Work is counted in seconds that it was expected to take;
    what it has taken so far says how far off that was."""

    def __init__(self, expected):
        self.expected, self.done, self.start, self.said = expected, 0.0, time.monotonic(), 0.0
        self.terminal = sys.stderr.isatty()

    def step(self, label, expected):
        """Before something that is expected to take so long."""
        now = time.monotonic()
        if self.terminal or now - self.said > 10 or self.said == 0:
            self.said = now
            pace = (now - self.start) / self.done if self.done else 1.0
            left = max(self.expected - self.done, 0) * pace
            text = f"{label}; {left / 60:.0f} min {left % 60:02.0f} s left" if left >= 60 else f"{label}; {left:.0f} s left"
            print(f"\r\033[K{text}" if self.terminal else text, end="" if self.terminal else "\n", file=sys.stderr, flush=True)
        self.done += expected

    def clear(self):
        if self.terminal:
            print("\r\033[K", end="", file=sys.stderr, flush=True)
