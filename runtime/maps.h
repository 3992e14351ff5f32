/* maps.h - the kernel's list of mappings of this process. Handler-safe. */
#ifndef PRS_MAPS_H
#define PRS_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct prs_map {
    uint64_t start, end, offset, inode;
    uint32_t device_major, device_minor;
    int protection;        /* PROT_* */
    bool shared;
    const char *name;      /* not terminated; "" for anonymous */
    uint32_t name_length;
};

/* Whole text of an open /proc/self/maps into buffer; length or -errno (-E2BIG: the buffer is too small; -EIO: it was cut off). */
long prs_maps_read(int fd, char *buffer, uint64_t size);
/* Parses the line at *cursor and moves on; false at the end. */
bool prs_maps_next(const char **cursor, const char *end, struct prs_map *map);
bool prs_map_is(const struct prs_map *map, const char *name);

#endif
