/* intrinsics.c - instructions of x86 that write memory, by their intrinsics. Compiled and read, never run. (Not here: those whose place
 * the pass cannot name, scatters by intrinsic among them. A module with one of them says so in its note.) */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

#define FORM(features, name) __attribute__((noinline, target(features))) void name
FORM("sse2", stores_of_sse)(float *f, double *d, __m128 a, __m128d b, __m128i *i, __m128i c) { _mm_store_ss(f, a); _mm_storeu_ps(f + 1, a); _mm_storeh_pi((__m64 *)(f + 8), a); _mm_storel_pi((__m64 *)(f + 10), a); _mm_storeh_pd(d, b); _mm_store1_pd(d + 2, b); _mm_storel_epi64(i, c); _mm_storeu_si32(i + 1, c); }
FORM("sse2", streams)(int *p, long long *q, double *d, __m128i *i, __m128i a, __m128d b) { _mm_stream_si32(p, 5); _mm_stream_si64(q, 6); _mm_stream_pd(d, b); _mm_stream_si128(i, a); _mm_sfence(); }
FORM("sse2", masked_move)(char *p, __m128i a, __m128i mask) { _mm_maskmoveu_si128(a, mask, p); }
FORM("sse2", control_word)(unsigned *p) { *p = _mm_getcsr(); _mm_setcsr(*p | 0x8000); _mm_clflush(p); _mm_prefetch((const char *)p, _MM_HINT_T0); }
FORM("sse4.1", extracts)(int *p, long long *q, char *c, short *s, __m128i a, float *f, __m128 b) { *p = _mm_extract_epi32(a, 2); *q = _mm_extract_epi64(a, 1); *c = (char)_mm_extract_epi8(a, 5); *s = (short)_mm_extract_epi16(a, 3); _MM_EXTRACT_FLOAT(*f, b, 2); }
FORM("fxsr", saves)(char *p) { _fxsave(p); _fxsave64(p + 512); }
FORM("xsave,xsaveopt,xsavec", saves_more)(char *p) { _xsave(p, 7); _xsaveopt(p + 4096, 7); _xsavec(p + 8192, 7); _xsave64(p + 12288, 7); }
FORM("avx", masks_of_avx)(float *p, double *d, __m256i m, __m256 a, __m128i n, __m128d b) { _mm256_maskstore_ps(p, m, a); _mm_maskstore_pd(d, n, b); _mm256_zeroupper(); }
FORM("avx2", masks_of_avx2)(int *p, long long *q, __m256i m, __m256i a) { _mm256_maskstore_epi32(p, m, a); _mm256_maskstore_epi64(q, m, a); _mm256_stream_si256((__m256i *)p + 4, a); }
FORM("avx512f,avx512vl,avx512bw,avx512dq", masks_of_avx512)(char *p, __mmask16 k, __m512i a, __m256i b, __m128i c) { _mm512_mask_storeu_epi32(p, k, a); _mm512_mask_store_epi64(p + 64, (__mmask8)k, a); _mm256_mask_storeu_epi16(p + 200, k, b); _mm_mask_storeu_epi8(p + 300, k, c); _mm_mask_store_ss((float *)(p + 400), (__mmask8)k, _mm_castsi128_ps(c)); }
FORM("avx512f,avx512vl,avx512vbmi2", compresses)(char *p, __mmask16 k, __m512i a, __m128i c) { _mm512_mask_compressstoreu_epi32(p, k, a); _mm512_mask_compressstoreu_epi64(p + 64, (__mmask8)k, a); _mm_mask_compressstoreu_epi8(p + 128, k, c); }
FORM("avx512f,avx512vl,avx512dq", extracts_of_avx512)(char *p, __mmask8 k, __m512 a, __m512i b) { _mm256_storeu_ps((float *)p, _mm512_extractf32x8_ps(a, 1)); _mm_storeu_si128((__m128i *)(p + 32), _mm512_extracti64x2_epi64(b, 3)); _mm512_mask_storeu_ps(p + 64, k, a); }
FORM("f16c", halves)(unsigned short *p, __m128 a, __m256 b) { _mm_storel_epi64((__m128i *)p, _mm_cvtps_ph(a, 0)); _mm_storeu_si128((__m128i *)(p + 8), _mm256_cvtps_ph(b, 0)); *(_Float16 *)(p + 20) = (_Float16)a[0]; }
FORM("movdiri,movdir64b", direct)(unsigned *p, unsigned long long *q, void *to, const void *from) { _directstoreu_u32(p, 5); _directstoreu_u64(q, 6); _movdir64b(to, from); }
FORM("rdrnd,rdseed", randoms)(unsigned *p, unsigned long long *q, int *ok) { ok[0] = _rdrand32_step(p); ok[1] = _rdrand64_step(q); ok[2] = _rdseed32_step(p + 1); }
FORM("adx", carries)(unsigned long long *p, unsigned char *c, unsigned long long a, unsigned long long b) { c[0] = _addcarry_u64(0, a, b, p); c[1] = _addcarryx_u64(c[0], p[1], b, p + 1); c[2] = _subborrow_u64(c[1], a, p[2], p + 2); }
FORM("bmi2", wide_products)(unsigned long long *p, unsigned long long a, unsigned long long b) { p[0] = _mulx_u64(a, b, p + 1); p[2] = _pdep_u64(a, b); }
FORM("movbe", reversed)(unsigned *p, unsigned long long *q) { *p = __builtin_bswap32(*p + 1); *q = __builtin_bswap64(*q + 1); }
FORM("cx16", wide_exchange)(__int128 *p, __int128 *old, __int128 a) { while (!__atomic_compare_exchange_n(p, old, a, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) { } __atomic_fetch_nand(p, a, __ATOMIC_SEQ_CST); }
FORM("waitpkg,tsxldtrk,rtm", transactions)(long *p) { if (_xbegin() == ~0u) { p[0] = 1; _xend(); } else { p[1] = 2; } }
FORM("avx512f,avx512bf16", brain_floats)(__bf16 *p, float a, __m512 b) { p[0] = (__bf16)a; p[1] = (__bf16)(p[0] * p[2]); *(__m256bh *)(p + 8) = _mm512_cvtneps_pbh(b); }
FORM("sse2", brain_floats_by_calls)(__bf16 *p, float a, double b) { p[0] = (__bf16)a; p[1] = (__bf16)b; p[2] = (__bf16)(p[0] * p[3]); }
FORM("sse2", quadruple)(__float128 *p, __float128 a, double b, long c, __int128 d) { p[0] = a * b; p[1] = a + (__float128)c; p[2] = -p[1]; p[3] = (__float128)d; *(double *)(p + 4) = (double)a; *(_Bool *)(p + 5) = a < p[1]; }
FORM("x87", x87)(long double *p, double a, short *s, long *l) { p[0] = a; p[1] = p[0] / 3; *s = (short)p[1]; *l = (long)p[1]; p[2] = __builtin_sqrtl(p[1]); p[3] = __builtin_fabsl(p[0]); __asm__("fnstcw %0" : "=m"(s[1])); }
