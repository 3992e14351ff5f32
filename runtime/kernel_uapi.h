/* kernel_uapi.h - numbers and layouts of the kernel's interfaces that are newer than the C library's headers.
 *
 * Written from the kernel's documentation, so that a build on Debian 12 (headers of 6.1) can run on a newer kernel. Each struct is
 * what crosses the system call border, so sizes are asserted; ioctl numbers are given as numbers, because they never change.
 */
#ifndef PRS_KERNEL_UAPI_H
#define PRS_KERNEL_UAPI_H

#include <stdint.h>

/* ---- userfaultfd ---- */

#define PRS_UFFD_USER_MODE_ONLY 1 /* what an ordinary user may have; asynchronous write-protect needs no more */
#define PRS_UFFD_API 0xAAul
#define PRS_UFFD_FEATURE_WP_UNPOPULATED (1ul << 13)
#define PRS_UFFD_FEATURE_WP_ASYNC (1ul << 15)

struct prs_uffd_api {
    uint64_t api, features, ioctls;
};
struct prs_uffd_range {
    uint64_t start, length;
};
struct prs_uffd_register {
    struct prs_uffd_range range;
    uint64_t mode, ioctls;
};
struct prs_uffd_writeprotect {
    struct prs_uffd_range range;
    uint64_t mode; /* 1: protect, 0: unprotect */
};
#define PRS_UFFD_REGISTER_MODE_WP 2ul

#define PRS_UFFDIO_API 0xC018AA3Ful
#define PRS_UFFDIO_REGISTER 0xC020AA00ul
#define PRS_UFFDIO_UNREGISTER 0x8010AA01ul
#define PRS_UFFDIO_WRITEPROTECT 0xC018AA06ul

_Static_assert(sizeof(struct prs_uffd_api) == 0x18, "in the ioctl's number");
_Static_assert(sizeof(struct prs_uffd_register) == 0x20, "in the ioctl's number");
_Static_assert(sizeof(struct prs_uffd_range) == 0x10, "in the ioctl's number");
_Static_assert(sizeof(struct prs_uffd_writeprotect) == 0x18, "in the ioctl's number");

/* ---- PAGEMAP_SCAN on /proc/self/pagemap, Linux 6.7 ---- */

enum {
    PRS_PM_WPALLOWED = 1 << 0, /* the mapping is registered for asynchronous write-protect */
    PRS_PM_WRITTEN = 1 << 1,   /* not write-protected; also said of a page that is not there */
    PRS_PM_FILE = 1 << 2,      /* a file's or shared page */
    PRS_PM_PRESENT = 1 << 3,
    PRS_PM_SWAPPED = 1 << 4,
    PRS_PM_GUARD = 1 << 8,     /* MADV_GUARD_INSTALL; known since 6.15 */
};
#define PRS_PM_SCAN_WP_MATCHING 1ul /* write-protect what matches */

struct prs_pm_region {
    uint64_t start, end, categories;
};
struct prs_pm_scan_arg {
    uint64_t size, flags, start, end, walk_end, vec, vec_length, max_pages;
    uint64_t category_inverted, category_mask, category_anyof_mask, return_mask;
};
#define PRS_PAGEMAP_SCAN 0xC0606610ul

_Static_assert(sizeof(struct prs_pm_region) == 24, "kernel's layout");
_Static_assert(sizeof(struct prs_pm_scan_arg) == 0x60, "in the ioctl's number");

/* ---- PROCMAP_QUERY on /proc/self/maps, Linux 6.11 ---- */

struct prs_procmap_query {
    uint64_t size, query_flags, query_addr; /* in */
    uint64_t vma_start, vma_end, vma_flags, vma_page_size, vma_offset, inode;
    uint32_t dev_major, dev_minor, vma_name_size, build_id_size; /* sizes 0: neither is asked for */
    uint64_t vma_name_addr, build_id_addr;
};
#define PRS_PROCMAP_QUERY 0xC0686611ul
#define PRS_PROCMAP_COVERING_OR_NEXT 0x10ul

_Static_assert(sizeof(struct prs_procmap_query) == 0x68, "in the ioctl's number");

/* ---- entries of /proc/self/pagemap ---- */

#define PRS_PAGEMAP_PRESENT (1ul << 63)
#define PRS_PAGEMAP_SWAPPED (1ul << 62)
#define PRS_PAGEMAP_FILE (1ul << 61)
#define PRS_PAGEMAP_GUARD (1ul << 58)
#define PRS_PAGEMAP_EXCLUSIVE (1ul << 56)
#define PRS_PAGEMAP_SOFT_DIRTY (1ul << 55)

#endif
