/* repair.h - `prosper verify --repair COPY pool`. */
#ifndef PRS_REPAIR_H
#define PRS_REPAIR_H

/* Writes what it does to stdout. Exit status: 0 copy_path is a whole pool, 1 it cannot be made one and is not there, COMMAND_REFUSED. */
int repair(const char *path, const char *copy_path);

#endif
