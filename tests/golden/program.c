/* program.c - what the golden pools are of: some state of every kind, small and easy to compress. No header of the project's: each version's library runs it.
 *
 * Usage: program PAGES ROUNDS: so many pages of large memory with content; 0 rounds: it never comes to its end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096ul

static uint64_t counted = 1;
static char text[200] = "data of the program";

static uint64_t deep(uint64_t value, int depth)
{
    volatile uint64_t frame[6] = {value, value + 1, (uint64_t)depth, 4, 5, 6};
    return depth == 0 ? frame[1] : deep(frame[0] * 3 + counted, depth - 1) + frame[3];
}

int main(int argc, char **argv)
{
    uint64_t pages = argc > 2 ? strtoul(argv[1], NULL, 10) : 24, rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    uint8_t *large = mmap(NULL, 2 * pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    char *small = malloc(500);
    FILE *file = fopen("written", "w");
    if (large == MAP_FAILED || small == NULL || file == NULL) {
        return 1;
    }
    for (uint64_t i = 0; i < pages; i++) {
        memset(large + 2 * i * PAGE, (int)(1 + i % 250), PAGE);
    }
    strcpy(small, "a block of the heap");
    fprintf(file, "a line of a file\n");
    fflush(file);
    for (uint64_t round = 0; rounds == 0 || round < rounds; round++) { /* lines of one page after the other; now and then a page becomes zero */
        uint8_t *page = large + 2 * (round % pages) * PAGE;
        memcpy(page + round * 640 % PAGE, &round, sizeof round);
        if (round % 16 == 15) {
            memset(page, 0, PAGE);
        }
        counted += deep(round, 40);
        snprintf(text, sizeof text, "round %lu of the program, %lu so far", (unsigned long)round, (unsigned long)counted);
        small[round % 400 + 50] = (char)('a' + round % 26);
    }
    return 0;
}
