/* writers_checked.c - stand-ins for what -D_FORTIFY_SOURCE calls instead of the functions that a program names: the same, with the room that there is (writers.def; see writers.c).
 *
 * Those of writers.c and writers_stdio.c that copy into memory stand there. Context: any of the program's.
 */
#include "printing.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <syslog.h>
#include <wchar.h>

/* ---- printing ---- */
int __vprintf_chk(int flag, const char *format, va_list list);
int __vfprintf_chk(FILE *file, int flag, const char *format, va_list list);
int __vdprintf_chk(int fd, int flag, const char *format, va_list list);
int __vasprintf_chk(char **to, int flag, const char *format, va_list list);
void __vsyslog_chk(int priority, int flag, const char *format, va_list list);

PRINT_ELSEWHERE(__vprintf_chk, (int flag, const char *format, va_list list), (flag, format, list))
PRINT_ELSEWHERE(__vfprintf_chk, (FILE *file, int flag, const char *format, va_list list), (file, flag, format, list))
PRINT_ELSEWHERE(__vdprintf_chk, (int fd, int flag, const char *format, va_list list), (fd, flag, format, list))
PRS_VARIES(__printf_chk, (int flag, const char *format, ...), format, __prosper_w___vprintf_chk(flag, format, list))
PRS_VARIES(__fprintf_chk, (FILE *file, int flag, const char *format, ...), format, __prosper_w___vfprintf_chk(file, flag, format, list))
PRS_VARIES(__dprintf_chk, (int fd, int flag, const char *format, ...), format, __prosper_w___vdprintf_chk(fd, flag, format, list))
PRINT_NOTHING_BACK(__syslog_chk, (int priority, int flag, const char *format, ...), __vsyslog_chk(priority, flag, format, list))

PRS_EXPORTED int __prosper_w___vasprintf_chk(char **to, int flag, const char *format, va_list list);
int __prosper_w___vasprintf_chk(char **to, int flag, const char *format, va_list list)
{
    struct prs_window window;
    struct prs_counts counts;
    prs_counts_open(&counts, format, list);
    prs_window_open(&window, to, sizeof *to);
    int result = __vasprintf_chk(to, flag, format, list);
    prs_window_close(&window);
    prs_counts_close(&counts);
    if (result >= 0) { /* a fresh block */
        __prosper_mark_range(*to, (size_t)result + 1);
    }
    return result;
}
PRS_VARIES(__asprintf_chk, (char **to, int flag, const char *format, ...), format, __prosper_w___vasprintf_chk(to, flag, format, list))

/* ---- reading ---- */
size_t __fread_unlocked_chk(void *to, size_t room, size_t bytes, size_t count, FILE *file);
char *__fgets_unlocked_chk(char *to, size_t room, int size, FILE *file);
ssize_t __recv_chk(int fd, void *to, size_t count, size_t room, int flags);
int __poll_chk(struct pollfd *to, nfds_t count, int timeout, size_t room);
int __ppoll_chk(struct pollfd *to, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room);
ssize_t __readlink_chk(const char *path, char *to, size_t count, size_t room);
ssize_t __readlinkat_chk(int fd, const char *path, char *to, size_t count, size_t room);
char *__getcwd_chk(char *to, size_t count, size_t room);
char *__realpath_chk(const char *path, char *to, size_t room);
int __gethostname_chk(char *to, size_t count, size_t room);
size_t __confstr_chk(int name, char *to, size_t count, size_t room);
void __explicit_bzero_chk(void *to, size_t count, size_t room);

