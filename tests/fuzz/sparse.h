/* sparse.h - a pool image as an input of a fuzzer: what is not zero, as runs.
 *
 *   "PSPRUN1\n", u64 length of the image, then runs until the end: u64 offset, u32 bytes, the bytes
 *
 * A pool has at least 32 MB and almost all of it is zero, so a run is what a fuzzer should see. Every sequence of bytes means some image: what lies outside of
 * it is cut off, and a length above IMAGE_MAX is one of IMAGE_MAX.
 */
#ifndef FUZZ_SPARSE_H
#define FUZZ_SPARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPARSE_MAGIC "PSPRUN1\n"
#define IMAGE_MAX (64ul << 20)

struct image_bytes {
    uint8_t *bytes; /* page-aligned, private; nothing can be read behind its last page nor before its first */
    uint64_t length;
};

/* The one image of this process: the former content is gone. False: not an encoded image at all. */
bool sparse_decode(const uint8_t *data, size_t size, struct image_bytes *image);
/* Marks [offset, offset + bytes) as perhaps not zero any more, and says whether it lies in the image. Whoever writes into the image asks first. */
bool sparse_touch(const struct image_bytes *image, uint64_t offset, uint64_t bytes);
/* 0 when it does not fit into `room`. */
size_t sparse_encode(const struct image_bytes *image, uint8_t *out, size_t room);
/* The image as a file; the path is one of this process's. Sparse, where the image is zero. */
const char *sparse_file(const struct image_bytes *image);

#endif
