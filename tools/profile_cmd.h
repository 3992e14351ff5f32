/* profile_cmd.h - the report of a profile. */
#ifndef PRS_PROFILE_CMD_H
#define PRS_PROFILE_CMD_H

#include <stdio.h>

/* 0, or a code with a detail, and nothing printed. */
int profile_print(FILE *out, const char *path);

#endif
