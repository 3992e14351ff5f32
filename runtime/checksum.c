/* checksum.c - CRC-32C by the processor's instruction, or by a table of 16 for processors without SSE4.2.
 *
 * INVARIANT K1: both ways give the same value for every input.
 * Context: any. The remembered choice is an ordinary variable: when it comes back with an image, it is that of a processor whose
 * features this one was checked to have.
 */
#include "checksum.h"
#include <cpuid.h>
#include <nmmintrin.h>

/* Remainders of the 16 half-bytes, polynomial 0x1EDC6F41, bits reflected. */
static const uint32_t remainder_of[16] = {
    0x00000000u, 0x105ec76fu, 0x20bd8edeu, 0x30e349b1u, 0x417b1dbcu, 0x5125dad3u, 0x61c69362u, 0x7198540du,
    0x82f63b78u, 0x92a8fc17u, 0xa24bb5a6u, 0xb21572c9u, 0xc38d26c4u, 0xd3d3e1abu, 0xe330a81au, 0xf36e6f75u,
};

uint32_t prs_crc32c_table(uint32_t crc, const void *data, size_t length)
{
    const uint8_t *at = data;
    crc = ~crc;
    for (size_t i = 0; i < length; ++i) {
        crc ^= at[i];
        crc = remainder_of[crc & 15] ^ (crc >> 4);
        crc = remainder_of[crc & 15] ^ (crc >> 4);
    }
    return ~crc;
}

__attribute__((target("sse4.2"))) uint32_t prs_crc32c_sse42(uint32_t crc, const void *data, size_t length)
{
    const uint8_t *at = data;
    uint64_t value = (uint32_t)~crc;
    for (; length >= 8; length -= 8, at += 8) {
        value = _mm_crc32_u64(value, *(const prs_any_u64 *)at);
    }
    for (; length > 0; --length, ++at) {
        value = _mm_crc32_u8((uint32_t)value, *at);
    }
    return ~(uint32_t)value;
}

uint32_t prs_crc32c(uint32_t crc, const void *data, size_t length)
{
    static int has_sse42; /* 0: not asked yet, 1: yes, -1: no. Asking traps in virtual machines, so it is done once */
    int has = has_sse42;
    if (__builtin_expect(has == 0, 0)) {
        unsigned a, b, c, d;
        has = __get_cpuid(1, &a, &b, &c, &d) != 0 && (c >> 20 & 1) != 0 ? 1 : -1;
        has_sse42 = has;
    }
    return has > 0 ? prs_crc32c_sse42(crc, data, length) : prs_crc32c_table(crc, data, length);
}
