/* fdtable_internal.h - what taking and restoring descriptors share. */
#ifndef PRS_FDTABLE_INTERNAL_H
#define PRS_FDTABLE_INTERNAL_H

/* Calls visit for every open descriptor that is not ours, ascending; a non-zero result stops. 0, -errno, or that result. */
typedef int (*prs_fd_visitor)(void *context, int fd);
int prs_fd_each(prs_fd_visitor visit, void *context);

#endif