PRS_WRITES(size_t, __fread_unlocked_chk, (void *to, size_t room, size_t bytes, size_t count, FILE *file), (to, room, bytes, count, file), to, bytes * count)
PRS_WRITES(char *, __fgets_unlocked_chk, (char *to, size_t room, int size, FILE *file), (to, room, size, file), to, size > 0 ? (size_t)size : 0)
PRS_WRITES(ssize_t, __recv_chk, (int fd, void *to, size_t count, size_t room, int flags), (fd, to, count, room, flags), to, count)
PRS_WRITES(int, __poll_chk, (struct pollfd *to, nfds_t count, int timeout, size_t room), (to, count, timeout, room), to, count * sizeof *to)
PRS_WRITES(int, __ppoll_chk, (struct pollfd *to, nfds_t count, const struct timespec *timeout, const sigset_t *mask, size_t room), (to, count, timeout, mask, room), to,
           count * sizeof *to)
PRS_WRITES(ssize_t, __readlink_chk, (const char *path, char *to, size_t count, size_t room), (path, to, count, room), to, count)
PRS_WRITES(ssize_t, __readlinkat_chk, (int fd, const char *path, char *to, size_t count, size_t room), (fd, path, to, count, room), to, count)
PRS_WRITES(char *, __getcwd_chk, (char *to, size_t count, size_t room), (to, count, room), to, count)
PRS_WRITES(char *, __realpath_chk, (const char *path, char *to, size_t room), (path, to, room), to, 4096)
PRS_WRITES(int, __gethostname_chk, (char *to, size_t count, size_t room), (to, count, room), to, count)
PRS_WRITES(size_t, __confstr_chk, (int name, char *to, size_t count, size_t room), (name, to, count, room), to, count)
PRS_WRITES_NOTHING_BACK(__explicit_bzero_chk, (void *to, size_t count, size_t room), (to, count, room), to, count)

/* ---- wide characters ---- */
wchar_t *__wmemcpy_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room);
wchar_t *__wmemmove_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room);
wchar_t *__wmemset_chk(wchar_t *to, wchar_t wide, size_t count, size_t room);
wchar_t *__wcscpy_chk(wchar_t *to, const wchar_t *from, size_t room);
wchar_t *__wcscat_chk(wchar_t *to, const wchar_t *from, size_t room);
wchar_t *__wcsncpy_chk(wchar_t *to, const wchar_t *from, size_t count, size_t room);
size_t __mbstowcs_chk(wchar_t *to, const char *from, size_t count, size_t room);
size_t __wcstombs_chk(char *to, const wchar_t *from, size_t count, size_t room);
int __wctomb_chk(char *to, wchar_t wide, size_t room);
size_t __wcrtomb_chk(char *to, wchar_t wide, mbstate_t *state, size_t room);

#define WIDE_COPY (wchar_t *to, const wchar_t *from, size_t count, size_t room)
PRS_WRITES(wchar_t *, __wmemcpy_chk, WIDE_COPY, (to, from, count, room), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, __wmemmove_chk, WIDE_COPY, (to, from, count, room), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, __wcsncpy_chk, WIDE_COPY, (to, from, count, room), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, __wmemset_chk, (wchar_t *to, wchar_t wide, size_t count, size_t room), (to, wide, count, room), to, PRS_WIDE(count))
PRS_WRITES(wchar_t *, __wcscpy_chk, (wchar_t *to, const wchar_t *from, size_t room), (to, from, room), to, PRS_WIDE(wcslen(from) + 1))
PRS_WRITES(wchar_t *, __wcscat_chk, (wchar_t *to, const wchar_t *from, size_t room), (to, from, room), to + wcslen(to), PRS_WIDE(wcslen(from) + 1))
PRS_WRITES(size_t, __mbstowcs_chk, (wchar_t *to, const char *from, size_t count, size_t room), (to, from, count, room), to, PRS_WIDE(count))
PRS_WRITES(size_t, __wcstombs_chk, (char *to, const wchar_t *from, size_t count, size_t room), (to, from, count, room), to, count)
PRS_WRITES(int, __wctomb_chk, (char *to, wchar_t wide, size_t room), (to, wide, room), to, PRS_MB_LEN_MAX)
PRS_WRITES_TWO(size_t, __wcrtomb_chk, (char *to, wchar_t wide, mbstate_t *state, size_t room), (to, wide, state, room), to, PRS_MB_LEN_MAX, state, sizeof *state)
