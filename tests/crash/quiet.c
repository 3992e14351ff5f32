/* quiet.c - a victim that makes hardly a system call of its own, so that a fault put into one by its number is one of the runtime's.
 *
 * Usage: quiet ROUNDS [MEGABYTES [thread]]    so much large memory, 4 when not given; a round takes some ten microseconds; status 0, or 99 when a call of its own has failed
 * thread: it ends its only thread by the system call exit, and not the process.
 * Its own calls: it opens the file "out" and writes a line to it, and maps large memory; in the end it writes a line to "out" and one to standard output. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define OWN_CALL_FAILED 99
#define MEGABYTE_WORDS (1u << 17)

static uint64_t global = 1, table[2048];

static void put(int fd, const char *text)
{
    if (write(fd, text, strlen(text)) != (ssize_t)strlen(text))
        _exit(OWN_CALL_FAILED);
}

static uint64_t step(uint64_t value, int depth)
{
    volatile uint64_t frame[6] = {value, value >> 5};
    uint64_t sum = depth > 0 ? step(frame[0] * 6364136223846793005u + (uint64_t)depth, depth - 1) : 1;
    return sum * 31 + frame[1];
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 0;
    uint64_t words = (argc > 2 ? strtoul(argv[2], NULL, 10) : 4) * MEGABYTE_WORDS;
    int file = open("out", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    uint64_t *large = mmap(NULL, words * sizeof *large, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char text[64];
    if (file < 0 || large == MAP_FAILED)
        return OWN_CALL_FAILED;
    put(file, "begin\n");
    for (int round = 0; round < rounds; ++round) {
        for (int i = 0; i < 60; ++i) {
            global += step(global ^ (uint64_t)i, 10);
            table[global % 2048] += global;
            large[(global >> 16) % words / 64 * 64] ^= global;
        }
    }
    uint64_t sum = global;
    for (uint64_t i = 0; i < words; ++i)
        sum = sum * 3 + large[i] + table[i % 2048];
    snprintf(text, sizeof text, "end %016" PRIx64 "\n", sum);
    put(file, text);
    put(1, text);
    if (argc > 3)
        syscall(SYS_exit, 0);
    return 0;
}
