/* checksum.h - CRC-32C (Castagnoli). Any context; no libc. */
#ifndef PRS_CHECKSUM_H
#define PRS_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Eight bytes at any address, of any type. */
typedef uint64_t prs_any_u64 __attribute__((aligned(1), may_alias));

/* Goes on from `crc` (0 to begin): prs_crc32c(prs_crc32c(0, a, m), b, n) is the checksum of a followed by b. */
uint32_t prs_crc32c(uint32_t crc, const void *data, size_t length);

/* The two ways behind it, for tests. The fast one needs SSE4.2. */
uint32_t prs_crc32c_table(uint32_t crc, const void *data, size_t length);
uint32_t prs_crc32c_sse42(uint32_t crc, const void *data, size_t length);

#endif
