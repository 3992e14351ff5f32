/* forms.c - stores in every form that C has and that the code generator treats in a way of its own. Compiled and read, never run. */
#include <alloca.h>
#include <complex.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Foreign code: what it does is not known. */
struct wide { long a[5]; };
struct wide foreign_result(int);
void foreign(void *);
int foreign_number(void);
double fmod(double, double);
double sin(double);
double cos(double);
float fmodf(float, float);
long double fmodl(long double, long double);

#define FORM(name) __attribute__((noinline)) void name

/* What is computed by a call that the compiler makes up must not be computed between mark and store. */
FORM(quotient_of_128_bits)(__int128 *to, __int128 a, __int128 b) { *to = a / b; }
FORM(remainder_of_128_bits)(unsigned __int128 *to, unsigned __int128 a, unsigned __int128 b) { to[1] = a % b + to[0]; }
FORM(remainder_of_doubles)(double *to, double a, double b) { *to = fmod(a, b); }
FORM(remainder_of_floats)(float *to, const float *a, float b, int n) { for (int i = 0; i < n; ++i) to[i] = fmodf(a[i], b); }
FORM(remainder_of_long_doubles)(long double *to, long double a) { *to = fmodl(a, 3.0L) + *to; }
FORM(complex_product)(double complex *to, double complex a, double complex b) { *to = a * b; }
FORM(complex_quotient)(long double complex *to, long double complex a, long double complex b) { *to = a / b; }
FORM(power)(double *to, double a, int b) { to[0] = __builtin_powi(a, b); to[1] = to[0] + a; }
FORM(half)(_Float16 *to, float a, double b) { to[0] = (_Float16)a; to[1] = (_Float16)b; to[2] = (_Float16)(to[0] * to[1]); }
FORM(of_128_bits_to_float)(float *to, __int128 a, unsigned __int128 *back, double b) { *to = (float)a; *back = (unsigned __int128)b; }
FORM(sine_and_cosine)(double *to, double a) { to[0] = sin(a); to[1] = cos(a); }
FORM(rounding)(double *to, double a) { to[0] = __builtin_floor(a); to[1] = __builtin_rint(a); to[2] = __builtin_round(a); }
FORM(popcounts)(int *to, unsigned long a, unsigned __int128 b) { to[0] = __builtin_popcountl(a); to[1] = __builtin_popcountg(b); to[2] = __builtin_clzl(a); }
FORM(overflowing)(__int128 *to, __int128 a, __int128 b, bool *over) { *over = __builtin_mul_overflow(a, b, to); }

/* Two stores that share a mark, and between them something that becomes a call. */
FORM(quotient_between)(volatile __int128 *p, __int128 a, __int128 b) { *p = a; *p = a / b; }
FORM(remainder_between)(volatile long *p, unsigned __int128 a, unsigned __int128 b) { *p = 1; *p = (long)(a % b); *p = 2; }
FORM(quadruple_between)(volatile __float128 *p, __float128 a, double b) { *p = a; *p = a * a; *p = b; *p = -a; }
FORM(comparison_between)(volatile int *p, __float128 a, __float128 b) { *p = 1; *p = a < b; *p = a == b; }
FORM(half_between)(volatile _Float16 *p, _Float16 a, float b) { *p = a; *p = a + a; *p = (_Float16)b; }
FORM(conversion_between)(volatile double *p, __int128 a, volatile __int128 *q) { *p = 1; *p = (double)a; *q = a; *q = (__int128)*p; }
FORM(vector_between)(volatile float *p, const float *a, const float *b) { *p = 0; *p = __builtin_fmodf(a[0], b[0]); *p = __builtin_elementwise_pow(a[1], b[1]); }
extern _Thread_local int thread_between_number;
FORM(thread_between)(volatile long *p, long a) { int *t = &thread_between_number; *p = a; *t = 5; *p = a + 1; thread_between_number += (int)a; *p = a + 2; }

FORM(thread_on_one_way)(long *p, long a) { p[0] = a; if (a > 7) { thread_between_number = (int)a; p[0] = 3; thread_between_number += 2; p[1] = 3; } p[1] = 4; }

