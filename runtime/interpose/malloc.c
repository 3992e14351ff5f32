/* malloc.c - the C and C++ allocation functions, forwarded to mimalloc.
 *
 * libc stands before libmimalloc in lookup order, and libprosper before libc: so the names are exported here and jump on to mi_*.
 * The heap then lies in the program range (memory.c gives mimalloc its addresses) in every process of one program, which is what a restore needs.
 *
 * INVARIANT M1: every function that hands out or takes back a block is forwarded, or a block of one allocator would reach the other.
 * INVARIANT M2: no state of ours; a checkpoint inside mimalloc is an ordinary one, since its state is in the image.
 * INVARIANT M3: with prs_live_on (verify=1 in mode all), a block is announced after mimalloc has let go of it and taken back before (live.h).
 *
 * Called by the program, by libc (for its FILEs, locales, ...) and by ld.so once libprosper is relocated, so before any constructor.
 */
#include "interpose.h"
#include "../live.h"
#include <mimalloc.h>
#include <stdlib.h>

#define FORWARD PRS_EXPORT __attribute__((noinline))

/* Not declared by any C header. */
PRS_EXPORT void *memalign(size_t alignment, size_t size);
PRS_EXPORT void *valloc(size_t size);
PRS_EXPORT void *pvalloc(size_t size);
PRS_EXPORT size_t malloc_usable_size(void *block);
PRS_EXPORT void cfree(void *block);

static __attribute__((noinline, cold)) void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static inline void *or_no_memory(void *block) { return PRS_LIKELY(block != NULL) ? block : no_memory(); }

/* M3, for the function that this stands in. */
#define BORN(block) born(block, __builtin_return_address(0))
static inline void *born(void *block, const void *caller)
{
    if (PRS_UNLIKELY(prs_live_on)) {
        prs_live_born(block, mi_usable_size(block), caller);
    }
    return block;
}

static inline void give_back(void *block)
{
    if (PRS_UNLIKELY(prs_live_on)) {
        prs_live_dies(block, mi_usable_size(block));
    }
    mi_free(block);
}

FORWARD void *malloc(size_t size) { return BORN(or_no_memory(mi_malloc(size))); }
FORWARD void *calloc(size_t count, size_t size) { return BORN(or_no_memory(mi_calloc(count, size))); }
FORWARD void free(void *block) { give_back(block); }
FORWARD void cfree(void *block) { give_back(block); }
FORWARD size_t malloc_usable_size(void *block) { return mi_usable_size(block); }

/* realloc(p, 0) frees and returns NULL, as libc does; mimalloc would return a block of no bytes. */
static inline void *reallocated(void *block, size_t size, const void *caller)
{
    if (PRS_UNLIKELY(size == 0 && block != NULL)) {
        give_back(block);
        return NULL;
    }
    if (PRS_LIKELY(!prs_live_on)) {
        return or_no_memory(mi_realloc(block, size));
    }
    prs_live_dies(block, mi_usable_size(block));
    void *found = mi_realloc(block, size);
    born(found != NULL ? found : block, caller);
    return or_no_memory(found);
}

FORWARD void *realloc(void *block, size_t size) { return reallocated(block, size, __builtin_return_address(0)); }

FORWARD void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? no_memory() : reallocated(block, bytes, __builtin_return_address(0));
}

/* libc rounds an alignment that is no power of two up, and takes any size. */
static size_t power_of_two(size_t alignment)
{
    size_t power = sizeof(void *);
    while (power < alignment && power <= SIZE_MAX / 4)
        power *= 2;
    return power;
}

static inline void *aligned(size_t alignment, size_t size) { return or_no_memory(mi_malloc_aligned(size, power_of_two(alignment))); }
FORWARD void *memalign(size_t alignment, size_t size) { return BORN(aligned(alignment, size)); }
FORWARD void *aligned_alloc(size_t alignment, size_t size) { return BORN(aligned(alignment, size)); }
FORWARD void *valloc(size_t size) { return BORN(aligned(4096, size)); }
FORWARD void *pvalloc(size_t size) { return size > SIZE_MAX - 4095 ? no_memory() : BORN(aligned(4096, size == 0 ? 4096 : (size + 4095) & ~4095ul)); }

FORWARD int posix_memalign(void **block, size_t alignment, size_t size)
{
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *found = mi_malloc_aligned(size, alignment);
    if (found == NULL)
        return ENOMEM;
    *block = BORN(found);
    return 0;
}

/* ---- C++. The mangled names, so that this file stays C and libprosper needs no libstdc++. ---- */

typedef void (*new_handler)(void);
/* Both are libstdc++'s, there whenever a C++ program is. */
extern new_handler get_new_handler(void) __asm__("_ZSt15get_new_handlerv") __attribute__((weak));
extern void throw_bad_alloc(void) __asm__("_ZSt17__throw_bad_allocv") __attribute__((weak, noreturn));

#define CXX(name, mangled, ...) PRS_EXPORT void *name(__VA_ARGS__) __asm__(mangled)
#define CXXV(name, mangled, ...) PRS_EXPORT void name(__VA_ARGS__) __asm__(mangled)

