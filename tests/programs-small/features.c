/* What ordinary C programs are made of, in rounds, with a kill possible anywhere: recursion, alloca and arrays of variable length, setjmp and longjmp, coroutines,
 * qsort callbacks, a handler on an alternate stack, libraries opened while the program runs, locales, floating-point modes, atexit. */
#include "check.h"
#include <alloca.h>
#include <asm/prctl.h>
#include <dlfcn.h>
#include <fenv.h>
#include <iconv.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/syscall.h>
#include <stdarg.h>
#include <ucontext.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#define ROUNDS 60

static uint64_t sum;
static void add(uint64_t value) { sum = sum * 6364136223846793005u + value + 1442695040888963407u; }

/* ---- recursion, alloca, variable arrays ---- */

static long deep(int depth, long *above)
{
    long values[1 + depth % 5];
    char *text = alloca(32 + (size_t)depth % 64);
    snprintf(text, 32, "%d:%ld", depth, *above);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; ++i) {
        values[i] = *above + (long)i * depth;
    }
    if (depth == 0) {
        return *above;
    }
    long result = deep(depth - 1, &values[depth % 5]);
    *above ^= result;
    return result + text[0] + values[0];
}

/* ---- setjmp ---- */

static jmp_buf place;
static int jumping(int value)
{
    volatile int tries = 0;
    int came = setjmp(place);
    tries = tries + 1;
    add((uint64_t)check_spin(0.0005));
    if (came < value) {
        char frame[256];
        memset(frame, came, sizeof frame);
        add((uint64_t)(unsigned char)frame[13]);
        longjmp(place, came + 1);
    }
    return tries;
}

/* ---- coroutines on stacks of the heap ---- */

static ucontext_t here, there[2];
static char *stacks[2];
static long handed;

static void coroutine(int number, int rounds)
{
    long mine = number;
    for (int i = 0; i < rounds; ++i) {
        mine = mine * 31 + handed;
        handed = mine % 1000003;
        swapcontext(&there[number], number == 0 ? &there[1] : &here);
    }
}

static void start_coroutines(int rounds)
{
    for (int i = 0; i < 2; ++i) {
        stacks[i] = malloc(64 << 10);
        CHECK(stacks[i] != NULL && getcontext(&there[i]) == 0);
        there[i].uc_stack.ss_sp = stacks[i];
        there[i].uc_stack.ss_size = 64 << 10;
        there[i].uc_link = &here;
        makecontext(&there[i], (void (*)(void))coroutine, 2, i, rounds);
    }
}

/* ---- qsort, variable arguments ---- */

