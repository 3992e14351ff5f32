/* maps.c - reading and parsing /proc/self/maps without libc. Handler, start, restore. */
#include "maps.h"
#include "prim.h"
#include <errno.h>
#include <sys/mman.h>

/* The vsyscall page is the last line wherever there is one, and then the read that would only say "no more" is spared. */
static bool ends_with_vsyscall(const char *buffer, uint64_t length)
{
    static const char last[] = "[vsyscall]\n";
    if (length < sizeof last) {
        return false;
    }
    for (unsigned i = 0; i < sizeof last - 1; ++i) {
        if (buffer[length - (sizeof last - 1) + i] != last[i]) {
            return false;
        }
    }
    return true;
}

extern void *__libc_stack_end; /* of the dynamic linker: where the stack began */

/* The stack of the process is the last mapping but for the vsyscall page; a text that ends before it was cut off, and what it lacks would be taken for unmapped. */
static bool reaches_stack(const char *buffer, uint64_t length)
{
    uint64_t line = length == 0 ? 0 : length - 1;
    while (line > 0 && buffer[line - 1] != '\n') {
        --line;
    }
    const char *cursor = buffer + line;
    struct prs_map last;
    return prs_maps_next(&cursor, buffer + length, &last) && last.end > (uint64_t)__libc_stack_end;
}

long prs_maps_read(int fd, char *buffer, uint64_t size)
{
    uint64_t length = 0;
    if (prs_sys(SYS_lseek, fd, 0, 0) < 0) {
        return -EBADF;
    }
    for (;;) {
        if (length + 8192 > size) {
            return -E2BIG;
        }
        long count = prs_sys(SYS_read, fd, buffer + length, size - length);
        if (count == -EINTR) {
            continue;
        }
        if (count <= 0) {
            return count < 0 ? count : reaches_stack(buffer, length) ? (long)length : -EIO;
        }
        length += (uint64_t)count;
        if (ends_with_vsyscall(buffer, length)) {
            return (long)length;
        }
    }
}

static uint64_t number(const char **cursor, unsigned base)
{
    uint64_t value = 0;
    for (;; ++*cursor) {
        char c = **cursor;
        unsigned digit = c >= '0' && c <= '9' ? (unsigned)(c - '0') : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 99;
        if (digit >= base) {
            return value;
        }
        value = value * base + digit;
    }
}

bool prs_maps_next(const char **cursor, const char *end, struct prs_map *map)
{
    const char *c = *cursor;
    if (c >= end) {
        return false;
    }
    map->start = number(&c, 16);
    ++c;
    map->end = number(&c, 16);
    ++c;
    map->protection = (c[0] == 'r' ? PROT_READ : 0) | (c[1] == 'w' ? PROT_WRITE : 0) | (c[2] == 'x' ? PROT_EXEC : 0);
    map->shared = c[3] == 's';
    c += 5;
    map->offset = number(&c, 16);
    ++c;
    map->device_major = (uint32_t)number(&c, 16);
    ++c;
    map->device_minor = (uint32_t)number(&c, 16);
    ++c;
    map->inode = number(&c, 10);
    while (c < end && *c == ' ') {
        ++c;
    }
    map->name = c;
    while (c < end && *c != '\n') {
        ++c;
    }
    map->name_length = (uint32_t)(c - map->name);
    *cursor = c + 1;
    return true;
}

bool prs_map_is(const struct prs_map *map, const char *name)
{
    uint32_t i = 0;
    for (; i < map->name_length && name[i] != '\0'; ++i) {
        if (map->name[i] != name[i]) {
            return false;
        }
    }
    return i == map->name_length && name[i] == '\0';
}
