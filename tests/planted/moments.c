/* moments.c - what goes wrong only when a checkpoint comes at one moment, made long or frequent so that it is met. Single-stepped by tests/planted, in parts:
 *
 *   moments PART [TIMES]
 *
 * Deterministic output; all that is stored lies in the heap, in mappings or in the stack. Loops and what must not share a mark: moments_loops.c. */
#define _GNU_SOURCE
#include "moments.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

NOINLINE void *block(size_t bytes)
{
    void *made = aligned_alloc(64, (bytes + 63) / 64 * 64); /* what lies in which line is the same in each run */
    if (made == NULL) {
        abort();
    }
    return memset(made, 0, bytes);
}

word folded(const word *at, size_t count)
{
    word h = 0;
    for (size_t i = 0; i < count; ++i) {
        h = mix(h, at[i]);
    }
    return h;
}

word *counted;

/* Has a long mark, and so releases all marks of the thread before it returns. */
static NOINLINE void release(word *at, int bytes)
{
    memmove(at + 3, at, (size_t)bytes);
    at[bytes % 8] += 1;
}

NOINLINE void releases(word *at, int count)
{
    for (int i = 0; i < count; ++i) {
        release(at, 8 + i % 40);
    }
}

/* ---- a gap of hundreds of instructions ---- */

static NOINLINE void waits(volatile word *at, word value)
{
    at[0] = value;
    volatile word slow = value;
    FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW FEW
    at[1] = slow; /* the mark of at[0] is for this one too */
}

static word gap(int times)
{
    word *at = block(64 * times);
    for (int i = 0; i < times; ++i) {
        waits(at + 8 * i, mix(i, i));
    }
    return folded(at, 8 * times);
}

/* ---- a handler that runs in a gap, and releases ---- */

static volatile word *guarded; /* a page without access, until the handler opens it */

static void opened(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info, (void)context;
    releases(counted, 12);
    if (mprotect((void *)guarded, 4096, PROT_READ | PROT_WRITE) != 0) {
        _exit(3);
    }
    releases(counted, 12);
}

static NOINLINE void interrupted(volatile word *at, word value)
{
    at[0] = value;
    volatile word slow = value;
    FEW FEW
    word found = *guarded; /* the handler runs here */
    FEW FEW FEW
    at[1] = found + slow;
}

static word fault(int times)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = opened;
    action.sa_flags = SA_SIGINFO;
    unsigned long stepped = __builtin_ia32_readeflags_u64(); /* sigaction blocks every signal for a moment, and a trap that is blocked kills */
    __builtin_ia32_writeeflags_u64(stepped & ~0x100ul);
    sigaction(SIGSEGV, &action, NULL);
    __builtin_ia32_writeeflags_u64(stepped);
    counted = block(256);
    word *at = block(64 * times);
    guarded = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (int i = 0; i < times; ++i) {
        mprotect((void *)guarded, 4096, PROT_NONE);
        interrupted(at + 8 * i, i + 1);
    }
    return mix(folded(at, 8 * times), folded(counted, 16));
}

/* ---- libc's writers, into the heap ---- */

static int compared(const void *a, const void *b)
{
    word x = *(const word *)a, y = *(const word *)b;
    releases(counted, 2); /* while qsort's window is open */
    return (x > y) - (x < y);
}

static word sorting(int times)
{
    word h = 0, *numbers = block(64 * 8);
    counted = block(256);
    for (int i = 0; i < times; ++i) {
        for (word j = 0; j < 9; ++j) {
            numbers[8 * (i % 7) + j % 64] = mix(j, i);
        }
        qsort(numbers + 8 * (i % 7), 8, sizeof *numbers, compared);
        h = mix(h, numbers[5]);
    }
    return mix(h, folded(numbers, 64) + counted[0]);
}

