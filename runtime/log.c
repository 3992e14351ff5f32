/* log.c - one line to stderr, from any context: a small formatter on the caller's stack and write(2).
 *
 * libc's printf family takes locks and allocates; inside a handler or in the middle of a restore neither may be touched. */
#include "log.h"
#include "prim.h"
#include <signal.h>
#include <stdbool.h>

struct sink {
    char *next, *last; /* last is kept for the terminator */
};

static void put(struct sink *sink, char c)
{
    if (sink->next < sink->last) {
        *sink->next++ = c;
    }
}

static void put_text(struct sink *sink, const char *text)
{
    for (text = text != NULL ? text : "(null)"; *text != '\0'; ++text) {
        put(sink, *text);
    }
}

static void put_number(struct sink *sink, unsigned long value, unsigned base, int width, char pad)
{
    char digits[24];
    int count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (width-- > count) {
        put(sink, pad);
    }
    while (count > 0) {
        put(sink, digits[--count]);
    }
}

unsigned long prs_vformat(char *buffer, unsigned long size, const char *format, __builtin_va_list args)
{
    if (size == 0) {
        return 0;
    }
    struct sink sink = {buffer, buffer + size - 1};
    for (; *format != '\0'; ++format) {
        if (*format != '%') {
            put(&sink, *format);
            continue;
        }
        ++format;
        char pad = *format == '0' ? '0' : ' ';
        int width = 0, longs = 0;
        while (*format >= '0' && *format <= '9') {
            width = width * 10 + (*format++ - '0');
        }
        while (*format == 'l' || *format == 'z') {
            ++longs, ++format;
        }
        switch (*format) {
        case 's': put_text(&sink, __builtin_va_arg(args, const char *)); break;
        case 'c': put(&sink, (char)__builtin_va_arg(args, int)); break;
        case 'd': {
            long value = longs > 0 ? __builtin_va_arg(args, long) : __builtin_va_arg(args, int);
            if (value < 0) {
                put(&sink, '-');
            }
            put_number(&sink, value < 0 ? 0ul - (unsigned long)value : (unsigned long)value, 10, width, pad);
            break;
        }
        case 'u':
        case 'x': {
            unsigned long value = longs > 0 ? __builtin_va_arg(args, unsigned long) : __builtin_va_arg(args, unsigned);
            put_number(&sink, value, *format == 'x' ? 16 : 10, width, pad);
            break;
        }
        case '%': put(&sink, '%'); break;
        default: put(&sink, '?'); break;
        }
        if (*format == '\0') {
            break;
        }
    }
    *sink.next = '\0';
    return (unsigned long)(sink.next - buffer);
}

unsigned long prs_format(char *buffer, unsigned long size, const char *format, ...)
{
    __builtin_va_list args;
    __builtin_va_start(args, format);
    unsigned long length = prs_vformat(buffer, size, format, args);
    __builtin_va_end(args);
    return length;
}

void prs_say(const char *format, ...)
{
    char line[1024]; /* without an initialiser: it would be a call of libc's memset, which does not work in the middle of a restore */
    prs_copy(line, "prosper: ", 9);
    __builtin_va_list args;
    __builtin_va_start(args, format);
    unsigned long length = 9 + prs_vformat(line + 9, sizeof line - 10, format, args);
    __builtin_va_end(args);
    for (unsigned long i = 9; i < length; ++i) { /* names and reasons come from pools and file systems: they are not to steer a terminal */
        line[i] = (unsigned char)line[i] < ' ' || line[i] == 127 ? '?' : line[i];
    }
    line[length++] = '\n';
    while (prs_sys(SYS_write, 2, line, length) == -4 /* EINTR */) {
    }
}

void prs_bug(const char *file, int line, const char *what)
{
    const char *name = file;
    for (const char *c = file; *c != '\0'; ++c) {
        if (*c == '/') {
            name = c + 1;
        }
    }
    prs_say("PROSPER_E_INTERNAL: %s:%d: %s does not hold; the last checkpoint is kept", name, line, what);
    /* SIGABRT with the default action and unblocked, whatever the program has set: a crash, not an end. */
    struct {
        void *handler;
        unsigned long flags;
        void *restorer;
        unsigned long mask;
    } action = {SIG_DFL, 0, NULL, 0};
    unsigned long abort_bit = 1ul << (SIGABRT - 1);
    prs_sys(SYS_rt_sigaction, SIGABRT, &action, NULL, 8);
    prs_sys(SYS_rt_sigprocmask, SIG_UNBLOCK, &abort_bit, NULL, 8);
    prs_sys(SYS_tgkill, prs_sys(SYS_getpid), prs_sys(SYS_gettid), SIGABRT);
    for (;;) {
        prs_sys(SYS_exit_group, 134);
    }
}
