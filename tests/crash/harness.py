"""harness - what the scripted crash tests share: a scratch directory with a victim in it, runs under a pool, and checks that say what they saw."""
import hashlib
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

KILLED = -signal.SIGKILL
SKIP = 77
POOL_SIZE = "size=48M"


class Failure(Exception):
    pass


class Skip(Exception):
    pass


class Result:
    def __init__(self, status, out, err):
        self.status, self.out, self.err = status, out, err
        match = re.search(r"^prosper: (PROSPER_E_\w+): (.*)$", err, re.MULTILINE)
        self.code = match.group(1) if match else None
        self.resumed = re.search(r"^prosper: resumed from checkpoint (\d+)", err, re.MULTILINE) is not None

    def __str__(self):
        return "status %s\n  stdout: %s\n  stderr: %s" % (self.status, self.out[-300:].strip(), self.err[-1500:].strip())


def check(condition, what, result=None):
    if not condition:
        raise Failure(what + ("" if result is None else "\n  " + str(result)))


class Scratch:
    """A directory with its own copy of the victim and its library, so that a test may replace them."""

    def __init__(self, build, name):
        self.build = build
        self.programs = os.path.join(build, "tests")
        os.makedirs(os.path.join(build, "scratch"), exist_ok=True)
        self.directory = tempfile.mkdtemp(prefix=name + "-", dir=os.path.join(build, "scratch"))
        self.pool = self.path("victim.pool")
        self.victim = self.path("victim")
        self.install("victim", "libvictim.so")

    def path(self, name):
        return os.path.join(self.directory, name)

    def install(self, program=None, library=None):
        for source, target in ((program, "victim"), (library, "libvictim.so")):
            if source:
                shutil.copy(os.path.join(self.programs, source), self.path(target + ".new"))
                os.rename(self.path(target + ".new"), self.path(target))

    def environment(self, options, pool=None, **more):
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PROSPER_")}
        environment["PROSPER_POOL"] = pool or self.pool
        environment["PROSPER_OPTIONS"] = ":".join(item for item in (POOL_SIZE, options) if item)
        environment.update(more)
        return environment

    def run(self, *arguments, options="", pool=None, plain=False, before=(), stdin=subprocess.DEVNULL, prepare=None, wait=60, stdout="stdout", environment=None):
        """Runs the victim; its stdout is appended to a file, as with >>, and read from there."""
        environment = {**(environment or {}), **self.environment(options, pool)}
        if plain:
            del environment["PROSPER_POOL"], environment["PROSPER_OPTIONS"]
        with open(self.path(stdout), "ab") as out:
            process = subprocess.Popen([*before, self.victim, *arguments], cwd=self.directory, env=environment, stdin=stdin, stdout=out,
                                       stderr=subprocess.PIPE, preexec_fn=prepare)
            try:
                _, err = process.communicate(timeout=wait)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
                raise Failure("still running after %d s: %s" % (wait, " ".join(arguments))) from None
        with open(self.path(stdout), "rb") as file:
            return Result(process.returncode, file.read().decode(errors="replace"), err.decode(errors="replace"))

    def reference(self, *arguments):
        """What an uninterrupted run without a pool prints."""
        result = self.run(*arguments, plain=True, stdout="reference")
        os.unlink(self.path("reference"))
        check(result.status == 0, "the victim itself fails", result)
        return result.out

    def make_pool(self, *arguments, commits=5, more="", **others):
        """Leaves a pool with a checkpoint: the victim kills itself after so many commits."""
        result = self.run(*arguments, options="interval=2ms:die_after=%d%s" % (commits, more), **others)
        check(result.status == KILLED, "the victim did not kill itself after %d commits" % commits, result)
        check(not result.err, "the first run complains", result)
        return result

    def digest(self, path=None):
        with open(path or self.pool, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else hashlib.sha256(file.read()).hexdigest()

    def refused(self, code, *arguments, **more):
        """A start that must be refused with this code, and must leave pool and output alone."""
        before = self.digest() if os.path.isfile(self.pool) else None
        out_before = open(self.path("stdout"), "rb").read() if os.path.exists(self.path("stdout")) else b""
        result = self.run(*arguments, **more)
        check(result.status == 125, "not refused: expected exit status 125 and %s" % code, result)
        check(result.code == "PROSPER_E_" + code, "expected PROSPER_E_" + code, result)
        check(len(result.err.strip().splitlines()) == 1, "a refusal is one line", result)
        check((self.digest() if os.path.isfile(self.pool) else None) == before, "the refusal changed the pool", result)
        check(open(self.path("stdout"), "rb").read() == out_before, "the refused program wrote output", result)
        return result

    def resumes(self, reference, *arguments, **more):
        """A start that must resume and end as the uninterrupted run does."""
        result = self.run(*arguments, **more)
        check(result.resumed, "did not resume", result)
        check(result.status == 0, "resumed and failed", result)
        check(result.out == reference, "resumed and printed something else than\n" + reference, result)
        return result


def main(cases, usage):
    """build-directory [case ...]: runs the cases, prints a line each; 1 when one failed, 77 when all were skipped."""
    if len(sys.argv) < 2:
        print(usage, file=sys.stderr)
        return 2
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    build = os.path.abspath(sys.argv[1])
    names = sys.argv[2:] or list(cases)
    failed = skipped = 0
    for name in names:
        scratch = Scratch(build, name)
        started = time.monotonic()
        try:
            cases[name](scratch)
            print("%s: ok (%.1f s)" % (name, time.monotonic() - started), flush=True)
            shutil.rmtree(scratch.directory)
        except Skip as reason:
            skipped += 1
            print("%s: SKIPPED: %s" % (name, reason), flush=True)
            shutil.rmtree(scratch.directory)
        except Failure as failure:
            failed += 1
            print("%s: FAILED: %s\n  kept in %s" % (name, failure, scratch.directory), flush=True)
    print("%d cases, %d failed, %d skipped" % (len(names), failed, skipped))
    return 1 if failed else SKIP if skipped == len(names) else 0
