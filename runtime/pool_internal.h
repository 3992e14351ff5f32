/* pool_internal.h - what pool.c, pool_child.c and pool_place.c share. */
#ifndef PRS_POOL_INTERNAL_H
#define PRS_POOL_INTERNAL_H

#include "store_internal.h"

/* The error code for an errno, with "<what> <path>: <its text>" as the detail. */
int prs_pool_fail_errno(int error, const char *what, const char *path);

#endif
