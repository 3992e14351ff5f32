/* malloc.c - the C and C++ allocation functions, forwarded to one of two heaps (heap.h).
 *
 * libc stands before libmimalloc in lookup order, and libprosper before libc: so the names are exported here and jump on.
 * Both heaps lie in the program range (memory.c gives them their addresses) in every process of one program, which is what a restore needs.
 *
 *   who asks                            gets a block of
 *   instrumented code, prs_heap_marked  the marked heap: every store into it and into the heap's own tables has a mark
 *   anybody else                        the other heap (libmimalloc.so.2)
 *   free, realloc, usable size          the block's address says which heap it is of
 *
 * INVARIANT M1: every function that hands out or takes back a block is forwarded, or a block of one allocator would reach the other.
 * INVARIANT M2: no state of ours but prs_heap_marked; a checkpoint inside a heap is an ordinary one, since its state is in the image.
 * INVARIANT M3: code without marks never gets memory of the marked heap that it will write by itself: a block of it that such code enlarges moves to the other heap.
 *               (Who calls is told by the return address. A function that jumps on to malloc is taken for its caller; it cannot write the block after that.)
 * INVARIANT M4: a call is never inside a gap (abi.h), so each releases the marks of its thread.
 *
 * Called by the program, by libc (for its FILEs, locales, ...) and by ld.so once libprosper is relocated, so before any constructor.
 */
#include "interpose.h"
#include "../covered.h"
#include "../layout.h"
#include "../state.h"
#include "heap.h"
#include "window.h"
#include "../log.h"
#include <dlfcn.h>
#include <gnu/libc-version.h>
#include <mimalloc.h>
#include <prosper/abi.h>
#include <stdlib.h>

#define FORWARD PRS_EXPORT __attribute__((noinline))

/* Not declared by any C header. */
PRS_EXPORT void *memalign(size_t alignment, size_t size);
PRS_EXPORT void *valloc(size_t size);
PRS_EXPORT void *pvalloc(size_t size);
PRS_EXPORT size_t malloc_usable_size(void *block);
PRS_EXPORT void cfree(void *block);
PRS_EXPORT int malloc_trim(size_t pad);

extern __thread volatile uint8_t __prosper_released __attribute__((tls_model("initial-exec")));

bool prs_heap_marked;

void prs_heap_start(void)
{
    prs_marked_start();
    prs_heap_marked = true;
}

static const void *object_of(const void *function, const char **name)
{
    Dl_info info;
    if (function == NULL || dladdr(function, &info) == 0) {
        return NULL;
    }
    *name = info.dli_fname;
    return info.dli_fbase;
}

void prs_heap_passed_over(void)
{
    const char *name = "";
    const void *ours = object_of((const void *)(uintptr_t)prs_heap_start, &name), *libc = object_of((const void *)(uintptr_t)gnu_get_libc_version, &name);
    const void *first = object_of(dlsym(RTLD_DEFAULT, "malloc"), &name), *next = object_of(dlsym(RTLD_NEXT, "malloc"), &name);
    if (first == ours && next != NULL && next != libc) {
        prs_say("the allocator in %s is passed over: malloc is libprosper's, and what its own functions allocate must not come to free. Link it into the program, or preload it, to use it", name);
    }
}

static __attribute__((noinline, cold)) void *no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static inline void *or_no_memory(void *block) { return PRS_LIKELY(block != NULL) ? block : no_memory(); }

/* Of the function that this stands in. */
#define CALLER ((uint64_t)__builtin_return_address(0))

static inline bool to_marked(uint64_t caller)
{
    if (PRS_LIKELY(!prs_heap_marked)) {
        return false;
    }
    __prosper_released = 1; /* M4 */
    return prs_covered(caller);
}

static inline bool is_marked(const void *block)
{
    return PRS_UNLIKELY(prs_heap_marked) && (uint64_t)block - PRS_MARKED_BASE < PRS_MARKED_END - PRS_MARKED_BASE;
}

static inline void *take(size_t size, uint64_t caller) { return to_marked(caller) ? prs_marked_malloc(size) : mi_malloc(size); }

static inline void *take_aligned(size_t size, size_t alignment, uint64_t caller)
{
    return to_marked(caller) ? prs_marked_malloc_aligned(size, alignment) : mi_malloc_aligned(size, alignment);
}

static inline void give_back(void *block)
{
    if (is_marked(block)) {
        __prosper_released = 1;
        prs_marked_free(block);
    } else {
        mi_free(block);
    }
}

static inline size_t usable(void *block) { return is_marked(block) ? prs_marked_usable_size(block) : mi_usable_size(block); }

/* Option profile: whose the block is (profile.h). */
static inline void *noted(void *block)
{
    if (PRS_UNLIKELY(prs_p.profile.on) && block != NULL) {
        prs_profile_block(block, usable(block), false);
    }
    return block;
}

FORWARD void *malloc(size_t size) { return noted(or_no_memory(take(size, CALLER))); }
FORWARD void *calloc(size_t count, size_t size) { return noted(or_no_memory(to_marked(CALLER) ? prs_marked_calloc(count, size) : mi_calloc(count, size))); }
FORWARD void free(void *block) { give_back(block); }
FORWARD void cfree(void *block) { give_back(block); }
FORWARD size_t malloc_usable_size(void *block) { return usable(block); }

/* Both heaps give back what is free, now and not by and by. libc's would look at its own heap, which is empty. */
FORWARD int malloc_trim(size_t pad)
{
    (void)pad;
    if (prs_heap_marked) {
        __prosper_released = 1; /* M4 */
        prs_marked_collect(true);
    }
    mi_collect(true);
    return 1;
}