/* Sizes: one instruction, several, calls, loops. */
struct s1 { char c[1]; }; struct s3 { char c[3]; }; struct s7 { char c[7]; }; struct s17 { char c[17]; }; struct s63 { char c[63]; };
struct s100 { char c[100]; }; struct s200 { char c[200]; }; struct s1000 { char c[1000]; }; struct s5000 { char c[5000]; };
FORM(copy_1)(struct s1 *to, const struct s1 *from) { *to = *from; }
FORM(copy_3)(struct s3 *to, const struct s3 *from) { *to = *from; }
FORM(copy_7)(struct s7 *to, const struct s7 *from) { *to = *from; }
FORM(copy_17)(struct s17 *to, const struct s17 *from) { *to = *from; }
FORM(copy_63)(struct s63 *to, const struct s63 *from) { *to = *from; }
FORM(copy_100)(struct s100 *to, const struct s100 *from) { *to = *from; }
FORM(copy_200)(struct s200 *to, const struct s200 *from) { *to = *from; }
FORM(copy_1000)(struct s1000 *to, const struct s1000 *from) { *to = *from; }
FORM(copy_5000)(struct s5000 *to, const struct s5000 *from) { *to = *from; }
FORM(set_few)(char *to) { memset(to, 7, 15); memset(to + 100, 0, 40); memset(to + 200, 3, 129); }
FORM(set_many)(char *to, int c, size_t n) { memset(to, c, n); memset(to, 0, 4096); }
FORM(move)(char *to, const char *from, size_t n) { memmove(to, from, n); memmove(to + 1, to, 24); memmove(to + 3, to, 300); }
FORM(copy_inline)(char *to, const char *from) { __builtin_memcpy_inline(to, from, 77); __builtin_memset_inline(to + 100, 1, 300); __builtin_memcpy_inline(to + 500, from, 600); }
FORM(neighbours)(char *p, int a, short b, char c) { p[0] = c; p[1] = 1; p[2] = 2; p[3] = 3; memcpy(p + 4, &a, 4); memcpy(p + 8, &b, 2); p[10] = 0; p[11] = 0; }
FORM(zeroes)(long *p) { p[0] = 0; p[1] = 0; p[2] = 0; p[3] = 0; p[7] = 0; p[6] = 0; p[5] = 0; p[4] = 0; }
FORM(through_two_pointers)(long *p, long *q) { p[0] = 1; q[0] = 2; p[1] = 3; q[1] = 4; p[2] = 5; q[2] = 6; }
FORM(restricted)(long *restrict p, long *restrict q, int n) { for (int i = 0; i < n; ++i) { p[i] = q[i] + 1; q[i] = 0; } }
FORM(twice)(long *p, long a) { *p = a; foreign(p); *p = a + 1; *p += a; }

struct bits { unsigned a : 3, b : 13, c : 16; unsigned long d : 40, e : 24; _Bool f : 1; };
FORM(bit_fields)(struct bits *p, unsigned a) { p->a = a & 7; p->b = a >> 3 & 8191; p->c = a >> 16; p->d = a; p->e = 5; p->f = a & 1; }
struct __attribute__((packed)) uneven { char a; long b; short c; int d; double e; long double f; __int128 g; };
FORM(packed)(struct uneven *p, long a) { p->b = a; p->c = (short)a; p->d = (int)a; p->e = (double)a; p->f = a; p->g = a; }
FORM(extended)(_BitInt(129) *p, _BitInt(65) *q, _BitInt(24) *r, long a) { *p = (_BitInt(129))a << 70; *q = (_BitInt(65))a * 3; *r = (_BitInt(24))a; }

/* Read, change, write. */
FORM(in_place)(int *p, unsigned char *q, long i) { p[i] += 5; p[i + 1] ^= p[i]; q[i] |= 1; q[i + 1] <<= 2; ++p[3]; p[4] = -p[4]; p[5] = ~p[5]; }
FORM(flags)(unsigned char *to, long a, long b) { to[0] = a < b; to[1] = a == b; to[2] = (unsigned char)(a >> 63); }
FORM(floating)(float *f, double *d, long double *l, long a) { f[0] += 1; d[0] *= 2; *l = *l * *l; f[1] = (float)a; d[1] = (double)(unsigned long)a; *l += a; }
FORM(swapped)(unsigned *p, unsigned short *q) { *p = __builtin_bswap32(*p); *q = __builtin_bswap16(*q); }

