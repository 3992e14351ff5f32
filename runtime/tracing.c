/* tracing.c - writes the trace of a running program (tracing.h).
 *
 * TIME. Intervals of a trace are of running time, so TIME has the thread's processor time. To ask for it at each store would cost more than all
 * else; the processor's time stamp counter says whether it is worth while: TICKS of it, some 100 us, since the last one. So an interval
 * ends that late at most; the stack pointer that goes with it is the one at the store that is about to be written. The last TIME has none.
 *
 * THE STACK is the main thread's: from the end of its mapping down as far as the limit of its size lets it grow, or STACK_MAX.
 *
 * Context: start, end; the listener in hooks, handlers of the program's own, children of vfork. Of those the last share memory and thread pointer with their
 * parent, which waits: what they store is in its memory, and their descriptor is a copy of its.
 */
#include "tracing.h"
#include "coverage.h"
#include "error.h"
#include "hold.h"
#include "log.h"
#include "maps.h"
#include "prim.h"
#include "state.h"
#include "stores.h"
#include <prosper/abi.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <x86intrin.h>

#define TICKS (1ul << 18)      /* 131 us at 2 GHz, 66 us at 4 GHz */
#define STACK_MAX (1ul << 30)
#define MAPS_BYTES (1ul << 20)

static bool is_ours(const struct prs_tracing *tracing) { return tracing->on && prs_sys(SYS_getpid) == tracing->pid; }

/* ---- while it runs ---- */

static void give_up(struct prs_tracing *tracing, int error)
{
    prs_stores_listen(PRS_STORES_TRACE, 0, 0, NULL);
    if (tracing->on) {
        tracing->on = false;
        prs_say("%s: %s: the trace %s ends here; the program goes on without it", prs_error_name(error), prs_error_text(error), prs_p.options.trace);
    }
}

static int tell_time(struct prs_tracing *tracing, uint64_t ticks, uint64_t sp)
{
    tracing->due = ticks + TICKS;
    return prs_trace_time(&tracing->trace, prs_cpu_ns() - tracing->began_ns, sp);
}

static void on_store(uint64_t address, uint64_t bytes, uint64_t sp)
{
    struct prs_tracing *tracing = &prs_p.tracing;
    if (!tracing->on) {
        return; /* a checkpoint caught the call on its way, and this is the process that goes on from it */
    }
    if ((uint64_t)__builtin_thread_pointer() != tracing->thread) {
        __atomic_add_fetch(&tracing->trace.lost, 1, __ATOMIC_RELAXED);
        return;
    }
    uint64_t ticks = __rdtsc();
    if ((int64_t)(ticks - tracing->due) >= 0) {
        (void)tell_time(tracing, ticks, sp);
    }
    int error = prs_trace_store(&tracing->trace, address, bytes);
    if (error != 0 && error != -EBUSY) {
        give_up(tracing, error);
    }
}

/* ---- start ---- */

int prs_tracing_check(const char *path)
{
    if (path[0] == '\0' || prs_coverage_has(PRS_FLAG_STORES)) {
        return 0;
    }
    return prs_fail(PROSPER_E_OPTION, "trace=%s: the program does not tell its stores (it must be built with prosper-clang --prosper-track=stores)", path);
}

static bool is_trace(int fd)
{
    char magic[sizeof((struct prs_trace_header *)NULL)->magic];
    return prs_sys(SYS_pread64, fd, magic, sizeof magic, 0) == (long)sizeof magic && memcmp(magic, PRS_TRACE_MAGIC, sizeof magic) == 0;
}

static int open_file(const char *path, int *fd_floor)
{
    struct stat status = {0};
    int fd = (int)prs_sys(SYS_openat, AT_FDCWD, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0600);
    if (fd < 0) {
        return prs_fail(fd, "%s cannot be opened for the trace", path);
    }
    long error = prs_sys(SYS_fstat, fd, &status);
    bool fits = S_ISCHR(status.st_mode) || (S_ISREG(status.st_mode) && (status.st_size == 0 || is_trace(fd))); /* nobody's file is overwritten */
    if (error == 0 && fits && S_ISREG(status.st_mode)) {
        error = prs_sys(SYS_ftruncate, fd, 0);
    }
    long number = error < 0 || !fits ? -1 : prs_sys(SYS_dup3, fd, *fd_floor - 1, O_CLOEXEC);
    prs_sys(SYS_close, fd);
    if (error == 0 && !fits) {
        return prs_fail(PROSPER_E_OPTION, "trace=%s: it is there and is no trace", path);
    }
    if (error < 0 || number < 0) {
        return prs_fail((int)(error < 0 ? error : number), "%s, for the trace", path);
    }
    *fd_floor = (int)number;
    return 0;
}

