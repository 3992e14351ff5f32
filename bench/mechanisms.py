"""mechanisms.py - the ways of making a stack persistent that are compared: how each is compiled, what the runtime is told, and what it is called.

A mechanism is tried only when the runtime knows its options and the compiler its mode; which they know is asked of `prosper options` and of the compiler
itself, so that a build that lacks one still gives a report of the others.
"""
import os
import re
import subprocess
import tempfile

import builds

STORES = builds.Build("stores", "--prosper-track=stores")
# Stack persistence alone, as in the original's Fig. 8.
STACK_ALONE = ("heap=none",)


class Mechanism:
    """options: what the runtime is told besides granularity and interval. original: its name in original.FIG8. slow: some work at each store, so
    that small inputs have to do. heap: the heap is persisted too."""

    def __init__(self, name, label, options=(), build=builds.STACK, original=None, slow=False, heap=False):
        self.name, self.label, self.build, self.original, self.slow = name, label, build, original, slow
        self.options = (*options, *(() if heap else STACK_ALONE))


PROSPER = Mechanism("prosper", "Prosper", original="prosper")
PAGES = Mechanism("pages", "pages (Dirtybit)", ("stack=pages",), original="dirtybit")
UNIT = Mechanism("unit", "the unit, modelled", ("stack=unit",), STORES, slow=True)
# The product on the program that the unit sees: what calls a hook at each store has other spills. For comparing bytes, not times.
SAME = Mechanism("prosper-same", "Prosper, the same program", build=STORES)
MECHANISMS = [
    PROSPER,
    Mechanism("compare", "compare all of the stack", ("stack=compare",)),
    Mechanism("copy", "copy all of the stack", ("stack=copy",)),
    PAGES,
    Mechanism("mprotect", "pages by mprotect", ("stack=mprotect",)),
    UNIT,
    Mechanism("flush", "flush each store", ("stack=flush",), STORES, slow=True),
    Mechanism("undo", "undo log", ("stack=undo",), STORES, slow=True),
    Mechanism("redo", "redo log", ("stack=redo",), STORES, slow=True),
    Mechanism("romulus", "Romulus", ("stack=romulus",), STORES, original="romulus", slow=True),
    Mechanism("ssp-10us", "SSP, 10 µs", ("stack=ssp", "consolidate=10us"), original="ssp_10us"),
    Mechanism("ssp-100us", "SSP, 100 µs", ("stack=ssp", "consolidate=100us"), original="ssp_100us"),
    Mechanism("ssp-1ms", "SSP, 1 ms", ("stack=ssp", "consolidate=1ms"), original="ssp_1ms"),
    Mechanism("prosper-heap", "Prosper, heap too", heap=True),
]
# What a goal compares the product with: not with itself, nor with more work than it does.
BASELINES = [mechanism.name for mechanism in MECHANISMS if mechanism.name not in ("prosper", "prosper-heap", "unit", "compare")]
# The same with a flush of every written line, each as long as a write to the original's non-volatile memory.
FLUSHED = ("flush=always", "flush_ns=210")
# Stack and heap together (experiments_whole.py).
WHOLE = [
    Mechanism("whole-prosper", "Prosper + SSP", heap=True),
    Mechanism("whole-marks", "Prosper + SSP, marks", build=builds.ALL, heap=True),
    Mechanism("whole-ssp-10us", "SSP for all, 10 µs", ("stack=ssp", "consolidate=10us"), heap=True),
    Mechanism("whole-ssp-100us", "SSP for all, 100 µs", ("stack=ssp", "consolidate=100us"), heap=True),
    Mechanism("whole-ssp-1ms", "SSP for all, 1 ms", ("stack=ssp", "consolidate=1ms"), heap=True),
    Mechanism("whole-pages", "pages for all", ("stack=pages", "heap=pages"), heap=True),
    Mechanism("whole-pages-ssp", "pages + SSP", ("stack=pages",), heap=True),
    Mechanism("whole-copy", "copy of all", ("stack=copy", "tracker=copy"), heap=True, slow=True),
]
BY_NAME = {mechanism.name: mechanism for mechanism in (*MECHANISMS, SAME, *WHOLE)}


def label(name):
    return BY_NAME[name].label if name in BY_NAME else name


class Support:
    """What this build of Prosper can do."""

    def __init__(self, build_directory):
        self.build_directory = build_directory
        command = os.path.join(build_directory, "bin", "prosper")
        listing = subprocess.run([command, "options", "--markdown"], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.options = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| (.*) \|$", listing, flags=re.MULTILINE))
        self.traces = b"--trace" in subprocess.run([command, "run", "--help"], stdout=subprocess.PIPE, check=True).stdout
        self.builds = {}

    def option(self, text):
        """Whether `key=value` is known; a value that is a word must be one of those that the table lists."""
        key, _, value = text.partition("=")
        meaning = self.options.get(key)
        if meaning is None:
            return False
        words = re.search(r"[\w.]+(?:\\?\|[\w.]+)+", meaning)
        return not words or value in re.split(r"\\?\|", words.group())

    def build(self, build):
        if build.name not in self.builds:
            with tempfile.TemporaryDirectory() as directory:
                source = os.path.join(directory, "nothing.c")
                with open(source, "w", encoding="ascii") as file:
                    file.write("int main(void) { return 0; }\n")
                command = [build.compiler(self.build_directory, "c"), *build.flags.split(), source, "-o", source[:-2]]
                self.builds[build.name] = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode == 0
        return self.builds[build.name]

    def lacks(self, mechanism, more=()):
        """What of a mechanism is missing here, in words; None: nothing."""
        if not self.build(mechanism.build):
            return f"the compiler has no {mechanism.build.flags}"
        # Without heap=none the heap is persisted too; the report says so once.
        missing = [option for option in (*mechanism.options, *more) if option not in STACK_ALONE and not self.option(option)]
        return f"the runtime has no {missing[0]}" if missing else None

    def runtime_options(self, mechanism):
        return [option for option in mechanism.options if option not in STACK_ALONE or self.option(option)]
