#include "checksum.h"
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

Test(checksum, known_values_of_crc32c)
{
    uint8_t zeros[32] = {0}, ones[32], count[32];
    memset(ones, 0xff, sizeof ones);
    for (unsigned i = 0; i < 32; ++i) {
        count[i] = (uint8_t)i;
    }
    cr_assert_eq(prs_crc32c(0, "123456789", 9), 0xE3069283u);
    cr_assert_eq(prs_crc32c(0, zeros, 32), 0x8A9136AAu); /* the values of RFC 3720, B.4 */
    cr_assert_eq(prs_crc32c(0, ones, 32), 0x62A8AB43u);
    cr_assert_eq(prs_crc32c(0, count, 32), 0x46DD794Eu);
    cr_assert_eq(prs_crc32c(7, "", 0), 7u);
}

Test(checksum, both_ways_agree_at_every_length_and_alignment)
{
    static uint8_t bytes[400];
    srand(1);
    for (unsigned i = 0; i < sizeof bytes; ++i) {
        bytes[i] = (uint8_t)rand();
    }
    for (unsigned start = 0; start < 16; ++start) {
        for (unsigned length = 0; length < 300; ++length) {
            cr_assert_eq(prs_crc32c_table(start, bytes + start, length), prs_crc32c_sse42(start, bytes + start, length));
        }
    }
}

Test(checksum, pieces_chain)
{
    static const char text[] = "the quick brown fox jumps over the lazy dog";
    uint32_t whole = prs_crc32c(0, text, sizeof text);
    for (unsigned cut = 0; cut <= sizeof text; ++cut) {
        cr_assert_eq(prs_crc32c(prs_crc32c(0, text, cut), text + cut, sizeof text - cut), whole);
    }
}

Test(checksum, every_flipped_bit_changes_it)
{
    uint8_t bytes[64] = "some content";
    uint32_t before = prs_crc32c(0, bytes, sizeof bytes);
    for (unsigned bit = 0; bit < 512; ++bit) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        cr_assert_neq(prs_crc32c(0, bytes, sizeof bytes), before);
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}