/* M3: to the other heap. */
static __attribute__((noinline, cold)) void *moved(void *block, size_t size)
{
    void *found = mi_malloc(size);
    if (found != NULL) {
        size_t had = prs_marked_usable_size(block);
        prs_copy(found, block, had < size ? had : size);
        prs_marked_free(block);
    }
    return found;
}

/* realloc(p, 0) frees and returns NULL, as libc does; mimalloc would return a block of no bytes. */
static inline void *reallocated(void *block, size_t size, uint64_t caller)
{
    if (PRS_UNLIKELY(size == 0 && block != NULL)) {
        give_back(block);
        return NULL;
    }
    if (PRS_LIKELY(!prs_heap_marked)) {
        return or_no_memory(mi_realloc(block, size));
    }
    bool covered = to_marked(caller);
    if (block == NULL) {
        return or_no_memory(covered ? prs_marked_malloc(size) : mi_malloc(size));
    }
    if (!is_marked(block)) {
        return or_no_memory(mi_realloc(block, size));
    }
    return or_no_memory(covered ? prs_marked_realloc(block, size) : moved(block, size));
}

FORWARD void *realloc(void *block, size_t size) { return noted(reallocated(block, size, CALLER)); }

FORWARD void *reallocarray(void *block, size_t count, size_t size)
{
    size_t bytes;
    return __builtin_mul_overflow(count, size, &bytes) ? no_memory() : noted(reallocated(block, bytes, CALLER));
}

/* libc rounds an alignment that is no power of two up, and takes any size. */
static size_t power_of_two(size_t alignment)
{
    size_t power = sizeof(void *);
    while (power < alignment && power <= SIZE_MAX / 4)
        power *= 2;
    return power;
}

static inline void *aligned(size_t alignment, size_t size, uint64_t caller)
{
    return noted(or_no_memory(take_aligned(size, power_of_two(alignment), caller)));
}
FORWARD void *memalign(size_t alignment, size_t size) { return aligned(alignment, size, CALLER); }
FORWARD void *aligned_alloc(size_t alignment, size_t size) { return aligned(alignment, size, CALLER); }
FORWARD void *valloc(size_t size) { return aligned(4096, size, CALLER); }
FORWARD void *pvalloc(size_t size)
{
    return size > SIZE_MAX - 4095 ? no_memory() : aligned(4096, size == 0 ? 4096 : (size + 4095) & ~4095ul, CALLER);
}

static int posix_aligned(void **block, size_t alignment, size_t size, uint64_t caller)
{
    if (alignment % sizeof(void *) != 0 || alignment == 0 || (alignment & (alignment - 1)) != 0)
        return EINVAL;
    void *found = take_aligned(size, alignment, caller);
    if (found == NULL)
        return ENOMEM;
    *block = noted(found);
    return 0;
}

FORWARD int posix_memalign(void **block, size_t alignment, size_t size) { return posix_aligned(block, alignment, size, CALLER); }

/* The stand-in (writers.def) asks for the instrumented code that calls it. */
PRS_EXPORT int __prosper_w_posix_memalign(void **block, size_t alignment, size_t size);
int __prosper_w_posix_memalign(void **block, size_t alignment, size_t size)
{
    struct prs_window window;
    prs_window_open(&window, block, sizeof *block);
    int result = posix_aligned(block, alignment, size, CALLER);
    prs_window_close(&window);
    return result;
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
static __attribute__((noinline, cold)) void *new_slowly(size_t size, size_t alignment, uint64_t caller)
{
    for (;;) {
        new_handler handler = get_new_handler != NULL ? get_new_handler() : NULL;
        if (handler == NULL) {
            if (throw_bad_alloc != NULL)
                throw_bad_alloc();
            abort();
        }
        handler(); /* may throw; this frame has unwind tables like any other */
        void *block = alignment != 0 ? take_aligned(size, alignment, caller) : take(size, caller);
        if (block != NULL)
            return block;
    }
}

/* The nothrow forms call the new-handler too. A handler that throws bad_alloc out of them is caught by libstdc++'s own definition only; C cannot
 * catch, so with a handler set we try once and give up. */
static inline void *or_slowly(void *block, size_t size, size_t alignment, uint64_t caller)
{
    return PRS_LIKELY(block != NULL) ? block : new_slowly(size, alignment, caller);
}

void *new_1(size_t size) { return noted(or_slowly(take(size, CALLER), size, 0, CALLER)); }
void *new_array_1(size_t size) { return noted(or_slowly(take(size, CALLER), size, 0, CALLER)); }
void *new_nothrow(size_t size, const void *tag) { return (void)tag, noted(take(size, CALLER)); }
void *new_array_nothrow(size_t size, const void *tag) { return (void)tag, noted(take(size, CALLER)); }
void *new_aligned(size_t size, size_t alignment) { return noted(or_slowly(take_aligned(size, alignment, CALLER), size, alignment, CALLER)); }
void *new_array_aligned(size_t size, size_t alignment) { return noted(or_slowly(take_aligned(size, alignment, CALLER), size, alignment, CALLER)); }
void *new_aligned_nothrow(size_t size, size_t alignment, const void *tag) { return (void)tag, noted(take_aligned(size, alignment, CALLER)); }
void *new_array_aligned_nothrow(size_t size, size_t alignment, const void *tag) { return (void)tag, noted(take_aligned(size, alignment, CALLER)); }

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
