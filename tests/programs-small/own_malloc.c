/* own_malloc.c - an allocator of the program's own, on the brk heap: it stands before libprosper's in lookup order, for libc too. Gives nothing back. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADER 16
#define STEP (1l << 20)

static char *next, *end;

void *malloc(size_t size)
{
    long bytes = (long)((size + HEADER + 15) & ~15ul);
    if (next == NULL || end - next < bytes) {
        char *more = sbrk(bytes + STEP);
        if (more == (void *)-1) {
            errno = ENOMEM;
            return NULL;
        }
        next = (char *)(((uintptr_t)more + 15) & ~15ul);
        end = more + bytes + STEP - 16;
    }
    char *block = next + HEADER;
    next += bytes;
    *(size_t *)(void *)(block - HEADER) = size;
    return block;
}

void free(void *block) { (void)block; }

void *calloc(size_t count, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) {
        errno = ENOMEM;
        return NULL;
    }
    void *block = malloc(bytes);
    return block != NULL ? memset(block, 0, bytes) : NULL;
}

void *realloc(void *block, size_t size)
{
    void *moved = malloc(size);
    if (block != NULL && moved != NULL) {
        size_t old = *(size_t *)(void *)((char *)block - HEADER);
        memcpy(moved, block, old < size ? old : size);
    }
    return moved;
}
