/* shrinking.c - memory that grows and shrinks, by every way that there is: shrinking work MB ROUNDS | shrinking account MB | shrinking realloc MB | shrinking resumed MB
 *
 *   work      blocks of malloc, posix_memalign and calloc come and go, a block is reallocated from 1 KB to MB and back, mappings are given up by
 *             madvise and moved by mremap, malloc_trim is called; every content is looked at again. For the kill loop
 *   account   fills MB, frees all but a little, fills anew, and says after each what the process has of it; then it waits for a line, while the pool can be looked at
 *   resumed   fills MB, takes a checkpoint and dies behind it; resumed it changes some blocks, takes checkpoints and looks at all of them
 *   realloc   one block, doubled up to MB, and its halves again
 */
#include "../programs-small/check.h"
#include <malloc.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

int prosper_checkpoint(void) __attribute__((weak));

#define MEGA (1ul << 20)
#define BLOCKS_MAX 65536

struct block {
    uint64_t *words;
    size_t count;
    uint64_t seed;
};

static struct block blocks[BLOCKS_MAX];
static unsigned block_count;
static uint64_t state = 88172645463325252ull, sum;

static uint64_t draw(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

static void fill(uint64_t *words, size_t from, size_t to, uint64_t seed)
{
    for (size_t i = from; i < to; ++i) {
        words[i] = seed + i * 0x9e3779b97f4a7c15ull;
    }
}

static void look(const uint64_t *words, size_t count, uint64_t seed)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; ++i) {
        wrong += words[i] != seed + i * 0x9e3779b97f4a7c15ull;
    }
    CHECK_EQUAL(wrong, 0);
    sum = sum * 31 + seed;
}

static void grow(size_t bytes)
{
    for (size_t have = 0; have < bytes && block_count < BLOCKS_MAX;) {
        struct block *block = &blocks[block_count];
        size_t size = draw() % 8 == 0 ? 1 + draw() % MEGA : 8 + draw() % 16384;
        void *found = NULL;
        switch (draw() % 3) {
        case 0: found = malloc(size); break;
        case 1: found = calloc(1, size); break;
        default: CHECK(posix_memalign(&found, 64ul << draw() % 7, size) == 0); break;
        }
        CHECK(found != NULL);
        *block = (struct block){found, size / 8, draw()};
        fill(block->words, 0, block->count, block->seed);
        have += size;
        ++block_count;
    }
}

/* All but every `keep`-th, in random order. */
static void shrink(unsigned keep)
{
    unsigned left = 0;
    for (unsigned i = 0; i < block_count; ++i) {
        unsigned other = i + (unsigned)(draw() % (block_count - i));
        struct block block = blocks[other];
        blocks[other] = blocks[i];
        look(block.words, block.count, block.seed);
        if (i % keep == 0) {
            blocks[left++] = block;
        } else {
            free(block.words);
        }
    }
    block_count = left;
}

static void reallocate(size_t most)
{
    size_t size = 1024;
    uint64_t *words = malloc(size), seed = draw();
    fill(words, 0, size / 8, seed);
    for (; size < most; size *= 2) {
        words = realloc(words, size * 2);
        CHECK(words != NULL);
        fill(words, size / 8, size / 4, seed);
    }
    look(words, size / 8, seed);
    for (; size > 1024; size /= 2) {
        words = realloc(words, size / 2);
        CHECK(words != NULL);
    }
    look(words, size / 8, seed);
    free(words);
}

static void *map(size_t bytes)
{
    void *found = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(found != MAP_FAILED);
    return found;
}

