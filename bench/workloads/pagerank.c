/* pagerank.c - PageRank by power iteration: pagerank GRAPH ITERATIONS
 *
 * Ranks are pulled from the neighbours: many scattered reads, one store a vertex. Sums are of integers (units of 2^-48), so that the checksum does
 * not depend on the order in which a compiler adds.
 */
#include "graph.h"

#define ONE (1ULL << 48)

int main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    struct graph graph = graph_read(argv[1]);
    uint64_t *rank = malloc(graph.vertices * sizeof *rank), *share = malloc(graph.vertices * sizeof *share);
    if (rank == NULL || share == NULL) {
        return 1;
    }
    for (uint32_t v = 0; v < graph.vertices; ++v) {
        rank[v] = ONE / graph.vertices;
    }
    for (int iteration = atoi(argv[2]); iteration > 0; --iteration) {
        uint64_t lost = 0; /* of vertices without neighbours: goes to everybody */
        for (uint32_t v = 0; v < graph.vertices; ++v) {
            uint32_t degree = graph.first[v + 1] - graph.first[v];
            share[v] = degree > 0 ? rank[v] / degree : 0;
            lost += degree > 0 ? 0 : rank[v];
        }
        uint64_t base = (ONE / 100 * 15 + lost / 100 * 85) / graph.vertices;
        for (uint32_t v = 0; v < graph.vertices; ++v) {
            uint64_t sum = 0;
            for (uint32_t e = graph.first[v]; e < graph.first[v + 1]; ++e) {
                sum += share[graph.target[e]];
            }
            rank[v] = base + sum / 100 * 85;
        }
    }
    uint64_t checksum = 0, largest = 0;
    for (uint32_t v = 0; v < graph.vertices; ++v) {
        checksum = checksum * 31 + rank[v];
        largest = rank[v] > rank[largest] ? v : largest;
    }
    printf("pagerank %016llx, largest at %llu\n", (unsigned long long)checksum, (unsigned long long)largest);
    return 0;
}
