/* fdtable.h - the program's descriptors: taken at a checkpoint, opened again at a restore. */
#ifndef PRS_FDTABLE_H
#define PRS_FDTABLE_H

#include "image.h"
#include <stdint.h>

/* What stands at the descriptors when the process begins (pipes, terminals and sockets among it can only be inherited; so is standard error). Start. */
int prs_fdtable_startup(void);
/* Descriptor table into META, paths into its text from *used on. *why: a descriptor that cannot be restored. Handler. */
int prs_fdtable_take(struct prs_meta *meta, uint32_t *used, const char **why);

/* Restore in two steps. Open: every file again, at temporary numbers, checked against the checkpoint; nothing has changed when it fails
 * (PROSPER_E_FILE_MISSING, FILE_SHORT, -errno). Start. */
int prs_fdtable_open(struct prs_meta *meta);
/* Cuts files back to their length at the checkpoint, and gives files that were made again their names; *count and *made: how many were. After this the restore cannot
 * be given up. */
int prs_fdtable_cut(const struct prs_meta *meta, unsigned *count, unsigned *made);
/* Moves everything to its number; the rest is closed. Raw system calls only. */
void prs_fdtable_install(const struct prs_meta *meta);

/* The file that standard output goes on in, when this process was given something else there; or NULL. Before install. */
const char *prs_fdtable_output_path(const struct prs_meta *meta);

#endif
