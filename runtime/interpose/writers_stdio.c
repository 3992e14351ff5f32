/* writers_stdio.c - stand-ins for printing into memory and reading through stdio (writers.def; see writers.c).
 *
 * sprintf and its kin do not know the length before: the window is open to the end of the mapping, and shrinks to what was written.
 * %n makes any printing function a writer: the places are found by libc's own reading of the format.
 * Context: any of the program's.
 */
#include "interpose.h"
#include "printing.h"
#include <err.h>
#include <printf.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <syslog.h>
#include <wchar.h>

int __vsprintf_chk(char *to, int flag, size_t room, const char *format, va_list arguments);
int __vsnprintf_chk(char *to, size_t size, int flag, size_t room, const char *format, va_list arguments);
size_t __fread_chk(void *to, size_t room, size_t bytes, size_t count, FILE *file);
char *__fgets_chk(char *to, size_t room, int size, FILE *file);
ssize_t __getdelim(char **line, size_t *size, int end, FILE *file);

#define ARGUMENTS_MAX 64

/* May this format hold a %n? (A cheap look; the exact one is libc's.) */
static bool may_count(const char *format)
{
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        ++at;
        at += strspn(at, "0123456789$*.-+ #'IhlLqjzZt");
        if (*at == 'n') {
            return true;
        }
        at += *at != '\0';
    }
    return false;
}

static void add(struct prs_counts *counts, const void *place)
{
    if (counts->count == PRS_COUNTS_MAX) {
        counts->anywhere = true;
    } else {
        prs_window_open(&counts->windows[counts->count++], place, sizeof(long long));
    }
}

void prs_counts_open(struct prs_counts *counts, const char *format, va_list arguments)
{
    int types[ARGUMENTS_MAX];
    va_list copy;
    counts->count = 0;
    counts->anywhere = false;
    if (format == NULL || !may_count(format)) {
        return;
    }
    size_t count = parse_printf_format(format, ARGUMENTS_MAX, types);
    counts->anywhere = count > ARGUMENTS_MAX;
    va_copy(copy, arguments);
    for (size_t i = 0; i < count && i < ARGUMENTS_MAX; ++i) {
        int kind = types[i] & ~PA_FLAG_MASK;
        if ((types[i] & PA_FLAG_PTR) != 0) {
            add(counts, va_arg(copy, void *));
        } else if ((kind == PA_DOUBLE || kind == PA_FLOAT) && (types[i] & PA_FLAG_LONG_DOUBLE) != 0) {
            (void)va_arg(copy, long double);
        } else if (kind == PA_DOUBLE || kind == PA_FLOAT) {
            (void)va_arg(copy, double);
        } else if (kind == PA_STRING || kind == PA_WSTRING || kind == PA_POINTER) {
            (void)va_arg(copy, void *);
        } else { /* all integers take one 8-byte place */
            (void)va_arg(copy, long);
        }
    }
    va_end(copy);
    if (counts->anywhere) {
        prs_writes_anywhere();
    }
}

void prs_counts_close(struct prs_counts *counts)
{
    if (counts->anywhere) {
        prs_wrote_anywhere();
    }
    while (counts->count > 0) {
        prs_window_close(&counts->windows[--counts->count]);
    }
}

/* result: as of vsprintf; with a limit, no more than that was written. */
static void close_printed(struct prs_window *window, int result, size_t limit)
{
    size_t bytes = result >= 0 ? (size_t)result + 1 : window->address != 0 ? strnlen((const char *)window->address, limit) + 1 : 0;
    prs_window_shrink(window, bytes < limit ? bytes : limit);
    prs_window_close(window);
}

#define PRINT_V(name, parameters, arguments, limit)          \
    PRS_EXPORTED int __prosper_w_##name parameters;          \
    int __prosper_w_##name parameters                        \
    {                                                        \
        struct prs_window window;                            \
        struct prs_counts counts;                            \
        prs_counts_open(&counts, format, list);              \
        prs_window_open(&window, to, PRS_WINDOW_REST);       \
        int result = name arguments;                         \
        close_printed(&window, result, limit);               \
        prs_counts_close(&counts);                           \
        return result;                                       \
    }
PRINT_V(vsprintf, (char *to, const char *format, va_list list), (to, format, list), SIZE_MAX)
PRINT_V(vsnprintf, (char *to, size_t size, const char *format, va_list list), (to, size, format, list), PRS_PLANTED(print_unmarked) ? 0 : size)
PRINT_V(__vsprintf_chk, (char *to, int flag, size_t room, const char *format, va_list list), (to, flag, room, format, list), SIZE_MAX)
PRINT_V(__vsnprintf_chk, (char *to, size_t size, int flag, size_t room, const char *format, va_list list),
        (to, size, flag, room, format, list), size)