/* Atomics: instructions, loops of cmpxchg, calls. */
FORM(atomics)(_Atomic int *p, _Atomic long *q, int a) { *p += a; *p |= a; atomic_store(p, a); atomic_exchange(q, a); atomic_fetch_sub_explicit(q, 1, memory_order_relaxed); *p = ~*p; }
FORM(atomic_nand)(int *p, long *q) { __atomic_fetch_nand(p, 3, __ATOMIC_SEQ_CST); __atomic_nand_fetch(q, 5, __ATOMIC_RELAXED); }
FORM(atomic_min_max)(int *p, unsigned long *q, int a) { __atomic_fetch_min(p, a, __ATOMIC_SEQ_CST); __atomic_fetch_max(q, (unsigned long)a, __ATOMIC_ACQ_REL); }
FORM(atomic_float)(_Atomic float *p, _Atomic double *q, double a) { *p += (float)a; *q -= a; *q *= 2; }
FORM(atomic_bits)(unsigned *p, unsigned a, bool *to) { to[0] = __atomic_fetch_or(p, 1u << (a & 31), __ATOMIC_SEQ_CST) & 1u << (a & 31); to[1] = __atomic_fetch_sub(p, 1, __ATOMIC_SEQ_CST) == 1; }
FORM(atomic_128)(_Atomic __int128 *p, __int128 a) { *p = a; *p += a; __int128 old = a; atomic_compare_exchange_strong(p, &old, a + 1); *p &= old; }
FORM(atomic_wide)(_Atomic struct wide *p, struct wide a) { *p = a; struct wide b = atomic_exchange(p, a); foreign(&b); }
FORM(compare_and_exchange)(long *p, long *old, long a) { while (!__atomic_compare_exchange_n(p, old, a, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED)) *old += 1; }
FORM(atomic_local)(void) { _Atomic long a; atomic_init(&a, 0); a += 1; foreign((void *)&a); }
FORM(idempotent)(int *p) { __atomic_fetch_or(p, 0, __ATOMIC_SEQ_CST); __atomic_fetch_and(p, -1, __ATOMIC_SEQ_CST); }

/* Vectors: whole, masked, scattered, streamed. */
typedef int v4si __attribute__((vector_size(16)));
typedef double v8df __attribute__((vector_size(64)));
typedef long v32di __attribute__((vector_size(256)));
typedef _Bool v16b __attribute__((ext_vector_type(16)));
typedef float v3sf __attribute__((ext_vector_type(3)));
FORM(vectors)(v4si *a, v8df *b, v32di *c, v16b *d, v3sf *e) { *a += 1; *b *= 2; *c ^= 3; *d = *d; e[0] = e[1] * 2; a[1][2] = 5; }
FORM(unaligned_vectors)(char *p, v8df a, v4si b) { memcpy(p + 1, &a, sizeof a); memcpy(p + 70, &b, sizeof b); }
FORM(conditional)(int *restrict p, const int *restrict q, int n) { for (int i = 0; i < n; ++i) if (q[i] > 3) p[i] = q[i] * 5; }
FORM(conditional_both)(long *restrict p, long *restrict r, const long *restrict q, int n) { for (int i = 0; i < n; ++i) if (q[i] & 1) p[i] = q[i]; else r[i] = 1; }
FORM(scattered)(float *restrict p, const int *restrict index, const float *restrict q, int n) { for (int i = 0; i < n; ++i) p[index[i]] = q[i] + 1; }
FORM(strided)(struct s17 *p, int n) { for (int i = 0; i < n; ++i) p[i].c[5] = (char)i; }
FORM(interleaved)(short *restrict p, const short *restrict a, const short *restrict b, int n) { for (int i = 0; i < n; ++i) { p[2 * i] = a[i]; p[2 * i + 1] = b[i]; } }
FORM(backwards)(long *p, int n) { for (int i = n; i-- > 0;) p[i] = i; }
FORM(streamed)(v4si *p, long *q, v4si a, long b) { __builtin_nontemporal_store(a, p); __builtin_nontemporal_store(b, q); }
FORM(narrowed)(unsigned char *restrict p, const int *restrict q, int n) { for (int i = 0; i < n; ++i) p[i] = (unsigned char)(q[i] >> 8); }

