/* writers.c - stand-ins for libc's byte, string, number and sorting functions (writers.def), for code in mode all.
 *
 * Instrumented code calls __prosper_w_<name> where it says <name>: the stand-in opens a window over what will be written, marks it, calls
 * the function as the program would (the program's own definition of the name wins, as always), marks again, closes.
 * Rest of the family: writers_stdio.c, writers_checked.c, writers_scan.c, writers_system.c, writers_services.c.
 *
 * INVARIANT: whatever the function writes through its arguments lies in the window while it runs and is marked when it returns.
 * Context: any of the program's. Neither allocates nor changes errno.
 */
#include "window.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

void *__memcpy_chk(void *to, const void *from, size_t count, size_t room);
void *__memmove_chk(void *to, const void *from, size_t count, size_t room);
void *__mempcpy_chk(void *to, const void *from, size_t count, size_t room);
void *__memset_chk(void *to, int byte, size_t count, size_t room);
char *__strcpy_chk(char *to, const char *from, size_t room);
char *__stpcpy_chk(char *to, const char *from, size_t room);
char *__strncpy_chk(char *to, const char *from, size_t count, size_t room);
char *__stpncpy_chk(char *to, const char *from, size_t count, size_t room);
char *__strcat_chk(char *to, const char *from, size_t room);
char *__strncat_chk(char *to, const char *from, size_t count, size_t room);

#define COPY (void *to, const void *from, size_t count)
PRS_WRITES(void *, memcpy, COPY, (to, from, count), to, count)
PRS_WRITES(void *, memmove, COPY, (to, from, count), to, count)
PRS_WRITES(void *, mempcpy, COPY, (to, from, count), to, count)
PRS_WRITES(void *, __mempcpy, COPY, (to, from, count), to, count)
PRS_WRITES(void *, memset, (void *to, int byte, size_t count), (to, byte, count), to, count)
static size_t copied_to(const char *from, int byte, size_t count)
{
    const char *last = memchr(from, byte, count);
    return last != NULL ? (size_t)(last - from) + 1 : count;
}
PRS_WRITES(void *, memccpy, (void *to, const void *from, int byte, size_t count), (to, from, byte, count), to, copied_to(from, byte, count))
PRS_WRITES_NOTHING_BACK(bzero, (void *to, size_t count), (to, count), to, count)
PRS_WRITES_NOTHING_BACK(explicit_bzero, (void *to, size_t count), (to, count), to, count)
PRS_WRITES_NOTHING_BACK(bcopy, (const void *from, void *to, size_t count), (from, to, count), to, count)
PRS_WRITES_NOTHING_BACK(swab, (const void *from, void *to, ssize_t count), (from, to, count), to, count > 0 ? (size_t)count : 0)
#define COPY_CHECKED (void *to, const void *from, size_t count, size_t room)
PRS_WRITES(void *, __memcpy_chk, COPY_CHECKED, (to, from, count, room), to, count)
PRS_WRITES(void *, __memmove_chk, COPY_CHECKED, (to, from, count, room), to, count)
PRS_WRITES(void *, __mempcpy_chk, COPY_CHECKED, (to, from, count, room), to, count)
PRS_WRITES(void *, __memset_chk, (void *to, int byte, size_t count, size_t room), (to, byte, count, room), to, count)

