"""stores.py - the key-value stores that `bench --peers` compares: how each is built, run, killed and looked at again.

All are under the load of peers/driver.h. A run happens in a directory of its own beside Prosper's pools, on the same medium.
"""
import json
import os
import re
import shutil
import subprocess
import tempfile
import threading
import time

import builds
import measure

HERE = os.path.join(builds.HERE, "peers")
MIMALLOC = "libmimalloc.so.2"
FOREVER = 10**12 # operations of a run that will be killed
SLOW_MEDIUM_NS = 210 # as in the experiment `flushed`
LINE = 64


class Result:
    """line: what the store printed. written: bytes in the operations alone, or None where this run did not count them."""

    def __init__(self, line, seconds=None, processor=None, written=None, stats=None):
        self.line, self.seconds, self.processor, self.written, self.stats = line, seconds, processor, written, stats


class Loss:
    """After a kill: operations that were acknowledged and are not there, and the processor time of the program that they took."""

    def __init__(self, operations, milliseconds):
        self.operations, self.milliseconds = operations, milliseconds


class Acks:
    """Reads the acknowledgements of a running store (peers/driver.h) until it ends."""

    def __init__(self, stream):
        self.stream, self.parts, self.first = stream, [], threading.Event()
        self.thread = threading.Thread(target=self.read)
        self.thread.start()

    def read(self):
        while part := os.read(self.stream.fileno(), 1 << 16):
            self.parts.append(part)
            if b"ack " in part:
                self.first.set()
        self.first.set()

    def end(self):
        """All there were, as bytes; a line that was cut off is none."""
        self.thread.join()
        text = b"\n" + b"".join(self.parts)
        return text[:text.rfind(b"\n") + 1]


def number_and_time(text, which):
    """Of the first or last acknowledgement: (operations, processor time in ns)."""
    at = text.find(b"\nack ") if which == "first" else text.rfind(b"\nack ")
    if at < 0:
        raise measure.Failed(f"nothing was acknowledged: {text[-400:].decode(errors='replace')}")
    return tuple(int(word) for word in text[at + 5:text.index(b"\n", at + 1)].split())


def time_of(text, operations):
    """When the last acknowledgement of at most so many operations came; the first there is where none was by then."""
    at = text.rfind(b"\nack %d " % operations)
    if at >= 0:
        return number_and_time(text[at:], "first")[1]
    earlier = [moment for number, moment in (map(int, found) for found in re.findall(rb"ack (\d+) (\d+)", text)) if number <= operations]
    return earlier[-1] if earlier else number_and_time(text, "first")[1]