/* Inline assembly. */
FORM(asm_one)(long *p, long a) { __asm__("movq %1, %0" : "=m"(*p) : "r"(a)); }
FORM(asm_two)(long *p, int *q) { __asm__("incq %0\n\tmovl $5, %1" : "+m"(*p), "=m"(*q) : : "cc"); }
FORM(asm_string)(char *p, size_t n) { char *q = p; __asm__ volatile("rep stosb" : "+D"(q), "+c"(n), "=m"(*(char (*)[1000])p) : "a"(0)); }
FORM(asm_fence)(long *p) { *p = 1; __asm__ volatile("mfence" : : : "memory"); *p = 2; __asm__ volatile("" : : : "memory"); p[1] = 3; }
FORM(asm_goto)(long *p) { __asm__ goto("testq %1, %1\n\tje %l2" : "=m"(p[0]) : "r"(p[1]) : : zero); p[2] = 1; return; zero: p[3] = 2; }

/* Control flow. */
FORM(choice)(int *p, int *q, int a) { *(a > 3 ? p : q) = a; if (a & 1) p[1] = a; else q[1] = a; p[2] = a; }
FORM(call_in_a_loop)(long *p, int n) { p[0] = n; do { p[1] = n; foreign(p); } while (--n > 0); }
FORM(behind_a_loop)(long *p, const long *q, int n) { int i = 0; do { p[i & 3] += q[i]; if (__builtin_expect(q[i] == 77, 0)) foreign(p); } while (++i < n); p[1] = n; }
FORM(same_ends)(long *p, int a) { switch (a) { case 0: p[1] = 5; foreign(p); p[0] = 1; break; case 1: p[2] = 6; p[0] = 1; break; case 2: foreign(p); p[0] = 1; break; case 3: p[0] = 1; break; default: p[9] = 0; } }
FORM(table)(long *p, int a) { switch (a) { case 0: p[3] = 1; break; case 1: p[1] = 2; break; case 2: p[5] = 3; break; case 3: foreign(p); break; case 4: p[0] = 4; /* fall through */ case 5: p[7] = 5; break; case 6: p[2]++; break; } p[8] = a; }
FORM(computed)(long *p, const unsigned char *code) {
    static const void *const labels[] = {&&stop, &&add, &&sub, &&call, &&store};
    goto *labels[*code];
add: p[0] += p[1]; goto *labels[*++code];
sub: p[0] -= p[1]; goto *labels[*++code];
call: foreign(p); goto *labels[*++code];
store: p[*++code] = p[0]; goto *labels[*++code];
stop: p[2] = 0;
}
FORM(loops)(long *p, long n, long m) { for (long i = 0; i < n; ++i) { p[0] = i; for (long j = 0; j < m; ++j) { p[i * m + j] = j; if (p[j] == 7) foreign(p + j); } *p++ = 3; } }
FORM(list)(void **p) { for (void **next; p; p = next) { next = *p; *p = p + 1; if (next == p) { p[1] = 0; break; } } }
FORM(tail_call)(char *to, const char *from, size_t n) { memcpy(to, from, n); }
void *tail_call_result(void *to, size_t n) { return memset(to, 0, n); }
FORM(quits)(long *p) { p[0] = 1; if (p[1]) { p[2] = 2; __builtin_trap(); } p[3] = 3; }

