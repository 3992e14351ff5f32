/* pages_internal.h - what pages.c shares with its back ends. */
#ifndef PRS_PAGES_INTERNAL_H
#define PRS_PAGES_INTERNAL_H

#include "kernel_uapi.h"
#include "layout.h"
#include "pages.h"

#define PRS_PAGES_RUNS_MAX (1ul << 20)   /* what one checkpoint can remember to protect; more is reported again next time */
#define PRS_PAGES_VECTOR 2048ul          /* regions a PAGEMAP_SCAN */
#define PRS_PAGES_ENTRIES 8192ul         /* pagemap entries a read */
#define PRS_PAGES_MAPS_BYTES (8ul << 20)    /* text of /proc/self/maps; 64,000 mappings are some 5 MB */
#define PRS_PAGES_HEAT_BUCKETS (1ul << 17)
#define PRS_PAGES_HEAT_WAYS 8u

struct prs_page_run {
    uint64_t start; /* bit 0: first run of a call to prs_pages_scan */
    uint64_t end;
};

struct prs_pages {
    enum prs_pages_backend backend;
    int pagemap;               /* /proc/self/pagemap, opened early: after a change of credentials it could not be */
    int maps;                  /* /proc/self/maps */
    int uffd;                  /* -1 without */
    int clear_refs;            /* -1 without */
    bool can_scan;             /* PAGEMAP_SCAN exists */
    uint64_t guard;            /* PRS_PM_GUARD where the kernel knows it, else 0 */
    uint64_t now;              /* 1 + number of prs_pages_done */
    uint64_t run_count;
    struct prs_page_run *runs; /* reported since the last done and there: to be protected (uffd only) */
    uint64_t *heat;
    struct prs_pm_region *vector;
    uint64_t *entries;
    char *maps_text;
    struct prs_pages_use use;
};

/* Merges neighbouring pages of equal flags before the caller sees them, and counts. */
struct prs_page_merge {
    struct prs_pages *pages;
    prs_pages_visitor visit;
    void *context;
    uint64_t start, end; /* pending run; start == end: none */
    unsigned flags;
};
int prs_page_merge_add(struct prs_page_merge *merge, uint64_t start, uint64_t end, unsigned flags);
int prs_page_merge_flush(struct prs_page_merge *merge);

bool prs_page_is_hot(const struct prs_pages *pages, uint64_t page);
/* 0 when nothing in [start, end) is a file mapping, else -EOPNOTSUPP; -errno. */
int prs_pages_anonymous(struct prs_pages *pages, uint64_t start, uint64_t end);
int prs_pages_move_fd(int fd, int *floor);

/* All: 0, -errno, or what visit returned. */
int prs_uffd_open(struct prs_pages *pages, int *fd_floor);
int prs_uffd_track(struct prs_pages *pages, uint64_t start, uint64_t end);
void prs_uffd_restored(struct prs_pages *pages, uint64_t start, uint64_t end);
void prs_uffd_unprotect(struct prs_pages *pages, uint64_t start, uint64_t end);
void prs_uffd_protect(struct prs_pages *pages, uint64_t start, uint64_t end);
void prs_uffd_forget(struct prs_pages *pages, uint64_t start, uint64_t end);
int prs_uffd_scan(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge);
int prs_uffd_done(struct prs_pages *pages);

int prs_softdirty_open(struct prs_pages *pages, int *fd_floor);
int prs_softdirty_scan(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge);
int prs_softdirty_done(struct prs_pages *pages);

int prs_all_scan(struct prs_pages *pages, uint64_t start, uint64_t end, struct prs_page_merge *merge);

/* One PAGEMAP_SCAN; *walked: how far it came. Returns the number of regions in pages->vector, or -errno. */
long prs_pm_scan(struct prs_pages *pages, uint64_t start, uint64_t end, uint64_t inverted, uint64_t mask, uint64_t any, uint64_t wanted,
                 uint64_t *walked);
/* One read of pagemap entries for pages from start; returns pages read (> 0) or -errno. */
long prs_pm_read(struct prs_pages *pages, uint64_t start, uint64_t end);

#endif
