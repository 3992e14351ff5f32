/* sssp.c - shortest paths from a few sources by Dijkstra's algorithm with a binary heap: sssp GRAPH SOURCES
 *
 * The heap holds (distance, vertex) as one 64-bit key, with lazy deletion: scattered reads and writes, branches that nobody predicts.
 */
#include "graph.h"

struct heap {
    uint64_t *at;
    size_t count;
};

static void heap_push(struct heap *heap, uint64_t key)
{
    size_t i = heap->count++;
    for (; i > 0 && heap->at[(i - 1) / 2] > key; i = (i - 1) / 2) {
        heap->at[i] = heap->at[(i - 1) / 2];
    }
    heap->at[i] = key;
}

static uint64_t heap_pop(struct heap *heap)
{
    uint64_t top = heap->at[0], key = heap->at[--heap->count];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < heap->count; i = child) {
        child += child + 1 < heap->count && heap->at[child + 1] < heap->at[child];
        if (heap->at[child] >= key) {
            break;
        }
        heap->at[i] = heap->at[child];
    }
    heap->at[i] = key;
    return top;
}

static uint32_t shortest_paths(const struct graph *graph, uint32_t source, uint32_t *distance, struct heap *heap)
{
    uint32_t reached = 0;
    for (uint32_t v = 0; v < graph->vertices; ++v) {
        distance[v] = UINT32_MAX;
    }
    distance[source] = 0;
    heap_push(heap, source);
    while (heap->count > 0) {
        uint64_t key = heap_pop(heap);
        uint32_t v = (uint32_t)key, far = (uint32_t)(key >> 32);
        if (far > distance[v]) {
            continue;
        }
        ++reached;
        for (uint32_t e = graph->first[v]; e < graph->first[v + 1]; ++e) {
            uint32_t to = graph->target[e], by = far + graph->weight[e];
            if (by < distance[to]) {
                distance[to] = by;
                heap_push(heap, (uint64_t)by << 32 | to);
            }
        }
    }
    return reached;
}

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    struct graph graph = graph_read(argv[1]);
    uint32_t *distance = malloc(graph.vertices * sizeof *distance);
    struct heap heap = {malloc((graph.edges + 1) * sizeof *heap.at), 0};
    if (distance == NULL || heap.at == NULL) {
        return 1;
    }
    uint32_t source = 1;
    for (int i = 0; i < atoi(argv[2]); ++i) {
        do {
            source = (source * 2654435761U + 1) % graph.vertices;
        } while (graph.first[source + 1] == graph.first[source]);
        uint32_t reached = shortest_paths(&graph, source, distance, &heap);
        uint64_t checksum = 0;
        for (uint32_t v = 0; v < graph.vertices; ++v) {
            checksum = checksum * 31 + distance[v];
        }
        printf("from %u: %u reached, %016llx\n", source, reached, (unsigned long long)checksum);
    }
    return 0;
}
