/* writers_scan.c - stand-ins for the scanf family (writers.def; see writers.c).
 *
 * Every conversion that stores takes one pointer. A first pass over the format finds each pointer and the bytes that the conversion may
 * write; %s and %[ without a width are open to the end of the mapping while the function runs, and marked by their length afterwards.
 * Context: any of the program's.
 */
#include "window.h"
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#define TARGETS_MAX 32 /* further conversions are marked as open to the end */

int __isoc99_vsscanf(const char *text, const char *format, va_list list);
int __isoc99_vfscanf(FILE *file, const char *format, va_list list);
int __isoc99_vscanf(const char *format, va_list list);

struct target {
    size_t bytes;   /* PRS_WINDOW_REST: a string of any length */
    unsigned place; /* of the pointer among the arguments, from 0 */
    size_t unit;    /* of a string: char or wchar_t */
    int ordinal;    /* among the conversions that the result counts (%n is not one) */
    bool allocates; /* the pointer is to a pointer: a fresh string */
};

struct targets {
    unsigned count;
    struct target at[TARGETS_MAX];
    struct prs_window windows[TARGETS_MAX];
};

static size_t integer_bytes(const char *modifier, size_t length)
{
    if (length == 2 && modifier[0] == 'h') {
        return sizeof(char);
    }
    switch (length == 0 ? '\0' : *modifier) {
    case 'h':
        return sizeof(short);
    case '\0':
        return sizeof(int);
    default:
        return sizeof(long);
    }
}

/* Parses one conversion that starts behind '%'; returns where it ends. place counts the pointers of unnumbered conversions. */
static const char *parse(const char *at, unsigned *place, struct target *target, int *stores)
{
    size_t width = 0;
    *stores = 1;
    size_t digits = strspn(at, "0123456789");
    if (digits > 0 && at[digits] == '$') {
        target->place = 0;
        for (size_t i = 0; i < digits; ++i) {
            target->place = target->place * 10 + (unsigned)(at[i] - '0');
        }
        --target->place;
        at += digits + 1;
    } else {
        target->place = *place;
    }
    for (; *at == '*' || *at == '\'' || *at == 'I' || isdigit((unsigned char)*at); ++at) {
        *stores = *at == '*' ? 0 : *stores;
        width = isdigit((unsigned char)*at) ? width * 10 + (size_t)(*at - '0') : width;
    }
    size_t length = strspn(at, "hlLqjztm");
    const char *modifier = at;
    at += length;
    target->allocates = memchr(modifier, 'm', length) != NULL;
    target->unit = memchr(modifier, 'l', length) != NULL ? sizeof(wchar_t) : 1;
    char kind = *at;
    at += kind != '\0';
    switch (kind) {
    case '%':
    case '\0':
        *stores = 0;
        return at;
    case 'C':
    case 'S':
        target->unit = sizeof(wchar_t);
        target->bytes = kind == 'C' ? (width != 0 ? width : 1) * target->unit : width != 0 ? (width + 1) * target->unit : PRS_WINDOW_REST;
        break;
    case 'c':
        target->bytes = (width != 0 ? width : 1) * target->unit;
        break;
    case '[': /* the set: a ']' that comes first belongs to it */
        at += *at == '^';
        at += *at == ']';
        at += strcspn(at, "]");
        at += *at == ']';
        __attribute__((fallthrough));
    case 's':
        target->bytes = width != 0 ? (width + 1) * target->unit : PRS_WINDOW_REST;
        break;
    case 'a': case 'A': case 'e': case 'E': case 'f': case 'F': case 'g': case 'G':
        target->bytes = length == 0 ? sizeof(float) : *modifier == 'L' || *modifier == 'q' ? sizeof(long double) : sizeof(double);
        break;
    case 'p':
        target->bytes = sizeof(void *);
        break;
    default:
        target->bytes = integer_bytes(modifier, length);
    }
    if (target->allocates) {
        target->bytes = sizeof(void *);
    }
    target->ordinal = kind == 'n' ? -1 : 0;
    *place += *stores != 0 && target->place == *place;
    return at;
}

static void *pointer_at(va_list list, unsigned place)
{
    va_list copy;
    void *pointer = NULL;
    va_copy(copy, list);
    for (unsigned i = 0; i <= place; ++i) {
        pointer = va_arg(copy, void *);
    }
    va_end(copy);
    return pointer;
}