class Store:
    """The plain store, and what all have in common. few: so slow that it runs a tenth of the operations."""
    source, few, interval_ms = "kv_plain", False, None
    whole = True # all that it takes is in one process, whose time is measured
    counted = None # what `written` is

    def __init__(self, name, label):
        self.name, self.label = name, label

    def lacking(self, bench):
        """Why it cannot be tried here, in words, or None."""
        return None

    def build(self):
        return builds.PLAIN

    def program(self):
        program = builds.Program(self.source, 0.3)
        program.source = os.path.join(HERE, self.source + ".c")
        return program

    def binary(self, bench):
        return self.program().binary(bench.options.build, self.build())

    def compile(self, bench):
        builds.compile_program(self.program(), bench.options.build, self.build(), fresh=False)

    def changed_lines(self):
        """Lines that the plain store has not, and lines of it that are gone."""
        command = ["diff", os.path.join(HERE, "kv_plain.c"), os.path.join(HERE, self.source + ".c")]
        text = subprocess.run(command, stdout=subprocess.PIPE, check=False).stdout.decode()
        return sum(line.startswith(">") for line in text.splitlines()), sum(line.startswith("<") for line in text.splitlines())

    def options(self, directory):
        return []

    def environment(self, bench, directory, **more):
        return measure.environment(MIMALLOC, **more)

    def command(self, bench, directory, load, operations, mode):
        return [self.binary(bench), load, str(bench.records), str(operations), mode, *self.options(directory)]

    def call(self, bench, directory, load, operations, mode="run", **more):
        """Runs the program to its end: (standard output, standard error)."""
        command = self.command(bench, directory, load, operations, mode)
        result = subprocess.run(command, cwd=directory, env=self.environment(bench, directory, **more), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, check=False)
        output, errors = result.stdout.decode(errors="replace"), result.stderr.decode(errors="replace")
        if result.returncode != 0:
            raise measure.Failed(f"{self.label}: {' '.join(command)}: status {result.returncode}\n{output}{errors}")
        return output, errors

    def run(self, bench, load, operations, **more):
        with tempfile.TemporaryDirectory(dir=bench.scratch) as directory, self.serving(directory):
            output, errors = self.call(bench, directory, load, operations, **more)
            found = re.search(r"^seconds ([\d.]+) processor ([\d.]+) written (\d+)$", errors, flags=re.MULTILINE)
            if not found:
                raise measure.Failed(f"{self.label}: no times\n{errors}")
            return self.finish(bench, directory, Result(output, float(found[1]), float(found[2]), int(found[3])))

    def finish(self, bench, directory, result):
        return result

    def written(self, bench, load, operations):
        """Bytes that the operations have written, or None."""
        return None

    @staticmethod
    def serving(directory):
        return NoServer()

    # ---- killing ----

    def start(self, bench, directory, load, **more):
        process = subprocess.Popen(self.command(bench, directory, load, FOREVER, "acks"), cwd=directory, env=self.environment(bench, directory, **more),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        return process, Acks(process.stderr)

    def kill_after(self, bench, process, acks, seconds, victim=None):
        """Kills after the first acknowledgement and so many seconds; all acknowledgements."""
        acks.first.wait(60)
        time.sleep(seconds)
        (victim or process).kill()
        text = acks.end()
        process.wait()
        process.stderr.close()
        return text

    def lose(self, bench, load, seconds):
        with tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
            process, acks = self.start(bench, directory, load)
            text = self.kill_after(bench, process, acks, seconds)
            return self.missing(bench, directory, load, text)

    def missing(self, bench, directory, load, text):
        acknowledged, moment = number_and_time(text, "last")
        output, _ = self.call(bench, directory, load, 0, f"check={acknowledged}")
        found, missing = (int(word) for word in re.match(r"found (\d+), missing (\d+)", output).groups())
        if missing == 0:
            return Loss(0, 0)
        return Loss(acknowledged - found, (moment - time_of(text, found)) / 1e6)


class NoServer:
    def __enter__(self):
        return self

    def __exit__(self, *what):
        return None


class Prosper(Store):
    """The plain store, compiled by prosper-clang."""
    interval_ms = 10

    def __init__(self, name, label, mode, *runtime_options):
        super().__init__(name, label)
        self.mode, self.runtime_options, self.flushes = mode, runtime_options, "flush=always" in runtime_options
        self.counted = "cache lines flushed, by the runtime's statistics" if self.flushes else "bytes stored into the pool, by the runtime's statistics"

    def build(self):
        return builds.STACK if self.mode == "stack" else builds.ALL

    def pool(self, bench):
        """Made once for each mode, before anything is measured: reserving its space is no part of a run."""
        return os.path.join(bench.scratch, "prosper-" + self.mode)

    def compile(self, bench):
        super().compile(bench)
        if not os.path.exists(self.pool(bench)):
            with tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
                self.call(bench, directory, "A", 1)

    def environment(self, bench, directory, fresh=True, **more):
        options = ["interval=10ms", f"stats={directory}/stats", *self.runtime_options, *(["fresh=1"] if fresh else [])]
        return measure.environment(None, PROSPER_POOL=self.pool(bench), PROSPER_OPTIONS=":".join(options), **more)

    def finish(self, bench, directory, result):
        with open(os.path.join(directory, "stats"), encoding="ascii") as file:
            result.stats = json.load(file)
        if result.stats["checkpoints"] < 1:
            raise measure.Failed(f"{self.label}: no checkpoint was taken")
        return result

    def written(self, bench, load, operations):
        """A run less one that only fills the store."""
        def bytes_of(stats):
            return stats["lines_flushed"] * LINE if self.flushes else stats["log_bytes"] + stats["line_bytes"] + stats["metadata_bytes"]
        return max(bytes_of(self.run(bench, load, operations).stats) - bytes_of(self.run(bench, load, 0).stats), 0)

    def lose(self, bench, load, seconds):
        """What is acknowledged after the restart begins where the last checkpoint was: what was acknowledged beyond that, before, is lost (and is done again)."""
        with tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
            text = self.kill_after(bench, *self.start(bench, directory, load), seconds)
            acknowledged, moment = number_and_time(text, "last")
            again = self.kill_after(bench, *self.start(bench, directory, load, fresh=False), 0)
            next_one = number_and_time(again, "first")[0]
            if b"resumed" not in again:
                raise measure.Failed(f"{self.label}: it was not resumed after a kill\n{again[:400].decode(errors='replace')}")
            operations = max(acknowledged - (next_one - 1), 0)
            return Loss(operations, (moment - time_of(text, next_one - 1)) / 1e6 if operations else 0)


class Pmemobj(Store):
    source = "kv_pmemobj"
    counted = "cache lines flushed or written past the cache, counted at libpmem's functions"

    def __init__(self, name, label, flush_ns=0):
        super().__init__(name, label)
        self.flush_ns = flush_ns

    def lacking(self, bench):
        return None if os.path.exists("/usr/include/libpmemobj.h") else "libpmemobj-dev is not installed"

    def build(self):
        return builds.Build("peer-pmemobj", "-lpmemobj", plain=True)

    def options(self, directory):
        return [os.path.join(directory, "pool")]

    def counter(self, bench):
        return os.path.join(bench.options.build, "bench-programs", "count_flushes.so")

    def compile(self, bench):
        super().compile(bench)
        source = os.path.join(HERE, "count_flushes.c")
        if not os.path.exists(self.counter(bench)) or os.path.getmtime(self.counter(bench)) < os.path.getmtime(source):
            subprocess.run(["clang-19", *builds.FLAGS.split(), "-shared", "-fPIC", source, "-o", self.counter(bench)], check=True)

    def environment(self, bench, directory, count=False, **more):
        if self.flush_ns:
            more["PEERS_FLUSH_NS"] = str(self.flush_ns)
        preload = f"{self.counter(bench)} {MIMALLOC}" if count or self.flush_ns else MIMALLOC
        return measure.environment(preload, PMEM_IS_PMEM_FORCE="1", **more)

    def written(self, bench, load, operations):
        return self.run(bench, load, operations, count=True).written


class Sqlite(Store):
    source, few = "kv_sqlite", True
    counted = "bytes handed to write calls (wchar of /proc/self/io)"

    def __init__(self, name, label, synchronous, batch_ms):
        super().__init__(name, label)
        self.words = [synchronous, str(batch_ms)]

    def lacking(self, bench):
        return None if os.path.exists("/usr/include/sqlite3.h") else "libsqlite3-dev is not installed"

    def build(self):
        return builds.Build("peer-sqlite", "-lsqlite3", plain=True)

    def options(self, directory):
        return [os.path.join(directory, "database"), *self.words]

    def written(self, bench, load, operations):
        return self.run(bench, load, operations).written


class Redis(Store):
    source, few, whole = "kv_redis", True, False
    counted = "bytes handed to write calls by the server, answers on the socket too (wchar of /proc/PID/io)"

    def __init__(self, name, label, *arguments, save_first=False):
        super().__init__(name, label)
        self.arguments, self.save_first, self.server = arguments, save_first, None

    def lacking(self, bench):
        return None if shutil.which("redis-server") else "redis-server is not installed (apt-get install redis-server)"

    def build(self):
        return builds.Build("peer-redis", plain=True)

    def options(self, directory):
        return [os.path.join(directory, "socket"), str(self.server.pid)]

    def serving(self, directory):
        return Server(self, directory)

    def written(self, bench, load, operations):
        return self.run(bench, load, operations).written

    def lose(self, bench, load, seconds):
        with tempfile.TemporaryDirectory(dir=bench.scratch) as directory:
            with Server(self, directory):
                process, acks = self.start(bench, directory, load)
                if self.save_first: # or there would be nothing to start again from: its rules save after a minute
                    acks.first.wait(60)
                    subprocess.run(["redis-cli", "-s", os.path.join(directory, "socket"), "save"], stdout=subprocess.DEVNULL, check=True)
                text = self.kill_after(bench, process, acks, seconds, victim=self.server)
            with Server(self, directory):
                return self.missing(bench, directory, load, text)


class Server:
    """A redis-server of our own in a directory, for as long as the block lasts."""

    def __init__(self, store, directory):
        self.store, self.directory = store, directory

    def __enter__(self):
        socket = os.path.join(self.directory, "socket")
        if os.path.exists(socket):
            os.unlink(socket)
        self.store.server = subprocess.Popen(["redis-server", "--port", "0", "--unixsocket", socket, "--dir", self.directory, *self.store.arguments],
                                             stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 60
        while subprocess.run(["redis-cli", "-s", socket, "ping"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False).stdout.strip() != b"PONG":
            if time.monotonic() > until or self.store.server.poll() is not None:
                raise measure.Failed(f"{self.store.label}: the server does not answer")
            time.sleep(0.02)
        return self

    def __exit__(self, *what):
        self.store.server.kill()
        self.store.server.wait()


class Nothing(Store):
    """Keeps nothing: the load alone."""
    source = "kv_none"


PLAIN = Store("plain", "plain, in memory only")
NOTHING = Nothing("none", "the load alone, no store")
FLUSH = ("flush=always",)
SLOW = (*FLUSH, f"flush_ns={SLOW_MEDIUM_NS}")
STORES = [
    Prosper("prosper", "Prosper, mode all, 10 ms", "all"),
    Prosper("prosper-flush", "the same, flush=always", "all", *FLUSH),
    Pmemobj("pmemobj", "libpmemobj, a transaction a change"),
    Prosper("prosper-slow", f"Prosper, flush=always, {SLOW_MEDIUM_NS} ns a line", "all", *SLOW),
    Pmemobj("pmemobj-slow", f"libpmemobj, {SLOW_MEDIUM_NS} ns a line", SLOW_MEDIUM_NS),
    Prosper("prosper-stack", "Prosper, mode stack, 10 ms", "stack"),
    Sqlite("sqlite-normal", "SQLite, NORMAL, a transaction an operation", "normal", 0),
    Sqlite("sqlite-off", "SQLite, OFF, a transaction an operation", "off", 0),
    Sqlite("sqlite-normal-10ms", "SQLite, NORMAL, transactions of 10 ms", "normal", 10),
    Sqlite("sqlite-off-10ms", "SQLite, OFF, transactions of 10 ms", "off", 10),
    Redis("redis-aof", "Redis, AOF everysec, 64 at once", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec"),
    Redis("redis-rdb", "Redis, RDB by its default rules, 64 at once", "--appendonly", "no", "--save", "3600 1 300 100 60 10000", save_first=True),
]
