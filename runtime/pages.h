/* pages.h - which pages of large memory may have changed since the last checkpoint.
 *
 * INVARIANT P1: a page whose content differs from what the last prs_pages_done() saw is reported, whoever wrote it: program, libc,
 *               kernel; also when it vanished (munmap, MADV_DONTNEED) or was replaced.
 * Back ends: uffd (userfaultfd WP_ASYNC + PAGEMAP_SCAN, Linux 6.7), softdirty (pagemap bit 55 + clear_refs), all (every
 * resident page: pagemap bits). Hot pages (changed in consecutive scans) stay unprotected and are reported every time; they are
 * protected again when they stay clean.
 *
 * Context: init at start; the rest in the checkpoint handler or in restore: raw system calls, memory from the arena.
 * Raw ioctl and feature definitions are our own (Debian 12's headers are of 6.1).
 */
#ifndef PRS_PAGES_H
#define PRS_PAGES_H

#include "arena.h"
#include "options.h"
#include <stdbool.h>
#include <stdint.h>

enum prs_pages_backend { PRS_BACKEND_UFFD, PRS_BACKEND_SOFTDIRTY, PRS_BACKEND_ALL };

struct prs_pages; /* volatile state, in the arena */

/* Chooses a back end (options: tracker=full|copy means ALL). pages=uffd or softdirty insists: PROSPER_E_UNSUPPORTED when the kernel
 * has it not. fd_floor: descriptors of ours are moved to numbers just below it (F_DUPFD_CLOEXEC counting down); *fd_floor is
 * updated. */
int prs_pages_init(struct prs_pages **pages, const struct prs_options *options, struct prs_arena *arena, int *fd_floor);
enum prs_pages_backend prs_pages_backend(const struct prs_pages *pages);

/* [start, end) is tracked from now on; its pages count as all changed until the first prs_pages_done. Idempotent (a range that was
 * unmapped and mapped again is registered again, by one cheap call when nothing is new). Anonymous memory only: -EOPNOTSUPP when a
 * file mapping is among it; -errno where the kernel refuses. The caller then treats the range as compared in full (prs_pages_scan
 * reports all of a range that is not tracked). */
int prs_pages_track(struct prs_pages *pages, uint64_t start, uint64_t end);
void prs_pages_forget(struct prs_pages *pages, uint64_t start, uint64_t end);

/* In a restore, of a range that was tracked just now: all its pages have the committed content, and nothing has written there since they got it. Only what is written from
 * here on is reported. A back end that cannot do so reports everything once. */
void prs_pages_restored(struct prs_pages *pages, uint64_t start, uint64_t end);

/* The caller has seen [start, end) as it is now, and committed it: as if it had been scanned right before the last prs_pages_done. What cannot be protected counts as changed. False:
 * this back end cannot. Between commits only, while the program is stopped. */
bool prs_pages_protect(struct prs_pages *pages, uint64_t start, uint64_t end);

/* Writing to it costs no fault until it has been reported and done again. A hint. */
void prs_pages_unprotect(struct prs_pages *pages, uint64_t start, uint64_t end);

/* Without PRESENT: nothing there; anonymous memory reads as zero, a file mapping as the file. Reported at every scan, whether it was
 * ever there or not. */
enum { PRS_PAGE_PRESENT = 1 };
/* For each run of candidate pages in [start, end), ascending. A run has one value of flags. Non-zero return of visit stops. */
typedef int (*prs_pages_visitor)(void *context, uint64_t start, uint64_t end, unsigned flags);
int prs_pages_scan(struct prs_pages *pages, uint64_t start, uint64_t end, prs_pages_visitor visit, void *context);
/* From within visit or after it: this page turned out changed / unchanged (steers the hot list). */
void prs_pages_feedback(struct prs_pages *pages, uint64_t page, bool changed);
/* This page was left unprotected at the last prs_pages_done because it is hot: that it is reported says nothing. */
bool prs_pages_unwatched(const struct prs_pages *pages, uint64_t page);
/* The checkpoint has committed: from here on, changes are counted anew. Protects what prs_pages_scan reported and is not hot. Not
 * called after an abort, so that the next scan reports the same pages again. */
int prs_pages_done(struct prs_pages *pages);
/* The checkpoint was given up: forgets what was reported. Without it nothing is wrong, only the memory of what to protect may run full. */
void prs_pages_abort(struct prs_pages *pages);

struct prs_pages_use { uint64_t scans, reported, hot, protected_runs, fallback; };
/* What one fault costs here (ns; 0: there are none, or the back end is not uffd). Takes as long as 17 of them. After init, normal context. */
uint64_t prs_pages_fault_ns(struct prs_pages *pages);
void prs_pages_usage(const struct prs_pages *pages, struct prs_pages_use *use);

#endif
