/* thread_id.c - libc functions that hand the kernel the thread's number from the thread control block.
 *
 * After a restore the control block holds the number that the thread had when the program began (held mutexes name it), and the kernel does not know
 * it any more. For the length of these calls the block holds the present one. No checkpoint may come in between, so that the old one is in every image.
 *
 * The field's place in glibc's struct pthread is found by looking for the number, at the first call in the first process.
 * Normal context.
 */
#include "interpose.h"
#include <pthread.h>
#include <sched.h>
#include <time.h>

#define SEARCH_FROM 0x280u /* after the header that every ABI user knows (tcbhead_t), */
#define SEARCH_TO 0x400u   /* and before the lists of keys */

static unsigned place; /* byte offset of the field from the thread pointer; 0: not found. In the image: it is the same in each process */

__attribute__((constructor(101))) static void find_place(void)
{
    const char *block = __builtin_thread_pointer();
    int own = (int)prs_sys(SYS_gettid);
    for (unsigned at = SEARCH_FROM; at < SEARCH_TO && place == 0; at += sizeof own) {
        if (__builtin_memcmp(block + at, &own, sizeof own) == 0) {
            place = at;
        }
    }
}

static int swap_number(int number)
{
    int old = 0;
    char *field = (char *)__builtin_thread_pointer() + place;
    __builtin_memcpy(&old, field, sizeof old);
    __builtin_memcpy(field, &number, sizeof number);
    return old;
}

/* Runs call with the kernel's number in the control block, where the thread is our own. Also in the first process, where they are the same: one that goes on from the middle of the call would
 * have the number of the first in a register of libc's. */
#define WITH_NUMBER(thread, call)                                                        \
    do {                                                                                 \
        if (!prs_owning() || place == 0 || !pthread_equal(thread, pthread_self())) {     \
            return call;                                                                 \
        }                                                                                \
        struct prs_apart apart;                                                          \
        prs_apart_begin(&apart);                                                         \
        prs_hold();                                                                      \
        int old = swap_number((int)prs_sys(SYS_gettid));                                 \
        int result = call;                                                               \
        swap_number(old);                                                                \
        prs_release();                                                                   \
        prs_apart_end(&apart);                                                           \
        return result;                                                                   \
    } while (0)

PRS_EXPORT int pthread_getattr_np(pthread_t thread, pthread_attr_t *attributes)
{
    WITH_NUMBER(thread, NEXT(pthread_getattr_np)(thread, attributes));
}

PRS_EXPORT int pthread_getcpuclockid(pthread_t thread, clockid_t *clock)
{
    WITH_NUMBER(thread, NEXT(pthread_getcpuclockid)(thread, clock));
}

PRS_EXPORT int pthread_getaffinity_np(pthread_t thread, size_t size, cpu_set_t *set)
{
    WITH_NUMBER(thread, NEXT(pthread_getaffinity_np)(thread, size, set));
}

PRS_EXPORT int pthread_setaffinity_np(pthread_t thread, size_t size, const cpu_set_t *set)
{
    WITH_NUMBER(thread, NEXT(pthread_setaffinity_np)(thread, size, set));
}

PRS_EXPORT int pthread_getschedparam(pthread_t thread, int *policy, struct sched_param *parameters)
{
    WITH_NUMBER(thread, NEXT(pthread_getschedparam)(thread, policy, parameters));
}

PRS_EXPORT int pthread_setschedparam(pthread_t thread, int policy, const struct sched_param *parameters)
{
    WITH_NUMBER(thread, NEXT(pthread_setschedparam)(thread, policy, parameters));
}
