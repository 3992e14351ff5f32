/* program_find.h - which file a command is, and whether it has the runtime in it. */
#ifndef PRS_PROGRAM_FIND_H
#define PRS_PROGRAM_FIND_H

/* Exit statuses as env(1), timeout(1) and shells have them. */
#define PROGRAM_NOT_FOUND 127
#define PROGRAM_NOT_EXECUTABLE 126

/* As execvp finds it, into out[PATH_MAX]. 0, or an exit status with its line printed. */
int program_find(const char *name, char *out);
/* 0 when it is linked with libprosper, else an exit status with its line printed. */
int program_check(const char *path);

#endif