/* One mark for many stores: spans, blocks, loops. */
struct node { long number; struct node *next, *other; long count; unsigned char bytes[300]; int table[64]; short tail; };
#define RARELY(condition) __builtin_expect((condition), 0)
FORM(span)(struct node *p, int a) { p->number = a; if (a & 1) p->next = p; else p->count = 3; if (a & 2) p->other = p->next; p->number += 2; }
FORM(span_of_64)(char *p, long a) { p[0] = 1; if (a) { memcpy(p + 56, &a, 8); p[63] = 2; } memcpy(p + 57, &a, 8); }
FORM(diamonds)(long *p, int a) { p[0] = a; if (a & 1) p[1] = 1; if (a & 2) p[2] = 2; else p[3] = 3; if (a & 4) { p[1] += p[2]; if (a & 8) return; } p[0] = 5; }
FORM(call_on_one_way)(long *p, int a) { p[0] = a; if (RARELY(a == 7)) foreign(p); p[0] += 1; if (a & 1) { foreign(p); p[1] = 2; } p[1] = 3; }
FORM(hoisted)(struct node *p, int n) { for (int i = 0; i < n; ++i) { p->number += i; if (RARELY(p->count == 5)) foreign(p); p->count ^= 7; } }
FORM(hoisted_twice)(struct node *p, struct node *q, int n, int m) { for (int i = 0; i < n; ++i) { p->count++; for (int j = 0; j < m; ++j) { q->number += p->count ^ j; if (RARELY(q->number == i)) foreign(q); } if (RARELY(p->count == 9)) { foreign(p); p->tail = 1; } } }
FORM(hoisted_pointer)(struct node **p, int n) { struct node *q = *p; for (int i = 0; i < n; ++i) { q->number = i; if (RARELY(q->count == i)) { foreign(q); q = *p; } q->count += 2; } q->tail = 3; }
FORM(hoisted_phis)(struct node *p, struct node *q, int n) { struct node *r = n & 1 ? p : q; for (int i = 0; i < n; ++i) { r->number ^= i; if (RARELY(r->number == 77)) { r = r == p ? q : p; r->count = 1; } if (RARELY(i == r->tail)) { foreign(r); r = r->other; } } }
FORM(hoisted_exchange)(struct node *p, struct node *q, int n) { for (int i = 0; i < n; ++i) { p->number += q->number; q->count = i; struct node *t = p; p = q; q = t; if (RARELY(p->number == 12)) foreign(p); } }
FORM(along_a_list)(struct node *p) { for (; p; p = p->next) { p->number = 1; p->count += p->number; if (RARELY(p->tail)) foreign(p); p->tail = 4; } }
FORM(wide)(struct node *p, const unsigned char *s, int n) { for (int i = 0; i < n; ++i) { p->table[s[i] & 63]++; p->bytes[s[i]] = (unsigned char)i; if (RARELY(s[i] == 3)) foreign(p); } }
FORM(wide_words)(unsigned short *p, const unsigned char *s, size_t n) { for (size_t i = 0; i < n; ++i) if (p[s[i]]++ == 77) foreign(p); }
FORM(wide_beyond)(long *p, const unsigned short *s, int n) { for (int i = 0; i < n; ++i) { p[s[i] & 1023] = i; p[s[i] & 511] += i; } }
long released_at_exits(struct node *p, int n) { for (int i = 0; i < n; ++i) { p->number += i; if (RARELY(p->number == 5)) return 1; if (RARELY(p->count == i)) { foreign(p); if (p->tail == 2) return 2; } } if (p->next) { p->next->count = 1; return 3; } p->count = 9; return 4; }
static __attribute__((noinline)) long only_reads(const struct node *p) { long sum = 0; for (; p; p = p->next) sum += p->number; return sum; }
FORM(reader_between)(struct node *p, const char *s) { p->number = 1; p->count = only_reads(p->next); p->next->number = (long)strlen(s); p->number += only_reads(p->other); p->tail = 2; }
FORM(reader_in_a_loop)(struct node *p, const char *s, int n) { for (int i = 0; i < n; ++i) { p->number += only_reads(p->next); if (RARELY(memcmp(s, p->bytes, 10) == 0)) foreign(p); p->count += i; } }
/* Reads only, as its callers see it, and is full of marks. */
static __attribute__((noinline)) long fills_its_own(long n) { long own[50000]; for (long i = 0; i < n; ++i) own[i] = i * n; for (long i = 1; i < n; ++i) own[i] += own[own[i - 1] % 50000]; return own[n / 2]; }
FORM(marks_between)(struct node *p, long n, long *q) { p->number = 1; p->count = fills_its_own(n); q[0] = fills_its_own(3); p->number += 3; }
FORM(marks_in_a_loop)(struct node *p, long n) { for (long i = 0; i < n; ++i) { p->number += i; if (RARELY(p->count == i)) p->number ^= fills_its_own(i); p->count ^= 5; } }
long tail_of(struct node *, int);
long must_be_tail(struct node *p, int n) { for (int i = 0; i < n; ++i) { p->number += i; if (RARELY(p->count == i)) foreign(p); p->count++; } __attribute__((musttail)) return tail_of(p, n); }
FORM(strip)(long *p, long a, int n) { for (int i = 0; i < n; ++i) p[i] = p[i] * a + i / 3; }
FORM(strips)(struct node *p, short *q, const double *r, long n) { for (long i = 0; i < n; ++i) { p[i].count = (long)r[i]; q[2 * i] = (short)i; q[2 * i + 1] = 3; } }
FORM(strip_backwards)(char *p, const char *q, long n) { for (long i = n; i-- > 0;) p[3 * i] = (char)(q[i] + q[i / 2]); }
FORM(strip_around)(long *restrict p, long *restrict q, const int *index, int n, int m) { for (int i = 0; i < m; ++i) { q[0] += i; for (int j = 0; j < n; ++j) { p[j] = index[j]; q[index[j]] = j; } if (RARELY(q[1] == i)) foreign(q); } }
/* Copies that are moves with these options and calls with those. */
#define COPIES(n) p[0] = (char)n; memmove(q, r, n); p[1] = 1; memcpy(q + 100, r + 100, n); p[2] = 2; memset(q + 200, p[0], n); p[3] = 3; memset(q + 300, 0, n); p[4] = 4;
FORM(copies_between)(char *p, char *q, const char *r) { COPIES(15) COPIES(16) COPIES(17) COPIES(23) COPIES(31) COPIES(32) COPIES(33) COPIES(47) COPIES(55) COPIES(63) COPIES(64) COPIES(65) }
#define EIGHT(f, n) f(n) f(n + 1) f(n + 2) f(n + 3) f(n + 4) f(n + 5) f(n + 6) f(n + 7)
#define ALL(f) EIGHT(f, 0) EIGHT(f, 8) EIGHT(f, 16) EIGHT(f, 24) EIGHT(f, 32) EIGHT(f, 40)
#define TWO(n) *p[n] = n; *p[n + 100] = n;
#define ONE_OF_TWO(n) if (a >> (n) & 1) *p[n] = n; else *p[n + 100] = n;
FORM(many_in_a_block)(int **p) { int *q = p[200]; *q = 1; ALL(TWO) *q = 2; }
FORM(many_in_blocks)(int **p, long a) { int *q = p[200]; *q = 1; ALL(ONE_OF_TWO) *q = 2; }

