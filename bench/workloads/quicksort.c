/* quicksort.c - quicksort of integers in the heap: quicksort COUNT
 *
 * Median of three, insertion sort below 16, recursion into the smaller part. Four inputs: random, few values, rising with noise, falling.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static void swap(int32_t *a, int32_t *b)
{
    int32_t kept = *a;
    *a = *b;
    *b = kept;
}

static void insertion_sort(int32_t *at, size_t count)
{
    for (size_t i = 1; i < count; ++i) {
        int32_t value = at[i];
        size_t j = i;
        for (; j > 0 && at[j - 1] > value; --j) {
            at[j] = at[j - 1];
        }
        at[j] = value;
    }
}

static void quicksort(int32_t *at, size_t count)
{
    while (count > 16) {
        size_t middle = count / 2, low = 0, high = count - 1;
        if (at[middle] < at[0]) swap(&at[middle], &at[0]);
        if (at[high] < at[0]) swap(&at[high], &at[0]);
        if (at[high] < at[middle]) swap(&at[high], &at[middle]);
        int32_t pivot = at[middle];
        for (;;) { /* Hoare: what lies in [0, low) is at most pivot, what lies in (high, count) at least */
            while (at[low] < pivot) ++low;
            while (at[high] > pivot) --high;
            if (low >= high) {
                break;
            }
            swap(&at[low++], &at[high--]);
        }
        size_t left = high + 1;
        if (left <= count - left) {
            quicksort(at, left);
            at += left;
            count -= left;
        } else {
            quicksort(at + left, count - left);
            count = left;
        }
    }
    insertion_sort(at, count);
}

static int32_t make_value(int kind, size_t i, size_t count)
{
    static uint64_t state = 7;
    state = state * 6364136223846793005U + 1442695040888963407U;
    int32_t random = (int32_t)(state >> 33);
    switch (kind) {
    case 0: return random;
    case 1: return random % 100;
    case 2: return (int32_t)i + random % 1000;
    default: return (int32_t)(count - i);
    }
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)atoll(argv[1]) : 0;
    int32_t *at = malloc((count + 1) * sizeof *at);
    if (at == NULL || count == 0) {
        return 2;
    }
    for (int kind = 0; kind < 4; ++kind) {
        uint64_t before = 0, after = 0, checksum = 0;
        for (size_t i = 0; i < count; ++i) {
            at[i] = make_value(kind, i, count);
            before += (uint32_t)at[i] * 2654435761U;
        }
        quicksort(at, count);
        for (size_t i = 0; i < count; ++i) {
            after += (uint32_t)at[i] * 2654435761U;
            checksum = checksum * 31 + (uint32_t)at[i];
            if (i > 0 && at[i - 1] > at[i]) {
                printf("not sorted at %zu\n", i);
                return 1;
            }
        }
        printf("kind %d: %016llx%s\n", kind, (unsigned long long)checksum, before == after ? "" : ", values were lost");
    }
    return 0;
}
