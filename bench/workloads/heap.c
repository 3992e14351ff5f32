/* heap.c - a large heap of which little changes: heap MB LINES ROUNDS scattered|clustered [TIMES [GO-ON]]
 *
 * A heap of MB megabytes, written once. Each round changes LINES of its 64-byte lines: drawn at random (scattered), or in runs of 64 pages (clustered). A checkpoint after
 * each; what it took, by the clock and of processor time in nanoseconds, goes to the file TIMES, a line each.
 *
 * With GO-ON the last checkpoint is where a restore is measured: behind it the program says what the clock shows (on standard output, by a call that the runtime
 * does not see, so that no checkpoint comes before it) and dies. Started again it resumes there and does the same, until the file GO-ON is there: then it makes the
 * rounds once more, and ends. Run it without a timer (interval=1000s).
 */
#include "operations.h"
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define LINE_WORDS 8
#define RUN_LINES (64 * 64)

static uint64_t *heap, lines, state = 88172645463325252ull, number;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void change(uint64_t count, int clustered)
{
    uint64_t at = 0;
    for (uint64_t i = 0; i < count; ++i) {
        at = clustered && i % RUN_LINES != 0 ? (at + 1) % lines : draw() % lines;
        heap[at * LINE_WORDS + i % LINE_WORDS] += ++number;
    }
}

static uint64_t now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* A system call that writes no memory. `read`: what it reads. */
static long unseen(long call, long a, const void *read, long b)
{
    long result;
    __asm__ volatile("syscall" : "=a"(result) : "a"(call), "D"(a), "S"(read), "d"(b), "m"(*(const char(*)[8])read) : "rcx", "r11");
    return result;
}

static void rounds(uint64_t changed, uint64_t count, int clustered, uint64_t (*times)[2])
{
    for (uint64_t round = 0; round < count; ++round) {
        change(changed, clustered);
        uint64_t cpu = now(CLOCK_PROCESS_CPUTIME_ID), wall = now(CLOCK_MONOTONIC);
        operations_done(1);
        times[round][0] = now(CLOCK_MONOTONIC) - wall;
        times[round][1] = now(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    }
}

static void write_times(const char *path, uint64_t count, uint64_t (*times)[2])
{
    FILE *file = fopen(path, "w");
    for (uint64_t round = 0; file != NULL && round < count; ++round) {
        fprintf(file, "%llu %llu\n", (unsigned long long)times[round][0], (unsigned long long)times[round][1]);
    }
    if (file == NULL || fclose(file) != 0) {
        exit(3);
    }
}

int main(int argc, char **argv)
{
    uint64_t megabytes = argument(argc, argv, 1, 0), changed = argument(argc, argv, 2, 0), count = argument(argc, argv, 3, 0);
    if (argc < 5 || megabytes == 0 || count == 0) {
        return 2;
    }
    int clustered = strcmp(argv[4], "clustered") == 0;
    operations_every = 1;
    lines = (megabytes << 20) / 64;
    heap = malloc(megabytes << 20);
    uint64_t(*times)[2] = calloc(count, sizeof *times);
    if (heap == NULL || times == NULL) {
        return 3;
    }
    for (uint64_t i = 0; i < lines; ++i) {
        heap[i * LINE_WORDS] = i + 1;
    }
    operations_done(1);
    rounds(changed, count, clustered, times);
    if (argc > 6) {
        if (prosper_checkpoint && prosper_checkpoint() < 0) {
            return 4; /* nothing could be resumed here */
        }
        uint64_t at = now(CLOCK_MONOTONIC); /* here a resumed program goes on */
        unseen(SYS_write, 1, &at, sizeof at);
        if (access(argv[6], F_OK) != 0) {
            kill(getpid(), SIGKILL);
        }
        rounds(changed, count, clustered, times);
    }
    if (argc > 5) {
        write_times(argv[5], count, times);
    }
    uint64_t sum = 0;
    for (uint64_t i = 0; i < lines; i += 64) {
        sum = sum * 31 + heap[i * LINE_WORDS];
    }
    printf("heap: %016llx\n", (unsigned long long)sum);
    return 0;
}
