/* Memory that comes and goes: what was unmapped and mapped again is zero, what was given up is zero or as it was, what was moved keeps its content; and a
 * program that maps and unmaps large ranges for ever does not run out of addresses. */
#include "check.h"
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define MEGA (1ul << 20)
#define SLOTS 24

static struct slot {
    uint64_t *words; /* each holds seed + its number, or nothing does */
    size_t bytes;
    uint64_t seed;
} slots[SLOTS];

static uint64_t state = 88172645463325252u;
static uint64_t next(void)
{
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    return state;
}

/* One word in each 2 KB. */
static void fill(struct slot *slot, size_t from)
{
    for (size_t at = from / 8; at < slot->bytes / 8; at += 256) {
        slot->words[at] = slot->seed + at;
    }
}

static void verify(const struct slot *slot)
{
    size_t wrong = 0;
    for (size_t at = 0; at < slot->bytes / 8; at += 256) {
        wrong += slot->words[at] != (slot->seed == 0 ? 0 : slot->seed + at);
    }
    CHECK_EQUAL(wrong, 0);
}

static void *map(size_t bytes)
{
    void *found = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(found != MAP_FAILED);
    return found;
}

static void step(void)
{
    struct slot *slot = &slots[next() % SLOTS];
    if (slot->words == NULL) {
        *slot = (struct slot){NULL, (next() % 32 + 1) * 65536, 0};
        slot->words = map(slot->bytes);
        verify(slot); /* zero, whatever stood there before */
        slot->seed = next() | 1;
        fill(slot, 0);
        return;
    }
    verify(slot);
    size_t old = slot->bytes;
    switch (next() % 6) {
    case 0:
        CHECK_EQUAL(munmap(slot->words, slot->bytes), 0);
        slot->words = NULL;
        break;
    case 1:
        CHECK_EQUAL(madvise(slot->words, slot->bytes, MADV_DONTNEED), 0);
        slot->seed = 0;
        verify(slot);
        break;
    case 2:
        CHECK_EQUAL(madvise(slot->words, slot->bytes, MADV_FREE), 0);
        slot->seed = next() | 1;
        fill(slot, 0); /* what is written after it stays */
        verify(slot);
        break;
    case 3:
        slot->bytes = (next() % 32 + 1) * 65536;
        slot->words = mremap(slot->words, old, slot->bytes, MREMAP_MAYMOVE);
        CHECK(slot->words != MAP_FAILED);
        if (slot->bytes > old && slot->seed != 0) {
            fill(slot, old);
        }
        verify(slot);
        break;
    case 4: { /* another mapping in the same place */
        void *again = mmap(slot->words, slot->bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
        CHECK(again == slot->words);
        slot->seed = 0;
        verify(slot);
        break;
    }
    default:
        CHECK_EQUAL(mprotect(slot->words, slot->bytes, PROT_READ), 0);
        verify(slot);
        CHECK_EQUAL(mprotect(slot->words, slot->bytes, PROT_READ | PROT_WRITE), 0);
        slot->seed = next() | 1;
        fill(slot, 0);
        break;
    }
}

/* Written between two checkpoints and hidden or closed again: the list of mappings looks the same. */
static const char constants[3 * 4096] = "read-only since the start";

static void behind_the_list(void)
{
    FILE *file = fopen("mapped", "w");
    CHECK(file != NULL && fwrite(constants, sizeof constants, 1, file) == 1 && fclose(file) == 0);
    int fd = open("mapped", O_RDONLY);
    char *mapped = mmap(NULL, sizeof constants, PROT_READ, MAP_PRIVATE, fd, 0);
    CHECK(mapped != MAP_FAILED && close(fd) == 0);
    char *hidden = mmap(NULL, sizeof constants, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(hidden != MAP_FAILED);
    char *constant = (char *)(((uintptr_t)constants + 4095) & ~4095ul);
    char *places[] = {mapped, hidden, constant};
    const size_t sizes[] = {sizeof constants, sizeof constants, 4096};
    const int before[] = {PROT_READ, PROT_NONE, PROT_READ};
    (void)check_spin(0.05);
    for (int i = 0; i < 3; ++i) {
        CHECK_EQUAL(mprotect(places[i], sizes[i], PROT_READ | PROT_WRITE), 0);
        memset(places[i], 'a' + i, 100);
        CHECK_EQUAL(mprotect(places[i], sizes[i], before[i]), 0);
    }
    (void)check_spin(0.3);
    CHECK_EQUAL(mprotect(hidden, 4096, PROT_READ), 0);
    for (int i = 0; i < 3; ++i) {
        CHECK(((volatile char *)places[i])[0] == 'a' + i && ((volatile char *)places[i])[99] == 'a' + i && ((volatile char *)places[i])[100] == 0);
    }
}

/* Locked into memory, as programs with deadlines do: the program's own, not what the runtime has reserved. */
static void locked(void)
{
    int result = mlockall(MCL_CURRENT);
    CHECK(result == 0 || errno == EPERM || errno == ENOMEM || errno == EAGAIN);
    CHECK_EQUAL(munlockall(), 0);
}

int main(void)
{
    locked();
    behind_the_list();
    void *kept[8] = {NULL};
    for (int i = 0; i < 1000; ++i) {
        step();
        for (int k = 0; k < 12; ++k) { /* 12,000 GB in all */
            char *large = mmap(NULL, 1024 * MEGA, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
            CHECK(large != MAP_FAILED);
            if (k == 0 && i % 8 == 0) {
                large[0] = 1;
            }
            int place = (i + k) % 8;
            if (kept[place] != NULL) {
                CHECK_EQUAL(munmap(kept[place], 1024 * MEGA), 0);
            }
            kept[place] = large;
        }
    }
    char *heap = sbrk(0);
    CHECK_EQUAL(brk(heap + 3 * MEGA), 0);
    memset(heap, 7, 3 * MEGA);
    (void)check_spin(0.02);
    CHECK(heap[0] == 7 && heap[3 * MEGA - 1] == 7);
    CHECK_EQUAL(brk(heap + MEGA), 0);
    CHECK_EQUAL(brk(heap + 3 * MEGA), 0);
    CHECK(heap[MEGA - 1] == 7 && heap[MEGA] == 0);
    printf("state %016llx\n", (unsigned long long)state);
    return check_end("mappings");
}