CXX(new_1, "_Znwm", size_t size);
CXX(new_array_1, "_Znam", size_t size);
CXX(new_nothrow, "_ZnwmRKSt9nothrow_t", size_t size, const void *tag);
CXX(new_array_nothrow, "_ZnamRKSt9nothrow_t", size_t size, const void *tag);
CXX(new_aligned, "_ZnwmSt11align_val_t", size_t size, size_t alignment);
CXX(new_array_aligned, "_ZnamSt11align_val_t", size_t size, size_t alignment);
CXX(new_aligned_nothrow, "_ZnwmSt11align_val_tRKSt9nothrow_t", size_t size, size_t alignment, const void *tag);
CXX(new_array_aligned_nothrow, "_ZnamSt11align_val_tRKSt9nothrow_t", size_t size, size_t alignment, const void *tag);
CXXV(delete_1, "_ZdlPv", void *block);
CXXV(delete_array_1, "_ZdaPv", void *block);
CXXV(delete_sized, "_ZdlPvm", void *block, size_t size);
CXXV(delete_array_sized, "_ZdaPvm", void *block, size_t size);
CXXV(delete_nothrow, "_ZdlPvRKSt9nothrow_t", void *block, const void *tag);
CXXV(delete_array_nothrow, "_ZdaPvRKSt9nothrow_t", void *block, const void *tag);
CXXV(delete_aligned, "_ZdlPvSt11align_val_t", void *block, size_t alignment);
CXXV(delete_array_aligned, "_ZdaPvSt11align_val_t", void *block, size_t alignment);
CXXV(delete_sized_aligned, "_ZdlPvmSt11align_val_t", void *block, size_t size, size_t alignment);
CXXV(delete_array_sized_aligned, "_ZdaPvmSt11align_val_t", void *block, size_t size, size_t alignment);
CXXV(delete_aligned_nothrow, "_ZdlPvSt11align_val_tRKSt9nothrow_t", void *block, size_t alignment, const void *tag);
CXXV(delete_array_aligned_nothrow, "_ZdaPvSt11align_val_tRKSt9nothrow_t", void *block, size_t alignment, const void *tag);

/* Out of memory in a throwing new: the program's new-handler, again and again, then std::bad_alloc. (mi_new of a mimalloc that was built as C
 * would abort instead of throwing.) */
static __attribute__((noinline, cold)) void *new_slowly(size_t size, size_t alignment)
{
    for (;;) {
        new_handler handler = get_new_handler != NULL ? get_new_handler() : NULL;
        if (handler == NULL) {
            if (throw_bad_alloc != NULL)
                throw_bad_alloc();
            abort();
        }
        handler(); /* may throw; this frame has unwind tables like any other */
        void *block = alignment != 0 ? mi_malloc_aligned(size, alignment) : mi_malloc(size);
        if (block != NULL)
            return block;
    }
}

/* The nothrow forms call the new-handler too. A handler that throws bad_alloc out of them is caught by libstdc++'s own definition only; C cannot
 * catch, so with a handler set we try once and give up. */
static inline void *or_slowly(void *block, size_t size, size_t alignment)
{
    return PRS_LIKELY(block != NULL) ? block : new_slowly(size, alignment);
}

void *new_1(size_t size) { return BORN(or_slowly(mi_malloc(size), size, 0)); }
void *new_array_1(size_t size) { return BORN(or_slowly(mi_malloc(size), size, 0)); }
void *new_nothrow(size_t size, const void *tag) { return (void)tag, BORN(mi_malloc(size)); }
void *new_array_nothrow(size_t size, const void *tag) { return (void)tag, BORN(mi_malloc(size)); }
void *new_aligned(size_t size, size_t alignment) { return BORN(or_slowly(mi_malloc_aligned(size, alignment), size, alignment)); }
void *new_array_aligned(size_t size, size_t alignment) { return BORN(or_slowly(mi_malloc_aligned(size, alignment), size, alignment)); }
void *new_aligned_nothrow(size_t size, size_t alignment, const void *tag) { return (void)tag, BORN(mi_malloc_aligned(size, alignment)); }
void *new_array_aligned_nothrow(size_t size, size_t alignment, const void *tag) { return (void)tag, BORN(mi_malloc_aligned(size, alignment)); }

void delete_1(void *block) { give_back(block); }
void delete_array_1(void *block) { give_back(block); }
void delete_sized(void *block, size_t size) { (void)size, give_back(block); }
void delete_array_sized(void *block, size_t size) { (void)size, give_back(block); }
void delete_nothrow(void *block, const void *tag) { (void)tag, give_back(block); }
void delete_array_nothrow(void *block, const void *tag) { (void)tag, give_back(block); }
void delete_aligned(void *block, size_t alignment) { (void)alignment, give_back(block); }
void delete_array_aligned(void *block, size_t alignment) { (void)alignment, give_back(block); }
void delete_sized_aligned(void *block, size_t size, size_t alignment) { (void)size, (void)alignment, give_back(block); }
void delete_array_sized_aligned(void *block, size_t size, size_t alignment) { (void)size, (void)alignment, give_back(block); }
void delete_aligned_nothrow(void *block, size_t alignment, const void *tag) { (void)alignment, (void)tag, give_back(block); }
void delete_array_aligned_nothrow(void *block, size_t alignment, const void *tag) { (void)alignment, (void)tag, give_back(block); }