PRS_VARIES(sprintf, (char *to, const char *format, ...), format, __prosper_w_vsprintf(to, format, list))
PRS_VARIES(snprintf, (char *to, size_t size, const char *format, ...), format, __prosper_w_vsnprintf(to, size, format, list))
PRS_VARIES(__sprintf_chk, (char *to, int flag, size_t room, const char *format, ...), format,
           __prosper_w___vsprintf_chk(to, flag, room, format, list))
PRS_VARIES(__snprintf_chk, (char *to, size_t size, int flag, size_t room, const char *format, ...), format,
           __prosper_w___vsnprintf_chk(to, size, flag, room, format, list))

PRINT_ELSEWHERE(vprintf, (const char *format, va_list list), (format, list))
PRINT_ELSEWHERE(vfprintf, (FILE *file, const char *format, va_list list), (file, format, list))
PRS_VARIES(printf, (const char *format, ...), format, __prosper_w_vprintf(format, list))
PRS_VARIES(fprintf, (FILE *file, const char *format, ...), format, __prosper_w_vfprintf(file, format, list))
PRINT_ELSEWHERE(vdprintf, (int fd, const char *format, va_list list), (fd, format, list))
PRS_VARIES(dprintf, (int fd, const char *format, ...), format, __prosper_w_vdprintf(fd, format, list))
PRINT_NOTHING_BACK(syslog, (int priority, const char *format, ...), vsyslog(priority, format, list))
PRINT_NOTHING_BACK(warn, (const char *format, ...), vwarn(format, list))
PRINT_NOTHING_BACK(warnx, (const char *format, ...), vwarnx(format, list))
/* These end the program, but its own functions may run before the end. */
PRINT_NOTHING_BACK(err, (int status, const char *format, ...), verr(status, format, list))
PRINT_NOTHING_BACK(errx, (int status, const char *format, ...), verrx(status, format, list))

PRS_EXPORTED int __prosper_w_vasprintf(char **to, const char *format, va_list list);
int __prosper_w_vasprintf(char **to, const char *format, va_list list)
{
    struct prs_window window;
    struct prs_counts counts;
    prs_counts_open(&counts, format, list);
    prs_window_open(&window, to, sizeof *to);
    int result = vasprintf(to, format, list);
    prs_window_close(&window);
    prs_counts_close(&counts);
    if (result >= 0) { /* a fresh block */
        __prosper_mark_range(*to, (size_t)result + 1);
    }
    return result;
}
PRS_VARIES(asprintf, (char **to, const char *format, ...), format, __prosper_w_vasprintf(to, format, list))

/* ---- reading ---- */
#define READ (void *to, size_t bytes, size_t count, FILE *file)
PRS_WRITES(size_t, fread, READ, (to, bytes, count, file), to, bytes * count)
PRS_WRITES(size_t, fread_unlocked, READ, (to, bytes, count, file), to, bytes * count)
PRS_WRITES(size_t, __fread_chk, (void *to, size_t room, size_t bytes, size_t count, FILE *file), (to, room, bytes, count, file), to,
           bytes * count)
#define LINE (char *to, int size, FILE *file)
PRS_WRITES(char *, fgets, LINE, (to, size, file), to, size > 0 ? (size_t)size : 0)
PRS_WRITES(char *, fgets_unlocked, LINE, (to, size, file), to, size > 0 ? (size_t)size : 0)
PRS_WRITES(char *, __fgets_chk, (char *to, size_t room, int size, FILE *file), (to, room, size, file), to, size > 0 ? (size_t)size : 0)
PRS_WRITES(int, fgetpos, (FILE *file, fpos_t *to), (file, to), to, sizeof *to)
PRS_WRITES(int, fgetpos64, (FILE *file, fpos64_t *to), (file, to), to, sizeof *to)

/* The buffer may be replaced by a larger one while the line grows: read into a window on the old one, mark the new one. A checkpoint in
 * the middle must not miss the new one, which is nobody's yet: its content counts only once *line names it. */
#define READ_LINE(name, parameters, arguments)                                \
    PRS_EXPORTED ssize_t __prosper_w_##name parameters;                       \
    ssize_t __prosper_w_##name parameters                                     \
    {                                                                         \
        struct prs_window old, pointer, length;                               \
        prs_window_open(&old, *line, *line != NULL ? *size : 0);              \
        prs_window_open(&pointer, line, sizeof *line);                        \
        prs_window_open(&length, size, sizeof *size);                         \
        ssize_t result = name arguments;                                      \
        if (*line != NULL) {                                                  \
            __prosper_mark_range(*line, *size);                               \
        }                                                                     \
        prs_window_close(&length);                                            \
        prs_window_close(&pointer);                                           \
        prs_window_shrink(&old, 0);                                           \
        prs_window_close(&old);                                               \
        return result;                                                        \
    }
READ_LINE(getline, (char **line, size_t *size, FILE *file), (line, size, file))
READ_LINE(getdelim, (char **line, size_t *size, int end, FILE *file), (line, size, end, file))
READ_LINE(__getdelim, (char **line, size_t *size, int end, FILE *file), (line, size, end, file))
