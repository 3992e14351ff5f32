/* shadow.c - is every store told? Preloaded to a program that was built with --prosper-track=stores and -Dmalloc=shadow_malloc and so on.
 *
 * The program's data segments and heap blocks have a copy each, which takes over what __prosper_store tells, and nothing else. At the end of the program, and
 * when a block is freed, original and copy are the same, or some store was not told. (Frames are no part of it: what the compiler spills there has no address
 * in the program. Stores to frames are told by the same lines of the pass.)
 *
 * Environment: SHADOW_FORGETS=n tells the copy nothing of every n-th store, so the test can see that it notices.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define AREAS 65536

struct area {
    char *start, *copy;
    size_t size;
};
static struct area areas[AREAS];
static unsigned area_count;
static bool begun;
static unsigned long forgets, told;

void __prosper_store(void *address, uint64_t bytes);
void *shadow_malloc(size_t size);
void *shadow_calloc(size_t count, size_t size);
void *shadow_realloc(void *block, size_t size);
void shadow_free(void *block);
void *shadow_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset);
int shadow_munmap(void *address, size_t size);

static void add(void *start, size_t size)
{
    if (start == NULL || size == 0) {
        return;
    }
    if (area_count == AREAS) {
        fprintf(stderr, "shadow: too many areas\n");
        _exit(98);
    }
    struct area *area = &areas[area_count++];
    *area = (struct area){start, malloc(size), size};
    memcpy(area->copy, start, size);
}

static void compare(const struct area *area)
{
    for (size_t i = 0; i < area->size; i++) {
        if (area->start[i] != area->copy[i]) {
            fprintf(stderr, "shadow: %p (byte %zu of %zu) was stored to and it was not told\n", (void *)(area->start + i), i, area->size);
            _exit(99);
        }
    }
}

static void forget(void *start)
{
    for (unsigned i = area_count; i-- > 0;) {
        if (areas[i].start == start) {
            compare(&areas[i]);
            free(areas[i].copy);
            areas[i] = areas[--area_count];
            return;
        }
    }
}

static int add_segments(struct dl_phdr_info *info, size_t size, void *nothing)
{
    (void)size, (void)nothing;
    uintptr_t relro_start = 0, relro_end = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_GNU_RELRO) {
            relro_start = info->dlpi_addr + info->dlpi_phdr[i].p_vaddr;
            relro_end = relro_start + info->dlpi_phdr[i].p_memsz;
        }
    }
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uintptr_t start = info->dlpi_addr + header->p_vaddr, end = start + header->p_memsz;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_W) != 0) {
            start = start >= relro_start && start < relro_end ? relro_end : start;
            if (start < end) {
                add((void *)start, end - start);
            }
        }
    }
    return 1; /* the program is the first */
}

static void at_end(void)
{
    for (unsigned i = 0; i < area_count; i++) {
        compare(&areas[i]);
    }
    fprintf(stderr, "shadow: %lu stores, %u areas\n", told, area_count);
}

/* Not before main's own start-up: what is registered now runs before the C library's destructors, which store into the program's data. */
static void begin(void)
{
    begun = true;
    const char *text = getenv("SHADOW_FORGETS");
    forgets = text != NULL ? strtoul(text, NULL, 10) : 0;
    dl_iterate_phdr(add_segments, NULL);
    atexit(at_end);
}

void __prosper_store(void *address, uint64_t bytes)
{
    if (!begun) {
        begin();
    }
    ++told;
    if (bytes == 0 || (forgets != 0 && told % forgets == 0)) {
        return;
    }
    char *first = address, *last = first + bytes;
    for (unsigned i = 0; i < area_count; i++) {
        const struct area *area = &areas[i];
        char *from = first > area->start ? first : area->start, *to = last < area->start + area->size ? last : area->start + area->size;
        if (from < to) {
            memcpy(area->copy + (from - area->start), from, (size_t)(to - from));
        }
    }
}

void *shadow_malloc(size_t size)
{
    void *block = malloc(size);
    add(block, size);
    return block;
}

void *shadow_calloc(size_t count, size_t size)
{
    void *block = calloc(count, size);
    add(block, count * size);
    return block;
}

void *shadow_realloc(void *block, size_t size)
{
    forget(block);
    block = realloc(block, size);
    add(block, size);
    return block;
}

void shadow_free(void *block)
{
    forget(block);
    free(block);
}

void *shadow_mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
    void *block = mmap(address, size, protection, flags, fd, offset);
    if (block != MAP_FAILED && (protection & PROT_WRITE) != 0) {
        add(block, size);
    }
    return block;
}

int shadow_munmap(void *address, size_t size)
{
    forget(address);
    return munmap(address, size);
}
