/* log.h - one line to stderr by write(2). Safe in any context: formats into a buffer on the caller's stack, no libc. */
#ifndef PRS_LOG_H
#define PRS_LOG_H

/* "prosper: " + message + newline. Understands %s %d %u %ld %lu %lx %llu %zu %c %%. */
void prs_say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Into a buffer, always terminated; returns the length written (never more than size-1). Same subset. */
unsigned long prs_format(char *buffer, unsigned long size, const char *format, ...) __attribute__((format(printf, 3, 4)));
unsigned long prs_vformat(char *buffer, unsigned long size, const char *format, __builtin_va_list args);

/* Our own bug: one line with place and reason, then death by SIGABRT (which is a crash, so the last checkpoint stays). On in release too. */
void prs_bug(const char *file, int line, const char *what) __attribute__((noreturn));
#define PRS_ASSERT(condition) ((condition) ? (void)0 : prs_bug(__FILE__, __LINE__, #condition))

#endif