static int find_stack(uint64_t *low, uint64_t *high)
{
    struct rlimit limit = {STACK_MAX, STACK_MAX};
    struct prs_map map;
    *low = *high = 0;
    int fd = (int)prs_sys(SYS_openat, AT_FDCWD, "/proc/self/maps", O_RDONLY | O_CLOEXEC);
    char *text = (char *)prs_sys(SYS_mmap, NULL, MAPS_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    long length = fd < 0 ? fd : (uint64_t)text > -4096ul ? (long)text : prs_maps_read(fd, text, MAPS_BYTES);
    const char *cursor = text;
    while (length > 0 && *high == 0 && prs_maps_next(&cursor, text + length, &map)) {
        *high = prs_map_is(&map, "[stack]") ? map.end : 0;
    }
    prs_sys(SYS_close, fd);
    prs_sys(SYS_munmap, text, MAPS_BYTES);
    prs_sys(SYS_prlimit64, 0, RLIMIT_STACK, NULL, &limit);
    *low = *high - (limit.rlim_cur < STACK_MAX ? prs_round_up(limit.rlim_cur, PRS_PAGE) : STACK_MAX);
    return *high != 0 ? 0 : prs_fail(length < 0 ? (int)length : PROSPER_E_INTERNAL, "the stack cannot be found in /proc/self/maps, for the trace");
}

int prs_tracing_start(int *fd_floor)
{
    const char *path = prs_p.options.trace;
    struct prs_tracing *tracing = &prs_p.tracing;
    uint64_t low, high;
    int error = path[0] == '\0' ? 0 : open_file(path, fd_floor);
    if (path[0] == '\0' || error != 0 || (error = find_stack(&low, &high)) != 0) {
        return error;
    }
    tracing->pid = (int)prs_sys(SYS_getpid);
    tracing->thread = (uint64_t)__builtin_thread_pointer();
    tracing->began_ns = prs_cpu_ns();
    error = prs_trace_begin(&tracing->trace, *fd_floor);
    tracing->on = true;
    if (error == 0) {
        error = prs_trace_stack(&tracing->trace, 1, low, high);
    }
    if (error == 0) {
        error = tell_time(tracing, __rdtsc(), (uint64_t)__builtin_frame_address(0));
    }
    if (error != 0) {
        give_up(tracing, error);
        return 0;
    }
    prs_stores_listen(PRS_STORES_TRACE, 0, UINT64_MAX, on_store);
    return 0;
}

/* ---- the end, and what is near it ---- */

static void end(struct prs_tracing *tracing, const char *why)
{
    prs_stores_listen(PRS_STORES_TRACE, 0, 0, NULL);
    tracing->trace.busy = 0; /* a handler that ends the process does not come back to what it interrupted */
    int error = tell_time(tracing, 0, 0); /* what is in use now is our frames, so all that was stored counts */
    error = error == 0 ? prs_trace_end(&tracing->trace) : error;
    if (error != 0) {
        give_up(tracing, error);
    } else if (why != NULL) {
        prs_say("the trace %s ends here, because %s; the program goes on without it", prs_p.options.trace, why);
    }
    tracing->on = false;
}

/* In one step: in a process that goes on from a checkpoint there is no trace, and descriptor 0 would be taken for its file. */
void prs_tracing_end(const char *why)
{
    struct prs_tracing *tracing = &prs_p.tracing;
    struct prs_apart apart;
    if (!is_ours(tracing)) {
        return;
    }
    prs_apart_begin(&apart);
    prs_hold();
    if (is_ours(tracing)) {
        end(tracing, why);
    }
    prs_release();
    prs_apart_end(&apart);
}

void prs_tracing_flush(void)
{
    struct prs_tracing *tracing = &prs_p.tracing;
    int error = is_ours(tracing) ? prs_trace_flush(&tracing->trace) : 0;
    if (error != 0 && error != -EBUSY) {
        give_up(tracing, error);
    }
}

void prs_tracing_leave(void)
{
    prs_stores_listen(PRS_STORES_TRACE, 0, 0, NULL);
    prs_p.tracing.on = false;
}