static int compared;
static int compare(const void *a, const void *b)
{
    ++compared;
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort(void)
{
    char *words[300];
    for (int i = 0; i < 300; ++i) {
        char text[24];
        snprintf(text, sizeof text, "%08x", (unsigned)(sum >> (i % 30)) * 2654435761u + (unsigned)i);
        words[i] = strdup(text);
    }
    qsort(words, 300, sizeof words[0], compare);
    for (int i = 0; i < 300; ++i) {
        add((uint64_t)words[i][3] << 8 | (uint64_t)i);
        free(words[i]);
    }
}

static double mean(int count, ...)
{
    va_list list;
    va_start(list, count);
    double total = 0;
    for (int i = 0; i < count; ++i) {
        total += i % 2 == 0 ? va_arg(list, double) : va_arg(list, int);
    }
    va_end(list);
    return total / count;
}

/* ---- a handler on an alternate stack ---- */

static volatile sig_atomic_t handled;
static uintptr_t handler_stack;
static void handler(int number, siginfo_t *info, void *context)
{
    int local = number;
    (void)context;
    handler_stack = (uintptr_t)&local;
    handled = handled + 1;
    (void)check_spin(0.0005);
    handled = handled + info->si_value.sival_int;
}

/* ---- libraries, locales ---- */

static void library(int round)
{
    static void *handle;
    static char *(*hash)(const char *, const char *);
    if (handle == NULL) {
        handle = dlopen("libcrypt.so.1", RTLD_NOW | RTLD_LOCAL);
        CHECK(handle != NULL);
        hash = handle != NULL ? (char *(*)(const char *, const char *))dlsym(handle, "crypt") : NULL;
        CHECK(hash != NULL);
    }
    if (hash == NULL) {
        return;
    }
    char phrase[32];
    snprintf(phrase, sizeof phrase, "round %d", round);
    const char *hashed = hash(phrase, "$1$saltsalt$");
    for (const char *at = hashed; at != NULL && *at != '\0'; ++at) {
        add((unsigned char)*at);
    }
    if (round % 7 == 6) {
        CHECK_EQUAL(dlclose(handle), 0);
        handle = NULL;
    }
}

static void locales(int round)
{
    CHECK(setlocale(LC_ALL, round % 2 != 0 ? "C.UTF-8" : "C") != NULL);
    wchar_t wide[64];
    char narrow[64];
    size_t count = mbstowcs(wide, round % 2 != 0 ? "gr\xc3\xbc\xc3\x9f" : "gruss", 64);
    CHECK_EQUAL(count, round % 2 != 0 ? 4 : 5);
    for (size_t i = 0; i < count && count < 64; ++i) {
        add((uint64_t)towupper((wint_t)wide[i]));
    }
    iconv_t converter = iconv_open("UTF-16LE", "UTF-8");
    CHECK(converter != (iconv_t)-1);
    char input[] = "z\xc3\xa4hlt", *from = input, *to = narrow;
    size_t in = sizeof input, out = sizeof narrow;
    CHECK_EQUAL(iconv(converter, &from, &in, &to, &out), 0);
    add(sizeof narrow - out);
    CHECK_EQUAL(iconv_close(converter), 0);
}

/* A segment register of the program's own, as some interpreters use it. */
static long by_segment;
static long read_segment(void)
{
    long value;
    __asm__ volatile("movq %%gs:0, %0" : "=r"(value));
    return value;
}

static int left; /* by atexit, last registered first */
static void first(void) { printf("first of atexit, %d left\n", left++); }
static void second(void) { printf("second of atexit, %d left\n", left++); }

int main(void)
{
    atexit(first);
    atexit(second);
    start_coroutines(ROUNDS);
    stack_t alternate = {.ss_sp = malloc(64 << 10), .ss_size = 64 << 10};
    struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    CHECK(sigaltstack(&alternate, NULL) == 0 && sigaction(SIGUSR1, &action, NULL) == 0);
    static __thread long kept = 7;
    CHECK_EQUAL(syscall(SYS_arch_prctl, ARCH_SET_GS, &by_segment), 0);
    for (int round = 0; round < ROUNDS; ++round) {
        long value = round;
        add((uint64_t)deep(400, &value));
        add((uint64_t)value);
        CHECK_EQUAL(jumping(4), 5);
        CHECK_EQUAL(swapcontext(&here, &there[0]), 0);
        add((uint64_t)handed);
        sort();
        CHECK(mean(4, 1.5, 2, 2.5, round) == (6 + round) / 4.0);
        CHECK_EQUAL(sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 10}), 0);
        CHECK_EQUAL(handled, 11 * (round + 1));
        CHECK(handler_stack - (uintptr_t)alternate.ss_sp < alternate.ss_size);
        library(round);
        locales(round);
        static const int modes[] = {FE_TONEAREST, FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};
        CHECK_EQUAL(fesetround(modes[round % 4]), 0);
        volatile double third = 1.0;
        (void)check_spin(0.01);
        third /= 3.0;
        CHECK_EQUAL(fegetround(), modes[round % 4]);
        add((uint64_t)(third * 0x1p56));
        static clock_t used;
        CHECK(clock() >= used);
        used = clock();
        by_segment = round;
        CHECK_EQUAL(read_segment(), round);
        kept += round;
        CHECK_EQUAL(kept, 7 + round * (round + 1) / 2);
    }
    add((uint64_t)compared);
    fesetround(FE_TONEAREST);
    return check_end("features");
}
