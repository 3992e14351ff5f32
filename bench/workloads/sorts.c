/* sorts.c - a small array in the heap is sorted again and again by recursion: sorts SORTS [EVERY]
 *
 * The original's Quicksort: 10,000 numbers of 4 bytes, 10 times; the stack has the frames and nothing else. EVERY: partitions between two checkpoints, 0: none.
 */
#include "operations.h"

#define COUNT 10000

static __attribute__((noinline)) size_t partition(uint32_t *at, size_t count)
{
    uint32_t pivot = at[(count - 1) / 2];
    size_t left = 0, right = count - 1;
    for (;; ++left, --right) {
        while (at[left] < pivot) {
            ++left;
        }
        while (at[right] > pivot) {
            --right;
        }
        if (left >= right) {
            return right + 1;
        }
        uint32_t swapped = at[left];
        at[left] = at[right];
        at[right] = swapped;
    }
}

static __attribute__((noinline)) uint64_t sort(uint32_t *at, size_t count)
{
    if (count < 2) {
        return 0;
    }
    size_t middle = partition(at, count);
    operations_done(1);
    return sort(at, middle) + 1 + sort(at + middle, count - middle);
}

int main(int argc, char **argv)
{
    uint64_t sorts = argument(argc, argv, 1, 0), partitions = 0, checksum = 0;
    operations_every = argument(argc, argv, 2, 0);
    uint32_t *at = malloc(COUNT * sizeof *at);
    if (at == NULL) {
        return 1;
    }
    for (uint64_t i = 0; i < sorts; ++i) {
        for (size_t j = 0; j < COUNT; ++j) {
            at[j] = next_random() << 16 | next_random();
        }
        partitions += sort(at, COUNT);
        for (size_t j = 0; j < COUNT; ++j) {
            checksum = checksum * 31 + at[j];
            if (j > 0 && at[j - 1] > at[j]) {
                puts("sorts: not sorted");
                return 1;
            }
        }
    }
    printf("sorts: %llu partitions, %016llx\n", (unsigned long long)partitions, (unsigned long long)checksum);
    return 0;
}
