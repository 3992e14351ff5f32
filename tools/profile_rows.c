/* profile_rows.c - the table of a profile. */
#include "profile_rows.h"
#include "command.h"
#include <stdlib.h>
#include <string.h>

int rows_add(struct rows *rows, enum row_kind kind, const char *name, const char *place, uint64_t bytes)
{
    if (bytes == 0) {
        return 0;
    }
    if (rows->count == rows->capacity) {
        uint64_t capacity = rows->capacity * 2 + 64;
        struct row *larger = realloc(rows->rows, capacity * sizeof *larger);
        if (larger == NULL) {
            return -1;
        }
        rows->rows = larger;
        rows->capacity = capacity;
    }
    struct row *row = &rows->rows[rows->count++];
    memset(row, 0, sizeof *row);
    row->kind = kind;
    strncpy(row->name, name, ROW_NAME_MAX - 1);
    strncpy(row->place, place, ROW_PLACE_MAX - 1);
    row->bytes = bytes;
    rows->bytes += bytes;
    return 0;
}

static int same_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int order = (int)x->kind - (int)y->kind;
    order = order != 0 ? order : strcmp(x->name, y->name);
    return order != 0 ? order : strcmp(x->place, y->place);
}

static int largest_first(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : same_first(a, b);
}

void rows_rank(struct rows *rows)
{
    if (rows->count == 0) {
        return;
    }
    qsort(rows->rows, rows->count, sizeof *rows->rows, same_first);
    uint64_t kept = 0;
    for (uint64_t i = 1; i < rows->count; i++) {
        if (same_first(&rows->rows[kept], &rows->rows[i]) == 0) {
            rows->rows[kept].bytes += rows->rows[i].bytes;
        } else {
            rows->rows[++kept] = rows->rows[i];
        }
    }
    rows->count = kept + 1;
    qsort(rows->rows, rows->count, sizeof *rows->rows, largest_first);
}

/* Rounded down, and what is missing at the end goes to those that lost most. */
void rows_shares(const struct rows *rows, uint64_t count, unsigned *shares)
{
    uint64_t rest = rows->bytes, total = rows->bytes != 0 ? rows->bytes : 1;
    double *lost = calloc(count + 1, sizeof *lost);
    unsigned sum = 0;
    for (uint64_t i = 0; i <= count; i++) {
        uint64_t bytes = i < count ? rows->rows[i].bytes : rest;
        double exact = (double)bytes * 1000.0 / (double)total;
        rest -= i < count ? bytes : 0;
        shares[i] = (unsigned)exact;
        sum += shares[i];
        if (lost != NULL) {
            lost[i] = exact - shares[i];
        }
    }
    while (rows->bytes != 0 && sum < 1000) {
        uint64_t most = 0;
        for (uint64_t i = 1; lost != NULL && i <= count; i++) {
            most = lost[i] > lost[most] ? i : most;
        }
        if (lost != NULL) {
            lost[most] = -1;
        }
        shares[most]++;
        sum++;
    }
    free(lost);
}

void rows_print(FILE *out, const struct rows *rows, uint64_t most, uint64_t checkpoints)
{
    static const char *const kinds[] = {"stack", "heap", "data", "other"};
    uint64_t count = rows->count < most ? rows->count : most, rest = rows->bytes;
    unsigned *shares = calloc(count + 1, sizeof *shares);
    if (shares == NULL) {
        return;
    }
    rows_shares(rows, count, shares);
    uint64_t each = checkpoints != 0 ? checkpoints : 1;
    size_t width = 0;
    for (uint64_t i = 0; i < count; i++) {
        size_t length = strlen(rows->rows[i].name);
        width = length > width ? length : width;
    }
    width = width > 40 ? 40 : width;
    fprintf(out, "      %%  per checkpoint       total\n");
    for (uint64_t i = 0; i < count; i++) {
        const struct row *row = &rows->rows[i];
        fprintf(out, "  %5.1f  %14s  %10s  %-5s  ", shares[i] / 10.0, text_bytes(row->bytes / each), text_bytes(row->bytes), kinds[row->kind]);
        print_text(out, row->name);
        if (row->place[0] != '\0') {
            fprintf(out, "%*s  ", (int)(width > strlen(row->name) ? width - strlen(row->name) : 0), "");
            print_text(out, row->place);
        }
        fputc('\n', out);
        rest -= row->bytes;
    }
    if (rows->count > count) {
        fprintf(out, "  %5.1f  %14s  %10s  %lu more\n", shares[count] / 10.0, text_bytes(rest / each), text_bytes(rest), rows->count - count);
    }
    free(shares);
}

void rows_free(struct rows *rows)
{
    free(rows->rows);
    *rows = (struct rows){0};
}
