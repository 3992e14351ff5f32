/* graph.h - a graph as kronecker.c writes it: neighbours of v are target[first[v]] … target[first[v + 1] - 1]. */
#ifndef BENCH_GRAPH_H
#define BENCH_GRAPH_H
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define GRAPH_MAGIC 0x31677262U

struct graph {
    uint32_t vertices, edges;
    uint32_t *first, *target, *weight;
};

static inline void *allocate(size_t count)
{
    void *memory = calloc(count, sizeof(uint32_t));
    if (memory == NULL) {
        fputs("out of memory\n", stderr);
        exit(1);
    }
    return memory;
}

static inline uint32_t *read_words(FILE *file, size_t count)
{
    uint32_t *words = allocate(count);
    if (fread(words, sizeof *words, count, file) != count) {
        fputs("the graph is cut off\n", stderr);
        exit(1);
    }
    return words;
}

static inline struct graph graph_read(const char *path)
{
    uint32_t head[3];
    FILE *file = fopen(path, "rb");
    if (file == NULL || fread(head, sizeof head, 1, file) != 1 || head[0] != GRAPH_MAGIC) {
        fprintf(stderr, "%s: no graph\n", path);
        exit(1);
    }
    struct graph graph = {.vertices = head[1], .edges = head[2]};
    graph.first = read_words(file, graph.vertices + 1);
    graph.target = read_words(file, graph.edges);
    graph.weight = read_words(file, graph.edges);
    fclose(file);
    return graph;
}
#endif
