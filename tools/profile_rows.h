/* profile_rows.h - the table of a profile: contributions are added, joined by name, ranked and printed. Text and numbers only; where they come from is profile_read.c's
 * and profile_names.c's. */
#ifndef PRS_PROFILE_ROWS_H
#define PRS_PROFILE_ROWS_H

#include <stdint.h>
#include <stdio.h>

#define ROW_NAME_MAX 160
#define ROW_PLACE_MAX 256

enum row_kind { ROW_STACK, ROW_HEAP, ROW_DATA, ROW_OTHER };
struct row {
    enum row_kind kind;
    char name[ROW_NAME_MAX], place[ROW_PLACE_MAX]; /* place: "file:line", a library's name, or "" */
    uint64_t bytes;
};

struct rows {
    struct row *rows;
    uint64_t count, capacity;
    uint64_t bytes; /* of all */
};

/* Nothing for 0 bytes. False when there is no memory. */
int rows_add(struct rows *rows, enum row_kind kind, const char *name, const char *place, uint64_t bytes);
/* Joins those of the same kind, name and place; the largest first. */
void rows_rank(struct rows *rows);
/* Shares of the whole in tenths of a per cent, of the first `count` and, in shares[count], of all that come after: they sum to 1000, and each is next to what it would be exactly. */
void rows_shares(const struct rows *rows, uint64_t count, unsigned *shares);
void rows_print(FILE *out, const struct rows *rows, uint64_t most, uint64_t checkpoints);
void rows_free(struct rows *rows);

#endif