static word copies(int times)
{
    char *text = block(4096);
    for (int i = 0; i < times; ++i) {
        text[i % 50] = (char)i;
        memmove(text + 700 + i, text + i % 30, (size_t)(40 + i % 100));
        memcpy(text + 1500 + i, text + 700, (size_t)(1 + i * 7 % 300));
        snprintf(text + 3000 + i, 60, "%d of %s", i, "libc");
    }
    return folded((word *)(void *)text, 512);
}

static word reading(int times)
{
    char *text = block(4096);
    for (int i = 0; i < times; ++i) {
        int fd = open("/etc/passwd", O_RDONLY);
        if (fd < 0 || read(fd, text + 256 * (i % 12), 100) != 100) {
            abort();
        }
        close(fd);
    }
    return folded((word *)(void *)text, 512);
}

static word given(int times)
{
    char *buffer = block(4096);
    FILE *file = fopen("/dev/null", "w");
    if (file == NULL || setvbuf(file, buffer, _IOFBF, 4096) != 0) {
        abort();
    }
    for (int i = 0; i < times; ++i) {
        fprintf(file, "%d and so on", i);
    }
    fclose(file);
    return folded((word *)(void *)buffer, 512);
}

/* ---- memory that changes without a store ---- */

static word dropped(int times)
{
    word h = 0;
    size_t bytes = 256 << 10;
    counted = block(256);
    for (int i = 0; i < times; ++i) {
        word *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        void *neighbour = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0); /* or mremap would not have to move it */
        h = mix(h, at[512] + at[1024]);
        for (int j = 0; j < 2048; j += 64) {
            at[j] = h + j;
        }
        releases(counted, 40);
        madvise(at, 4096, MADV_DONTNEED);
        h = mix(h, at[64] + at[576]);
        releases(counted, 40);
        at = mremap(at, bytes, 2 * bytes, MREMAP_MAYMOVE);
        releases(counted, 40);
        at[1] = h;
        h = mix(h, at[1024]);
        munmap(neighbour, bytes);
        at[4096] = h;
        releases(counted, 40);
        munmap(at, 2 * bytes);
        at = mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        h = mix(h, at[4096]);
        at[1] = h;
        munmap(at, 2 * bytes);
    }
    return h;
}

/* ---- a deep stack ---- */

#define FRAME 2000 /* words */
static word *frames[100];

static NOINLINE word deep(int depth, int times)
{
    word frame[FRAME];
    frames[depth] = frame;
    for (int i = 0; i < FRAME; i += 400) {
        frame[i] = mix(i, depth);
    }
    if (depth < 90) {
        return mix(deep(depth + 1, times), frame[800]);
    }
    for (int round = 0; round < times; ++round) {
        for (int i = 0; i < 90; ++i) {
            for (int j = 0; j < FRAME; j += 400) {
                frames[i][j] += round + 1;
            }
        }
    }
    return frame[0];
}

static word stack(int times) { return deep(0, times); }

/* A leaf keeps what it computes below the stack pointer. */
static NOINLINE word leaf(word h)
{
    volatile word kept[12];
    for (int i = 0; i < 12; ++i) {
        kept[i] = mix(h, i);
    }
    for (int i = 0; i < 40; ++i) {
        h = mix(h, kept[i % 12]);
    }
    return h;
}

static word leaves(int times)
{
    word h = 1;
    for (int i = 0; i < times; ++i) {
        h = leaf(h);
    }
    return h;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        word (*run)(int times);
        int times;
    } parts[] = {{"gap", gap, 20}, {"fault", fault, 3}, {"sorting", sorting, 60}, {"copies", copies, 10}, {"reading", reading, 10}, {"given", given, 10},
                 {"dropped", dropped, 2}, {"strips", strips, 1}, {"hoisted", hoisted, 1}, {"calls", calls, 10}, {"stack", stack, 8}, {"leaves", leaves, 20}};
    for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; ++i) {
        if (argc > 1 && strcmp(argv[1], parts[i].name) == 0) {
            printf("%016lx\n", parts[i].run(argc > 2 ? atoi(argv[2]) : parts[i].times));
            return 0;
        }
    }
    fprintf(stderr, "moments: which part?\n");
    return 2;
}
