"""program - the whole of a program, out of pieces.

    prelude      types, mix (the hash), opaque (a value that the compiler does not know), zeroed and mapping (memory, or the end)
    pieces       each with its globals, functions, set-up, one round, and what it leaves in memory, folded into h
    main         set-up; rounds (argument 1, else 1) of all pieces in an order of their own, with some lines of output; then the checksum

Deterministic: the same seed gives the same program, and the program the same output for the same argument. It has no undefined behaviour and ends. A
program of some of its pieces is the same text without the others; this is how a failure is made small (reduce).
"""
import random

from .calls import write_arguments, write_tails, write_values
from .exceptions import write_exceptions, write_objects
from .handlers import write_signals, write_ticks
from .library import write_library, write_sorting
from .loops import indent, write_loops
from .machine import write_assembly, write_atomics, write_bits, write_vectors
from .source import Piece
from .stack import write_frames, write_jumps, write_recursion
from .structures import write_structures, write_table

# What a piece may be: weight, function. Loops are where a pass has most to take away.
WRITERS = {
    "loops": (14, write_loops),
    "structures": (6, write_structures),
    "table": (2, write_table),
    "library": (3, write_library),
    "sorting": (1, write_sorting),
    "recursion": (2, write_recursion),
    "frames": (2, write_frames),
    "jumps": (2, write_jumps),
    "values": (2, write_values),
    "arguments": (1, write_arguments),
    "tails": (2, write_tails),
    "vectors": (2, write_vectors),
    "assembly": (2, write_assembly),
    "atomics": (2, write_atomics),
    "bits": (1, write_bits),
    "signals": (2, write_signals),
    "ticks": (1, write_ticks),
}
WRITERS_CXX = {"exceptions": (14, write_exceptions), "objects": (6, write_objects)}

PRELUDE = r"""
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define NOINLINE __attribute__((noinline))
typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t i32;
typedef int64_t i64;
#define UNALIGNED __attribute__((aligned(1), may_alias))
typedef u8 UNALIGNED u8_1;
typedef u16 UNALIGNED u16_1;
typedef u32 UNALIGNED u32_1;
typedef u64 UNALIGNED u64_1;
typedef i32 UNALIGNED i32_1;
typedef i64 UNALIGNED i64_1;

static volatile u64 nothing;

static inline u64 mix(u64 h, u64 v)
{
    h = (h ^ v) * 0x9e3779b97f4a7c15ull;
    return h ^ h >> 29;
}

static NOINLINE u64 opaque(u64 v) { return v + nothing; }

static NOINLINE void *zeroed(size_t size)
{
    void *block = calloc(1, size);
    if (!block) abort();
    return block;
}

static NOINLINE void *garbage(size_t size)
{
    void *block = malloc(size);
    if (!block) abort();
    return block;
}

static NOINLINE void *mapping(size_t size)
{
    void *block = mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) abort();
    return block;
}
""".strip().splitlines()


def generate(seed, pieces=None, cxx=False, kinds=None):
    """The program's text. `pieces`: numbers of those that stay (default all); `kinds`: only of these."""
    outer = random.Random(seed)
    count = outer.randint(1, 4)
    writers = dict(WRITERS, **(WRITERS_CXX if cxx else {}))
    usable = [name for name in writers if not kinds or name in kinds]
    chosen = outer.choices(usable, [writers[name][0] for name in usable], k=count)
    order = list(range(count))
    outer.shuffle(order)
    written = []
    for number, kind in enumerate(chosen):
        piece = Piece(seed, number, cxx)
        writers[kind][1](piece)
        if pieces is None or number in pieces:
            written.append(piece)
    text = [f"/* seed {seed}: {', '.join(f'{piece.number} {piece.kind}' for piece in written)} */", *PRELUDE, ""]
    for piece in written:
        text += [f"/* ---- piece {piece.number}: {piece.kind} ---- */", ""]
        for part in piece.globals:
            text += part if isinstance(part, list) else [part]
        text.append("")
        for part in piece.functions:
            text += [*part, ""]
    return "\n".join([*text, *main_function(seed, sorted(written, key=lambda piece: order.index(piece.number))), ""])


def main_function(seed, pieces):
    lines = ["unsigned long rounds = argc > 1 ? strtoul(argv[1], 0, 10) : 1;", f"u64 h = 0x{random.Random(seed).getrandbits(64):x}ull;"]
    for piece in pieces:
        lines += piece.setup
    lines.append("for (unsigned long round = 0; round < rounds; ++round) {")
    for piece in pieces:
        lines += indent(piece.body)
    lines += ["    if ((round & (round - 1)) == 0) printf(\"%lu %016llx\\n\", round, (unsigned long long)h);",
              "    if ((round & 15) == 3) fflush(stdout);", "}"]
    for piece in pieces:
        lines += piece.closing
    return ["int main(int argc, char **argv)", "{", *indent([*lines, "printf(\"%016llx\\n\", (unsigned long long)h);", "return 0;"]), "}"]
