/* locked.c - mlockall, without the address space that is the runtime's.
 *
 * The dirty map is 2 TiB of reserved addresses, there in every program that was built with marks, with a pool or without: locked with the rest it would be
 * filled with zeros until no memory is left. So what is mapped now is locked mapping by mapping, and what comes later is left to the kernel.
 * Context: normal.
 */
#include "interpose.h"
#include "../layout.h"
#include "../maps.h"
#include <fcntl.h>
#include <prosper/abi.h>
#include <sys/mman.h>

#define MAPS_BYTES (8ul << 20)

static bool is_ours(const struct prs_map *map)
{
    uint64_t bytes = PRS_MAP_SIZE + PRS_PAGE;
    return (map->start < PRS_MAP_BASE + bytes && map->end > PRS_MAP_BASE) || (map->start < PRS_LONG_MAP_BASE + bytes && map->end > PRS_LONG_MAP_BASE) || (map->start < PRS_RUNTIME_END && map->end > PRS_RUNTIME_BASE);
}

static long lock_all_mapped(unsigned long flags)
{
    long text = prs_sys(SYS_mmap, 0, MAPS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long fd = text < 0 ? text : prs_sys(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC, 0);
    long result = fd < 0 ? fd : prs_maps_read((int)fd, (char *)text, MAPS_BYTES);
    const char *cursor = (const char *)text, *end = cursor + (result > 0 ? result : 0);
    struct prs_map map;
    long error = result < 0 ? result : 0;
    while (error == 0 && result > 0 && prs_maps_next(&cursor, end, &map)) {
        /* The kernel's mlockall, too, passes over what cannot be populated. */
        if (!is_ours(&map) && map.protection != PROT_NONE && !prs_map_is(&map, "[vsyscall]") && map.start != (uint64_t)text) {
            long locked = prs_sys(SYS_mlock2, map.start, map.end - map.start, flags);
            error = locked == -EPERM || locked == -EAGAIN ? locked : 0;
        }
    }
    if (fd >= 0) {
        prs_sys(SYS_close, fd);
    }
    if (text >= 0) {
        prs_sys(SYS_munmap, text, MAPS_BYTES);
    }
    return error;
}

PRS_EXPORT int mlockall(int flags)
{
    long result = 0;
    struct prs_apart apart;
    if ((flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) != 0 || (flags & (MCL_CURRENT | MCL_FUTURE)) == 0) {
        return (int)prs_errno(-EINVAL);
    }
    if ((flags & MCL_FUTURE) != 0) {
        result = prs_sys(SYS_mlockall, flags & ~MCL_CURRENT);
    }
    if (result == 0 && (flags & MCL_CURRENT) != 0) {
        bool owning = prs_owning();
        if (owning) {
            prs_apart_begin(&apart);
            prs_hold(); /* the list is this process's: another has other mappings */
        }
        result = lock_all_mapped((flags & MCL_ONFAULT) != 0 ? MLOCK_ONFAULT : 0);
        if (owning) {
            prs_release();
            prs_apart_end(&apart);
        }
    }
    return (int)prs_errno(result);
}