static void mappings(size_t bytes)
{
    uint64_t seed = draw(), *words = map(bytes);
    fill(words, 0, bytes / 8, seed);
    CHECK(madvise(words + bytes / 16, bytes / 2, MADV_DONTNEED) == 0);
    size_t wrong = 0;
    for (size_t i = bytes / 16; i < bytes / 16 + bytes / 16; ++i) {
        wrong += words[i] != 0;
    }
    CHECK_EQUAL(wrong, 0);
    look(words, bytes / 16, seed);
    uint64_t *moved = mremap(words, bytes, 2 * bytes, MREMAP_MAYMOVE);
    CHECK(moved != MAP_FAILED);
    look(moved, bytes / 16, seed);
    fill(moved, bytes / 8, bytes / 4, seed);
    uint64_t *elsewhere = map(2 * bytes);
    CHECK(mremap(moved, 2 * bytes, 2 * bytes, MREMAP_MAYMOVE | MREMAP_FIXED, elsewhere) == elsewhere);
    look(elsewhere, bytes / 16, seed);
    CHECK(mremap(elsewhere, 2 * bytes, bytes / 16 * 8, 0) == elsewhere);
    look(elsewhere, bytes / 16, seed);
    CHECK(munmap(elsewhere, bytes / 16 * 8) == 0);
}

static int work(size_t megabytes, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; ++round) {
        grow(megabytes * MEGA / 2);
        reallocate(megabytes * MEGA / 4);
        shrink(8);
        CHECK(malloc_trim(0) >= 0);
        mappings((megabytes / 4 + 1) * MEGA);
        printf("round %u: %016llx\n", round, (unsigned long long)sum);
        fflush(stdout);
    }
    shrink(BLOCKS_MAX);
    return check_end("shrinking");
}

/* ---- what it costs ---- */

/* Says what the process has of it, and waits until somebody has looked at the pool. */
static void account(const char *when)
{
    for (unsigned i = 0; i < 3; ++i) { /* what an epoch dropped is free after its commit */
        CHECK(prosper_checkpoint != NULL && prosper_checkpoint() >= 0);
    }
    unsigned long whole = 0, resident = 0, shared = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    CHECK(file != NULL && fscanf(file, "%lu %lu %lu", &whole, &resident, &shared) == 3);
    fclose(file);
    printf("%s: resident %lu\n", when, resident - shared);
    fflush(stdout);
    CHECK(getchar() == '\n');
}

static int accounts(size_t megabytes)
{
    account("before");
    grow(megabytes * MEGA);
    account("grown");
    shrink(64);
    CHECK(malloc_trim(0) >= 0);
    account("shrunk");
    grow(megabytes * MEGA);
    account("again");
    shrink(BLOCKS_MAX);
    uint64_t *words = map(megabytes * MEGA);
    fill(words, 0, megabytes * MEGA / 8, 1);
    account("mapped");
    CHECK(madvise(words, megabytes * MEGA, MADV_DONTNEED) == 0);
    account("given up");
    CHECK(munmap(words, megabytes * MEGA) == 0);
    return check_end("shrinking");
}

static int resumed(size_t megabytes)
{
    grow(megabytes * MEGA);
    int again = prosper_checkpoint != NULL ? prosper_checkpoint() : -1;
    if (again == 0) {
        kill(getpid(), SIGKILL);
    }
    CHECK_EQUAL(again, 1);
    for (unsigned i = 0; i < 10; ++i) {
        struct block *block = &blocks[draw() % block_count];
        block->seed = draw();
        fill(block->words, 0, block->count, block->seed);
        CHECK(prosper_checkpoint() == 0);
    }
    shrink(BLOCKS_MAX);
    return check_end("shrinking");
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    size_t megabytes = strtoul(argv[2], NULL, 10);
    if (strcmp(argv[1], "work") == 0 && argc > 3) {
        return work(megabytes, (unsigned)atoi(argv[3]));
    }
    if (strcmp(argv[1], "account") == 0) {
        return accounts(megabytes);
    }
    if (strcmp(argv[1], "resumed") == 0) {
        return resumed(megabytes);
    }
    if (strcmp(argv[1], "realloc") == 0) {
        reallocate(megabytes * MEGA);
        return check_end("shrinking");
    }
    return 2;
}
