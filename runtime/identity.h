/* identity.h - what must be the same for a checkpoint to be resumed: builds, vdso, processor, limits. */
#ifndef PRS_IDENTITY_H
#define PRS_IDENTITY_H

#include "image.h"
#include <stdint.h>

/* Fills size, mtime and (from the ELF header mapped at `mapped`, 0: not mapped) the GNU build-id. Handler-safe. */
void prs_identity_of_file(struct prs_mapped_file *file, const char *path, uint64_t mapped, uint64_t mapped_bytes);
/* vdso, processor, stack limit, brk of this process into META. Start. */
void prs_identity_take(struct prs_meta *meta);
/* Does this process match the checkpoint in META? 0 or PROSPER_E_OTHER_* with a detail that names the difference. Start, nothing changed. */
int prs_identity_check(const struct prs_meta *meta);

#endif
