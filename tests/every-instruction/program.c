/* program.c - what is single-stepped: recursion with pointers into callers' frames, heap, globals, floating point, AVX, a string function of libc.
 * Short, because each of its instructions gets a checkpoint; deterministic output. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    for (const struct node *node = list; node != NULL; node = node->next) {
        printf("%.3f %s\n", node->weight, node->name);
    }
    printf("%d %d %.9f %d\n", hash, value, sum, table[3]);
    return 0;
}