static void open_targets(struct targets *targets, const char *format, va_list list)
{
    unsigned place = 0;
    int ordinal = 0;
    targets->count = 0;
    for (const char *at = strchr(format, '%'); at != NULL; at = strchr(at, '%')) {
        struct target target = {0};
        int stores;
        at = parse(at + 1, &place, &target, &stores);
        if (stores == 0) {
            continue;
        }
        target.ordinal = target.ordinal < 0 ? -1 : ordinal++;
        void *pointer = pointer_at(list, target.place);
        if (targets->count == TARGETS_MAX) { /* no room to remember it: its strings at most by their width */
            __prosper_mark_range(pointer, target.bytes != PRS_WINDOW_REST ? target.bytes : 65536);
            continue;
        }
        targets->at[targets->count] = target;
        prs_window_open(&targets->windows[targets->count], pointer, target.bytes);
        ++targets->count;
    }
}

static size_t string_bytes(const void *text, size_t unit)
{
    return unit == 1 ? strlen(text) + 1 : (wcslen(text) + 1) * sizeof(wchar_t);
}

/* A conversion beyond the result stored nothing: a string is stored only once its first character matched, and then it is counted. */
static void close_targets(struct targets *targets, int converted)
{
    for (unsigned i = targets->count; i-- > 0;) {
        const struct target *target = &targets->at[i];
        struct prs_window *window = &targets->windows[i];
        bool stored = target->ordinal < converted && window->address != 0;
        if (stored && target->allocates && target->ordinal >= 0) {
            void *text;
            memcpy(&text, (const void *)window->address, sizeof text);
            __prosper_mark_range(text, string_bytes(text, target->unit));
        }
        if (window->size == PRS_WINDOW_REST) {
            prs_window_shrink(window, stored ? string_bytes((const void *)window->address, target->unit) : 0);
        }
        prs_window_close(window);
    }
}

#define SCAN_V(name, parameters, arguments)         \
    PRS_EXPORTED int __prosper_w_##name parameters; \
    int __prosper_w_##name parameters               \
    {                                               \
        struct targets targets;                     \
        open_targets(&targets, format, list);       \
        int result = name arguments;                \
        close_targets(&targets, result);            \
        return result;                              \
    }
SCAN_V(__isoc99_vsscanf, (const char *text, const char *format, va_list list), (text, format, list))
SCAN_V(__isoc99_vfscanf, (FILE *file, const char *format, va_list list), (file, format, list))
SCAN_V(__isoc99_vscanf, (const char *format, va_list list), (format, list))
PRS_VARIES(__isoc99_sscanf, (const char *text, const char *format, ...), format, __prosper_w___isoc99_vsscanf(text, format, list))
PRS_VARIES(__isoc99_fscanf, (FILE *file, const char *format, ...), format, __prosper_w___isoc99_vfscanf(file, format, list))
PRS_VARIES(__isoc99_scanf, (const char *format, ...), format, __prosper_w___isoc99_vscanf(format, list))

/* Under their own names, these have another meaning of %a (GNU's allocating one); <stdio.h> gives the names above to everybody else. */
int prs_gnu_vsscanf(const char *text, const char *format, va_list list) __asm__("vsscanf");
int prs_gnu_vfscanf(FILE *file, const char *format, va_list list) __asm__("vfscanf");
int prs_gnu_vscanf(const char *format, va_list list) __asm__("vscanf");
#define SCAN_GNU_V(name, parameters, arguments)     \
    PRS_EXPORTED int __prosper_w_##name parameters; \
    int __prosper_w_##name parameters               \
    {                                               \
        struct targets targets;                     \
        open_targets(&targets, format, list);       \
        int result = prs_gnu_##name arguments;      \
        close_targets(&targets, result);            \
        return result;                              \
    }
SCAN_GNU_V(vsscanf, (const char *text, const char *format, va_list list), (text, format, list))
SCAN_GNU_V(vfscanf, (FILE *file, const char *format, va_list list), (file, format, list))
SCAN_GNU_V(vscanf, (const char *format, va_list list), (format, list))
PRS_VARIES(sscanf, (const char *text, const char *format, ...), format, __prosper_w_vsscanf(text, format, list))
PRS_VARIES(fscanf, (FILE *file, const char *format, ...), format, __prosper_w_vfscanf(file, format, list))
PRS_VARIES(scanf, (const char *format, ...), format, __prosper_w_vscanf(format, list))
