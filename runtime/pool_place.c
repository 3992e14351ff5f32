/* pool_place.c - is a pool where one machine alone has it? Two processes are kept apart by a lock, and a commit is made of stores into a shared mapping. On a file system that
 * several machines mount, a lock may be one of this machine alone, a mapping is this machine's cache, and another machine's start would read a pool that is half written back, or write
 * into one that is in use. So such a place is refused, unless the user says that nobody else has it (network=1).
 *
 * Known by the type that statfs gives. Not in the list: file systems of clusters that keep mappings and locks coherent (OCFS2, GFS2, GPFS, Lustre, Ceph), and FUSE, behind which anything may be.
 * Context: stage 0, normal.
 */
#include "pool_internal.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#define PATH_BYTES 4096

const char *prs_pool_network_name(uint64_t type)
{
    static const struct {
        uint64_t type;
        const char *name;
    } types[] = {{0x6969, "NFS"}, {0x517b, "SMB"}, {0xfe534d42, "SMB"}, {0xff534d42, "CIFS"}, {0x5346414f, "AFS"}, {0x6b414653, "AFS"}, {0x73757245, "Coda"}, {0x564c, "NCP"},
                 {0x01021997, "9P"}};
    for (unsigned i = 0; i < sizeof types / sizeof *types; ++i) {
        if (types[i].type == (type & UINT32_MAX)) { /* f_type is signed, and of 32 bits on some kernels */
            return types[i].name;
        }
    }
    return NULL;
}

int prs_pool_check_place(int fd, const char *path, bool network)
{
    struct statfs status;
    int result;
    do {
        result = fstatfs(fd, &status);
    } while (result != 0 && errno == EINTR);
    if (result != 0) {
        return prs_pool_fail_errno(errno, "looking at the file system of", path);
    }
    const char *name = prs_pool_network_name((uint64_t)status.f_type);
    return name == NULL || network ? 0
                                   : prs_fail(PROSPER_E_NETWORK, "%s is on %s, where another machine could have it at the same time (network=1: none has; or name a pool elsewhere)",
                                              path, name);
}

int prs_pool_check_directory(const char *path, bool network)
{
    char directory[PATH_BYTES];
    const char *slash = strrchr(path, '/');
    size_t length = slash == NULL ? 0 : (size_t)(slash - path) + 1;
    if (length + 2 > sizeof directory) {
        return -ENAMETOOLONG;
    }
    memcpy(directory, path, length);
    strcpy(directory + length, ".");
    int fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return 0; /* creation says what is wrong with it */
    }
    int result = prs_pool_check_place(fd, path, network);
    close(fd);
    return result;
}