#define STRING (char *to, const char *from)
PRS_WRITES(char *, strcpy, STRING, (to, from), to, strlen(from) + 1)
PRS_WRITES(char *, stpcpy, STRING, (to, from), to, strlen(from) + 1)
PRS_WRITES(char *, __stpcpy, STRING, (to, from), to, strlen(from) + 1)
PRS_WRITES(char *, strcat, STRING, (to, from), to + strlen(to), strlen(from) + 1)
#define STRING_COUNT (char *to, const char *from, size_t count)
PRS_WRITES(char *, strncpy, STRING_COUNT, (to, from, count), to, count)
PRS_WRITES(char *, stpncpy, STRING_COUNT, (to, from, count), to, count)
PRS_WRITES(char *, strncat, STRING_COUNT, (to, from, count), to + strlen(to), strnlen(from, count) + 1)
PRS_WRITES(size_t, strxfrm, STRING_COUNT, (to, from, count), to, count)
PRS_WRITES(char *, __strcpy_chk, (char *to, const char *from, size_t room), (to, from, room), to, strlen(from) + 1)
PRS_WRITES(char *, __stpcpy_chk, (char *to, const char *from, size_t room), (to, from, room), to, strlen(from) + 1)
PRS_WRITES(char *, __strcat_chk, (char *to, const char *from, size_t room), (to, from, room), to + strlen(to), strlen(from) + 1)
#define STRING_CHECKED (char *to, const char *from, size_t count, size_t room)
PRS_WRITES(char *, __strncpy_chk, STRING_CHECKED, (to, from, count, room), to, count)
PRS_WRITES(char *, __stpncpy_chk, STRING_CHECKED, (to, from, count, room), to, count)
PRS_WRITES(char *, __strncat_chk, STRING_CHECKED, (to, from, count, room), to + strlen(to), strnlen(from, count) + 1)
PRS_WRITES(char *, strerror_r, (int error, char *to, size_t count), (error, to, count), to, count)

/* These end a word in place, somewhere in what is left of the string. strtok's own place is kept here: libc's cannot be asked for. */
static size_t left(const char *text) { return text != NULL ? strlen(text) + 1 : 0; }
PRS_WRITES_TWO(char *, strtok_r, (char *text, const char *separators, char **rest), (text, separators, rest), text != NULL ? text : *rest,
               left(text != NULL ? text : *rest), rest, sizeof *rest)
static __thread char *strtok_rest;
PRS_EXPORTED char *__prosper_w_strtok(char *text, const char *separators);
char *__prosper_w_strtok(char *text, const char *separators) { return __prosper_w_strtok_r(text, separators, &strtok_rest); }
PRS_WRITES_TWO(char *, strsep, (char **text, const char *separators), (text, separators), text, sizeof *text, *text,
               left(*text))

PRS_WRITES(wchar_t *, wmemcpy, (wchar_t *to, const wchar_t *from, size_t count), (to, from, count), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, wmemmove, (wchar_t *to, const wchar_t *from, size_t count), (to, from, count), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, wmemset, (wchar_t *to, wchar_t wide, size_t count), (to, wide, count), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, wcscpy, (wchar_t *to, const wchar_t *from), (to, from), to, PRS_WIDE(wcslen(from) + 1))
PRS_WRITES(wchar_t *, wcsncpy, (wchar_t *to, const wchar_t *from, size_t count), (to, from, count), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, wcscat, (wchar_t *to, const wchar_t *from), (to, from), to + wcslen(to), PRS_WIDE(wcslen(from) + 1))
PRS_WRITES_TWO(size_t, mbrtowc, (wchar_t *to, const char *from, size_t count, mbstate_t *state), (to, from, count, state), to,
               sizeof *to, state, sizeof *state)
PRS_WRITES_TWO(size_t, wcrtomb, (char *to, wchar_t wide, mbstate_t *state), (to, wide, state), to, PRS_MB_LEN_MAX, state, sizeof *state)
PRS_WRITES(size_t, mbstowcs, (wchar_t *to, const char *from, size_t count), (to, from, count), to, PRS_TO_WIDE_BYTES(from, count))
PRS_WRITES(size_t, wcstombs, (char *to, const wchar_t *from, size_t count), (to, from, count), to, PRS_FROM_WIDE_BYTES(from, count))
PRS_WRITES(int, mbtowc, (wchar_t *to, const char *from, size_t count), (to, from, count), to, sizeof *to)
PRS_WRITES(int, wctomb, (char *to, wchar_t wide), (to, wide), to, PRS_MB_LEN_MAX)

