/* program.c - what is single-stepped: recursion with pointers into callers' frames, heap, globals, floating point, AVX, functions of libc that write, loops over the heap,
 * memory that is dropped and used again.
 * Short, because each of its instructions gets a checkpoint; deterministic output. */
#define _GNU_SOURCE
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef int vector __attribute__((vector_size(32)));

struct node {
    struct node *next;
    double weight;
    char name[24];
};

static struct node *list;
static double sum;
static int table[32];

__attribute__((target("avx2"), noinline)) static int mix(int seed)
{
    vector lanes = {1, 2, 3, 4, 5, 6, 7, 8};
    for (int i = 0; i < 3; ++i) {
        lanes = lanes * seed + (vector){i, i, i, i, i, i, i, i};
    }
    return lanes[0] ^ lanes[3] ^ lanes[7];
}

__attribute__((noinline)) static int descend(int depth, int *above)
{
    int local[6];
    for (int i = 0; i < 6; ++i) {
        local[i] = *above + depth * i;
    }
    sum += sqrt((double)depth + 1.5) / (depth + 1);
    table[depth % 32] += local[depth % 6];
    if (depth == 0) {
        return *above;
    }
    int below = descend(depth - 1, &local[depth % 6]);
    *above += below & 3; /* a store into the caller's frame, through a pointer */
    return below + local[(depth + 1) % 6];
}

static void push(int number)
{
    struct node *node = malloc(sizeof *node);
    node->next = list;
    node->weight = sum * number;
    memset(node->name, 'a' + number % 26, sizeof node->name - 1);
    node->name[sizeof node->name - 1] = '\0';
    list = node;
}

/* Long loops and libc's writers, into blocks that move. */
__attribute__((noinline)) static unsigned long blocks(void)
{
    unsigned long total = 0, *numbers = malloc(40 * sizeof *numbers);
    for (unsigned long i = 0; i < 40; ++i) {
        numbers[i] = i * i;
    }
    numbers = realloc(numbers, 160 * sizeof *numbers);
    memcpy(numbers + 60, numbers, 40 * sizeof *numbers);
    memmove(numbers + 3, numbers, 90 * sizeof *numbers);
    char *text = (char *)(numbers + 100);
    total += (unsigned long)snprintf(text, 60, "%lu %s", numbers[50], "written by libc") + (unsigned long)text[3];
    for (unsigned long i = 0; i < 103; i += 2) {
        total = total * 3 + numbers[i];
    }
    free(numbers);
    return total;
}

/* A mapping whose pages become zero without a store: dropped, unmapped and mapped again, moved. */
__attribute__((noinline)) static long dropped(void)
{
    size_t bytes = 512 << 10;
    long *place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), total = 0;
    for (int i = 0; i < 8; ++i) {
        place[i * 64] = i + 1;
    }
    madvise(place, 4096, MADV_DONTNEED);
    place[1] = 7; /* the rest of the page is zero now, and no store says so */
    total += place[64] + place[1];
    place[128] = 3;
    munmap(place, bytes);
    place = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    total = total * 10 + place[128] + place[0];
    place[2] = 5;
    long *moved = mremap(place, bytes, 2 * bytes, MREMAP_MAYMOVE);
    total = total * 10 + moved[2] + moved[1];
    moved[3] = 9;
    total = total * 10 + moved[3];
    munmap(moved, 2 * bytes);
    return total;
}

int main(void)
{
    int value = 1, hash = __builtin_cpu_supports("avx2") ? mix(7) : 7;
    for (int round = 0; round < 3; ++round) {
        int result = descend(5 + round, &value);
        push(result);
        if (round == 1) {
            struct node *old = list->next;
            list->next = old->next;
            free(old);
        }
        hash = hash * 31 + result;
    }
    unsigned long copied = blocks();
    long zeros = dropped();
    printf("%lu %ld\n", copied, zeros);
    for (const struct node *node = list; node != NULL; node = node->next) {
        printf("%.3f %s\n", node->weight, node->name);
    }
    printf("%d %d %.9f %d\n", hash, value, sum, table[3]);
    return 0;
}
