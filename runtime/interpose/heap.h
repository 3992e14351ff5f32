/* heap.h - the two heaps of a process (malloc.c).
 *
 *   marked   mimalloc with marks (scripts/build-marked-heap): for instrumented code, in the marked part of the program range
 *   other    Debian's libmimalloc.so.2: for everybody else, and for everybody where the marked heap is not used
 */
#ifndef PRS_HEAP_H
#define PRS_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The marked heap is in use. Set once, at the first start of a program, never taken back; in the image. */
extern bool prs_heap_marked;
/* Uses it from now on. Start, before the program's constructors. */
void prs_heap_start(void);
/* Says so when the program comes with an allocator in a shared library, which stands behind libprosper's in lookup order. Start, normal context. */
void prs_heap_passed_over(void);

void prs_marked_start(void);
void *prs_marked_malloc(size_t size);
void *prs_marked_calloc(size_t count, size_t size);
void *prs_marked_realloc(void *block, size_t size);
void *prs_marked_malloc_aligned(size_t size, size_t alignment);
void prs_marked_free(void *block);
size_t prs_marked_usable_size(const void *block);
void prs_marked_collect(bool all);
void *prs_marked_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset); /* memory.c, for the marked heap */

#endif
