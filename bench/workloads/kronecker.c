/* kronecker.c - makes the graph that pagerank.c and sssp.c read: kronecker SCALE EDGEFACTOR FILE
 *
 * R-MAT with the parameters of Graph500 (A = 0.57, B = 0.19, C = 0.19), 2^SCALE vertices, EDGEFACTOR edges a vertex, each in both directions;
 * labels are scrambled, so that neighbours in the numbering are not neighbours in the graph. Not measured: it runs once, before everything.
 *
 *   FILE   magic | vertices | edges | first[vertices + 1] | target[edges] | weight[edges]        all uint32, in the byte order of the machine
 */
#include "graph.h"

static uint64_t state = 0x9e3779b97f4a7c15U;

static uint64_t next_random(void) /* xorshift64* (Vigna) */
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1dU;
}

/* A bijection on scale bits: multiplications by odd numbers and shifts of the upper half onto the lower. */
static uint32_t scramble(uint32_t vertex, unsigned scale)
{
    uint32_t mask = (1U << scale) - 1;
    for (int round = 0; round < 3; ++round) {
        vertex = (vertex * 0x9e3779b1U) & mask;
        vertex ^= vertex >> (scale / 2);
    }
    return vertex;
}

static void make_edge(unsigned scale, uint32_t *from, uint32_t *to)
{
    uint32_t u = 0, v = 0;
    uint64_t bits = 0;
    for (unsigned level = 0; level < scale; ++level) {
        bits = level % 4 == 0 ? next_random() : bits >> 16;
        uint32_t at = bits & 0xffff; /* quarters end at 0.57, 0.76, 0.95 of 2^16 */
        u = u << 1 | (at >= 49807);
        v = v << 1 | ((at >= 37356 && at < 49807) || at >= 62259);
    }
    *from = scramble(u, scale);
    *to = scramble(v, scale);
}

int main(int argc, char **argv)
{
    unsigned scale = argc > 3 ? (unsigned)atoi(argv[1]) : 0;
    if (scale < 4 || scale > 26) {
        fputs("usage: kronecker SCALE EDGEFACTOR FILE\n", stderr);
        return 2;
    }
    uint32_t vertices = 1U << scale, pairs = vertices * (uint32_t)atoi(argv[2]), edges = 2 * pairs;
    uint32_t *from = allocate(pairs), *to = allocate(pairs), *first = allocate(vertices + 2), *target = allocate(edges), *weight = allocate(edges);
    for (uint32_t i = 0; i < pairs; ++i) {
        make_edge(scale, &from[i], &to[i]);
        ++first[from[i] + 2];
        ++first[to[i] + 2];
    }
    for (uint32_t v = 2; v <= vertices + 1; ++v) {
        first[v] += first[v - 1];
    }
    for (uint32_t i = 0; i < pairs; ++i) {
        uint32_t a = first[from[i] + 1]++, b = first[to[i] + 1]++;
        target[a] = to[i];
        target[b] = from[i];
        weight[a] = weight[b] = 1 + (uint32_t)(next_random() >> 56);
    }
    uint32_t head[3] = {GRAPH_MAGIC, vertices, edges};
    FILE *file = fopen(argv[3], "wb");
    if (file == NULL || fwrite(head, sizeof head, 1, file) != 1 || fwrite(first, 4, vertices + 1, file) != vertices + 1 ||
        fwrite(target, 4, edges, file) != edges || fwrite(weight, 4, edges, file) != edges || fclose(file) != 0) {
        perror(argv[3]);
        return 1;
    }
    return 0;
}