/* Where things live. */
_Thread_local long in_thread, in_thread_too;
extern _Thread_local long far_in_thread;
static _Thread_local char thread_buffer[100];
long global, global_array[100];
extern long far_global;
static struct s200 hidden;
FORM(thread_locals)(long a) { in_thread = a; in_thread_too += a; far_in_thread = a; thread_buffer[a] = 1; memset(thread_buffer, 0, 50); foreign(&in_thread); in_thread = fmod(a, 3); }
FORM(globals)(long a, long i) { global = a; global_array[3] = a; global_array[i] = a; far_global = a; hidden.c[i] = 1; memset(&hidden, 0, sizeof hidden); foreign(&hidden); }
FORM(at_fixed_address)(void) { *(volatile int *)0x1234560 = 1; *(volatile char *)0x123457f = 2; }
FORM(variable_arrays)(int n, long a) { long v[n]; for (int i = 0; i < n; ++i) v[i] = a; foreign(v); long *w = alloca((size_t)n); w[1] = 2; foreign(w); v[0] = 3; foreign(v); }
FORM(aligned_frame)(long a) { long v[8] __attribute__((aligned(64))); v[a & 7] = a; foreign(v); v[1] = 1; foreign(v); }
FORM(by_value)(struct s200 a, struct wide b, int i) { a.c[i] = 1; b.a[2] = i; foreign(&a); foreign(&b); }
struct wide results(int a) { struct wide r = foreign_result(a); r.a[1] = a; return r; }
FORM(result_elsewhere)(struct wide *to, int a) { *to = foreign_result(a); to->a[2] = 1; }
FORM(arguments_on_the_stack)(struct wide *to, struct s200 *from) { void many(struct s200, struct wide, long, long, long, long, long, long, long, long, struct s17); many(*from, *to, 1, 2, 3, 4, 5, 6, 7, 8, *(struct s17 *)from); to->a[0] = 1; }
long variadic(int n, ...) { va_list list, copy; va_start(list, n); va_copy(copy, list); long sum = va_arg(list, long) + (long)va_arg(list, double); foreign(&copy); va_end(copy); va_end(list); return sum; }
FORM(list_of_arguments)(va_list *list, long *to) { to[0] = va_arg(*list, long); to[1] = va_arg(*list, int); }
int jumps(jmp_buf *b, long *p) { p[0] = 1; if (setjmp(*b)) { p[1] = 2; return 1; } p[2] = 3; foreign(p); p[3] = 4; return 0; }
