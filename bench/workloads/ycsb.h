/* ycsb.h - the loads of YCSB, for stores in one file each: keys, values, and requests that follow its scrambled zipfian distribution (theta 0.99; Gray et al.,
 * "Quickly generating billion-record synthetic databases").
 */
#ifndef WORKLOADS_YCSB_H
#define WORKLOADS_YCSB_H
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifndef VALUE_BYTES
#define VALUE_BYTES 100
#endif
#define KEY_BYTES 32
#define THETA 0.99

static uint64_t random_state = 42;

static uint64_t next_random(void)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return random_state * 0x2545f4914f6cdd1dU;
}

static uint64_t hash_bytes(const void *bytes, size_t count) /* FNV-1a, then mixed */
{
    uint64_t hash = 0xcbf29ce484222325U;
    for (size_t i = 0; i < count; ++i) {
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * 0x100000001b3U;
    }
    return hash ^ hash >> 32;
}

static void make_value(char *value)
{
    uint64_t bits = 0;
    for (int i = 0; i < VALUE_BYTES; ++i, bits >>= 6) {
        bits = i % 10 == 0 ? next_random() : bits;
        value[i] = (char)(' ' + (bits & 63));
    }
}

static void modify_value(char *value)
{
    for (int j = 0; j < VALUE_BYTES; j += 7) {
        value[j] = (char)(' ' + (value[j] + j) % 64);
    }
}

static void make_key(char *key, uint64_t record) { snprintf(key, KEY_BYTES, "user%llu", (unsigned long long)(record * 0x9e3779b97f4a7c15U)); }

struct zipfian {
    double items, zeta, eta, alpha;
};

static struct zipfian zipfian_of(uint64_t items)
{
    struct zipfian z = {.items = (double)items, .alpha = 1 / (1 - THETA)};
    for (uint64_t i = 1; i <= items; ++i) {
        z.zeta += pow(1.0 / (double)i, THETA);
    }
    z.eta = (1 - pow(2 / z.items, 1 - THETA)) / (1 - (1 + pow(0.5, THETA)) / z.zeta);
    return z;
}

static uint64_t zipfian_next(const struct zipfian *z)
{
    double u = (double)(next_random() >> 11) * 0x1p-53, uz = u * z->zeta;
    uint64_t rank = uz < 1 ? 0 : uz < 1 + pow(0.5, THETA) ? 1 : (uint64_t)(z->items * pow(z->eta * u - z->eta + 1, z->alpha));
    return hash_bytes(&rank, sizeof rank) % (uint64_t)z->items;
}
#endif
