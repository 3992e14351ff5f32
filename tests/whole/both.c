/* both.c - a program that changes stack and heap at the same time, in each of the ways that savers of pages and lines tell apart, and prints a line for each round.
 *
 *   heap   pages written at each round and pages written seldom; a word in a page, and a page whole; written with what was there; written and put back; zeroed; blocks
 *          given back and asked for anew; memory that is dropped and comes again as zeros
 *   stack  shallow and more than 1 MB deep frames, of which the deep ones change seldom; frames that end and come again with other content
 *
 * Usage: both ROUNDS. The same output in every run.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 4096u
#define PAGES 1500u
#define HOT 24u
#define BLOCKS 32u

static uint64_t state = 88172645463325252ull;

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t sum(uint64_t sum, const void *bytes, size_t count)
{
    const uint64_t *words = bytes;
    for (size_t i = 0; i < count / 8; ++i) {
        sum = sum * 31 + words[i];
    }
    return sum;
}

static uint8_t *pages, *dropped, *blocks[BLOCKS];
static size_t block_bytes[BLOCKS];

static void change_heap(void)
{
    for (unsigned i = 0; i < HOT; ++i) { /* at each round; a line or all */
        uint8_t *page = pages + i * PAGE;
        memset(page, (int)(next() & 255), i % 8 == 0 ? PAGE : 40);
    }
    for (unsigned i = 0; i < 40; ++i) {
        uint8_t *page = pages + (HOT + next() % (PAGES - HOT)) * PAGE;
        volatile uint64_t *word = (volatile uint64_t *)(page + next() % (PAGE / 8) * 8);
        uint64_t old = *word;
        switch (next() % 6) {
        case 0: memset(page, 0, PAGE); break;
        case 1: memset(page, (int)(next() & 255), PAGE); break;
        case 2: *word = old; break;
        case 3:
            *word = ~old;
            *word = old;
            break;
        default: *word = next(); break;
        }
    }
    unsigned block = (unsigned)(next() % BLOCKS);
    free(blocks[block]);
    block_bytes[block] = 4096 + next() % 200000 / 8 * 8;
    blocks[block] = calloc(1, block_bytes[block]);
    if (blocks[block] == NULL) {
        exit(1);
    }
    memset(blocks[block], (int)(next() & 255), block_bytes[block] / 2);
    memset(dropped + next() % 60 * PAGE, (int)(next() & 255), 3 * PAGE);
    if (next() % 3 == 0 && madvise(dropped + next() % 32 * PAGE, 16 * PAGE, MADV_DONTNEED) != 0) {
        exit(1);
    }
}

static uint64_t sum_heap(void)
{
    uint64_t all = sum(sum(1, pages, PAGES * PAGE), dropped, 64 * PAGE);
    for (unsigned i = 0; i < BLOCKS; ++i) {
        all = sum(all, blocks[i], block_bytes[i]);
    }
    return all;
}

/* A frame of 16 KB that changes before and after the ones below it. */
static uint64_t descend(unsigned depth)
{
    volatile uint64_t frame[2048];
    for (unsigned i = 0; i < 2048; i += 1 + depth % 3 * 50) {
        frame[i] = depth * 1000003u + i;
    }
    frame[0] = next();
    uint64_t below = depth > 0 ? descend(depth - 1) : (change_heap(), 0);
    frame[2047] = below ^ frame[0];
    return frame[2047] * 31 + frame[0];
}

static void rounds(unsigned count)
{
    uint64_t kept[8192]; /* in the deep part of the stack while the rounds are at work */
    memset(kept, 1, sizeof kept);
    for (unsigned i = 0; i < count; ++i) {
        kept[next() % 8192] = next();
        unsigned depth = i % 16 == 0 ? 90 : (unsigned)(next() % 12);
        uint64_t stack = descend(depth);
        if (i % 8 == 0) {
            printf("%u %016llx %016llx %016llx\n", i, (unsigned long long)stack, (unsigned long long)sum(1, kept, sizeof kept), (unsigned long long)sum_heap());
            fflush(stdout);
        }
    }
}

int main(int argc, char **argv)
{
    pages = malloc(PAGES * PAGE);
    dropped = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (argc < 2 || pages == NULL || dropped == MAP_FAILED) {
        return 2;
    }
    memset(pages, 7, PAGES * PAGE);
    rounds((unsigned)atoi(argv[1]));
    return 0;
}
