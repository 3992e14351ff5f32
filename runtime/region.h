/* region.h - which ranges of the process are in the image, and how each is kept. */
#ifndef PRS_REGION_H
#define PRS_REGION_H

#include "image.h"
#include "maps.h"
#include "state.h"
#include <stdbool.h>
#include <stdint.h>

#define PRS_LARGE_MIN (256ul << 10)      /* anonymous mappings from here on are large memory */
#define PRS_LARGE_DATA_MIN (1ul << 20)   /* data of executable and libraries */
#define PRS_SMALL_BUDGET (16ul << 20)    /* small memory over this: anonymous mappings are large whatever their size */

/* Takes down the mappings that every start of this program has, before the first checkpoint or restore. Start. */
int prs_regions_startup(void);
/* Reads the kernel's list and rebuilds the region table in META where it changed. *why: NULL, or what cannot be restored (a static text or one in
 * prs_p.reason). 0 or -errno. Handler. */
int prs_regions_refresh(const char **why);
/* The entry of a read-only file mapping that stood there, with the same content, before the first instruction of the program; or NULL. */
const struct prs_region *prs_region_startup_of(const struct prs_map *map);
/* LARGE ranges of the table, merged; returns their number. */
uint32_t prs_regions_large(struct prs_range *out, uint32_t max);
/* Region that holds address, or NULL. */
const struct prs_region *prs_region_at(const struct prs_meta *meta, uint64_t address);
/* Large anonymous memory of the marked part: what marks may be relied on for (marks.h). */
bool prs_region_marked(const struct prs_region *region);
const char *prs_region_name(const struct prs_meta *meta, const struct prs_region *region);

/* Ranges that prosper_exclude named: whole pages, in the image's own data so that a restore brings them back. */
int prs_region_exclude(uint64_t start, uint64_t end);

/* [start, end) is about to become writable: if it was read-only since the start (code, constants, RELRO), it may have content of its own from now on. Any context, vfork
 * children too; idempotent; remembered in the image. */
void prs_region_opened(uint64_t start, uint64_t end);

/* Offset in META's text of a string, appended after `*used`; 0 when there is no room. */
uint32_t prs_text_add(struct prs_meta *meta, uint32_t *used, const char *text, uint64_t length);

#endif
