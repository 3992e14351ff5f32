/* fdlist.c - which descriptors are open: by the directory /proc/self/fd, or, where nothing speaks against it, as at the last look.
 *
 * Reading the directory makes an entry for each descriptor, which costs more than all else that is asked of them. Since Linux 6.2 its size is the number
 * of open descriptors. INVARIANT: when there are as many as before, and each one of before is open, ours too, they are the same numbers. (What they
 * refer to is asked each time, fdtable.c F1. Ours are asked because a system call without a wrapper may close one.) Context: handler, start, restore.
 */
#include "fdtable_internal.h"
#include "image.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

struct directory_entry {
    uint64_t inode;
    int64_t offset;
    unsigned short length;
    unsigned char type;
    char name[];
};

struct prs_fd_list {
    uint64_t open; /* with ours; 0: nothing is known */
    uint32_t count;
    uint64_t ours; /* bit i: fd_floor + i is open */
    int numbers[PRS_DESCRIPTORS_MAX + 1];
};

static int each_of_directory(prs_fd_visitor visit, void *context)
{
    char buffer[8192] __attribute__((aligned(8)));
    if (prs_sys(SYS_lseek, prs_p.fd_fds, 0, SEEK_SET) < 0) {
        return -EBADF;
    }
    for (;;) {
        long length = prs_sys(SYS_getdents64, prs_p.fd_fds, buffer, sizeof buffer);
        if (length <= 0) {
            return (int)length;
        }
        bool all = length + 64 < (long)sizeof buffer; /* there was room for another entry, and none came */
        for (long at = 0; at < length;) {
            const struct directory_entry *entry = (const struct directory_entry *)(buffer + at);
            at += entry->length;
            int fd = 0;
            if (entry->name[0] < '0' || entry->name[0] > '9') {
                continue;
            }
            for (const char *c = entry->name; *c != '\0'; ++c) {
                fd = fd * 10 + (*c - '0');
            }
            if (fd >= prs_p.fd_floor && fd <= prs_p.fd_top) {
                continue;
            }
            int result = visit(context, fd);
            if (result != 0) {
                return result;
            }
        }
        if (all) {
            return 0;
        }
    }
}

static int add(void *context, int fd)
{
    struct prs_fd_list *list = context;
    if (list->count == PRS_DESCRIPTORS_MAX + 1) {
        return -E2BIG;
    }
    list->numbers[list->count++] = fd;
    return 0;
}

static uint64_t open_ones_of_ours(void)
{
    uint64_t ours = 0;
    for (int fd = prs_p.fd_floor; fd <= prs_p.fd_top; ++fd) {
        ours |= (uint64_t)(prs_sys(SYS_fcntl, fd, F_GETFD, 0) >= 0) << (fd - prs_p.fd_floor);
    }
    return ours;
}

static bool as_before(const struct prs_fd_list *list, uint64_t open)
{
    if (list->open == 0 || list->open != open || list->ours != open_ones_of_ours()) {
        return false;
    }
    for (uint32_t i = 0; i < list->count; ++i) {
        if (prs_sys(SYS_fcntl, list->numbers[i], F_GETFD, 0) < 0) {
            return false;
        }
    }
    return true;
}

int prs_fd_each(prs_fd_visitor visit, void *context)
{
    if (prs_p.fd_list == NULL) {
        prs_p.fd_list = prs_arena_take(&prs_p.scratch, sizeof *prs_p.fd_list);
        if (prs_p.fd_list == NULL) {
            return -ENOMEM;
        }
    }
    struct prs_fd_list *list = prs_p.fd_list;
    struct stat status;
    uint64_t open = prs_sys(SYS_fstat, prs_p.fd_fds, &status) == 0 ? (uint64_t)status.st_size : 0;
    if (!as_before(list, open)) {
        list->open = 0;
        list->count = 0;
        int result = each_of_directory(add, list);
        if (result == -E2BIG) {
            return each_of_directory(visit, context);
        }
        if (result != 0) {
            return result;
        }
        list->open = open;
        list->ours = open_ones_of_ours();
    }
    for (uint32_t i = 0; i < list->count; ++i) {
        int result = visit(context, list->numbers[i]);
        if (result != 0) {
            return result;
        }
    }
    return 0;
}