#define CONVERSION(to_type, from_type, name, bytes)                                                                     \
    PRS_EXPORTED size_t __prosper_w_##name(to_type *to, const from_type **from, size_t count, mbstate_t *state);        \
    size_t __prosper_w_##name(to_type *to, const from_type **from, size_t count, mbstate_t *state)                      \
    {                                                                                                                   \
        struct prs_window target, source, shift;                                                                        \
        prs_window_open(&target, to, bytes);                                                                            \
        prs_window_open(&source, from, sizeof *from);                                                                   \
        prs_window_open(&shift, state, sizeof *state);                                                                  \
        size_t result = name(to, from, count, state);                                                                   \
        prs_window_close(&shift);                                                                                       \
        prs_window_close(&source);                                                                                      \
        prs_window_close(&target);                                                                                      \
        return result;                                                                                                  \
    }
CONVERSION(wchar_t, char, mbsrtowcs, PRS_TO_WIDE_BYTES(*from, count))
CONVERSION(char, wchar_t, wcsrtombs, PRS_FROM_WIDE_BYTES(*from, count))

/* ---- numbers ---- */
#define PARSE(result, name) \
    PRS_WRITES(result, name, (const char *text, char **end, int base), (text, end, base), end, sizeof *end)
PARSE(long, strtol)
PARSE(unsigned long, strtoul)
PARSE(long long, strtoll)
PARSE(unsigned long long, strtoull)
PARSE(intmax_t, strtoimax)
PARSE(uintmax_t, strtoumax)
#define PARSE_REAL(result, name) PRS_WRITES(result, name, (const char *text, char **end), (text, end), end, sizeof *end)
PARSE_REAL(double, strtod)
PARSE_REAL(float, strtof)
PARSE_REAL(long double, strtold)
#define SPLIT(real, name, type) PRS_WRITES(real, name, (real x, type *part), (x, part), part, sizeof *part)
SPLIT(double, frexp, int)
SPLIT(float, frexpf, int)
SPLIT(long double, frexpl, int)
SPLIT(double, modf, double)
SPLIT(float, modff, float)
SPLIT(long double, modfl, long double)
SPLIT(double, lgamma_r, int)
PRS_WRITES(double, remquo, (double x, double y, int *quotient), (x, y, quotient), quotient, sizeof *quotient)
PRS_WRITES(float, remquof, (float x, float y, int *quotient), (x, y, quotient), quotient, sizeof *quotient)
#define SINCOS(real, name)                                                                    \
    PRS_EXPORTED void __prosper_w_##name(real x, real *sine, real *cosine);                   \
    void __prosper_w_##name(real x, real *sine, real *cosine)                                 \
    {                                                                                         \
        __prosper_mark_range(sine, sizeof *sine);                                             \
        __prosper_mark_range(cosine, sizeof *cosine);                                         \
        name(x, sine, cosine);                                                                \
    }
SINCOS(double, sincos)
SINCOS(float, sincosf)
SINCOS(long double, sincosl)
PRS_WRITES(int, rand_r, (unsigned *seed), (seed), seed, sizeof *seed)
PRS_WRITES(double, erand48, (unsigned short seed[3]), (seed), seed, 6)
PRS_WRITES(long, nrand48, (unsigned short seed[3]), (seed), seed, 6)
PRS_WRITES(long, jrand48, (unsigned short seed[3]), (seed), seed, 6)

/* ---- sorting: calls back into the program, so a mark may be dropped while it runs; the window is what counts ---- */
typedef int (*comparison)(const void *, const void *);
typedef int (*comparison_with)(const void *, const void *, void *);
PRS_WRITES_NOTHING_BACK(qsort, (void *base, size_t count, size_t bytes, comparison compare), (base, count, bytes, compare), base,
                        count * bytes)
PRS_WRITES_NOTHING_BACK(qsort_r, (void *base, size_t count, size_t bytes, comparison_with compare, void *with),
                        (base, count, bytes, compare, with), base, count * bytes)
