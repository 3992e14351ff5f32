/* large.c - large stack objects, whose stores need no mark, beside others that do. Compiled and read, never run. */
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

void foreign(void *);
long foreign_number(long);
struct large { long count; char bytes[400000]; double table[60000]; };

long fills(long n) { long a[100000]; for (long i = 0; i < n; ++i) a[i] = i * n; long sum = 0; for (long i = 0; i < n; i += 7) sum += a[i]; return sum; }
long small_and_large(long n) { char a[300000]; long small[10]; for (long i = 0; i < 10; ++i) small[i] = foreign_number(i); for (long i = 0; i < n; ++i) { a[i] = (char)small[i % 10]; small[i % 10] += a[i / 2]; } return a[n / 2] + small[3]; }
long by_calls(const char *from, size_t n) { char a[500000]; memcpy(a, from, n); memset(a + n, 0, sizeof a - n); memmove(a + 3, a, 1000); return a[n - 1]; }
long fields(long n) { struct large l; l.count = n; for (long i = 0; i < n; ++i) { l.bytes[i] = (char)i; l.table[i] = (double)n; l.count += l.bytes[i / 3]; } return l.count + (long)l.table[n / 2]; }
long beside(long *p, long n) { long a[100000]; for (long i = 0; i < n; ++i) { a[i] = i; p[i & 7] += a[i / 2]; } *p = foreign_number(n); a[n] = *p; return a[n / 3]; }
long either(char *p, long n, long m) { char a[400000]; char *q = n > m ? a : p; for (long i = 0; i < m; ++i) q[i * i] = (char)n; foreign(a); return a[n]; }
long leaks(long n) { long a[100000]; foreign(a); a[n] = 5; foreign(a); a[n + 1] = a[n]; return a[3]; }
long one_of(long n, long m) { int a[100000], b[80000]; int *p = n > m ? a : b; for (long i = 0; i < m; ++i) p[i] = (int)i; a[5] = p[3]; b[7] = a[n]; return a[m] + b[n]; }
long of_any_size(long n) { long a[n]; for (long i = 0; i < n; ++i) a[i] = i; foreign(a); a[0] = 1; return a[n / 2]; }
long in_turns(long n) { long sum = 0; if (n > 5) { long a[50000]; for (long i = 0; i < n; ++i) a[i] = n; sum = a[n / 3]; } else { char b[600000]; for (long i = 0; i < n; ++i) b[i * 7] = 1; sum = b[n]; } return sum; }
long sorted(long n) { long a[64000]; for (long i = 0; i < n; ++i) a[i] = foreign_number(i); for (long i = 1; i < n; ++i) for (long j = i; j > 0 && a[j - 1] > a[j]; --j) { long t = a[j]; a[j] = a[j - 1]; a[j - 1] = t; } return a[0]; }
long jumps(jmp_buf *b, long n) { volatile long a[40000]; a[n] = 1; if (setjmp(*b)) { a[n + 1] = 2; return a[n]; } foreign(b); a[n + 2] = 3; return a[n + 1]; }
struct large returned(long n) { struct large l; memset(&l, 0, sizeof l); l.count = n; l.bytes[n] = 1; return l; }
