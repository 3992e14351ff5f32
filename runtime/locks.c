/* locks.c - file locks, by the lines that the kernel shows of them in /proc/self/fdinfo.
 *
 * INVARIANT K1: a resumed program holds every lock that it held at the checkpoint, or it is not resumed: another process may have taken it in the
 *               meantime, and what the lock protected with it.
 * Reading them costs some 6 us a descriptor, so it is done only when the wrappers (PRS_CHANGED_LOCKS, lock_calls) say that locks are in use, and for as long as
 * there is one: closing a descriptor drops locks without a word.
 * Context: take in the handler; claim and install in the restore. Raw system calls.
 */
#include "locks.h"
#include "error.h"
#include "hold.h"
#include "log.h"
#include "prim.h"
#include "state.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#define FDINFO_BYTES 8192

/* ---- reading ---- */

static const char *word(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t')) {
        ++*at;
    }
    const char *start = *at;
    while (*at < end && **at != ' ' && **at != '\t' && **at != '\n') {
        ++*at;
    }
    return start;
}

static bool is(const char *word_start, const char *text)
{
    for (; *text != '\0'; ++text, ++word_start) {
        if (*word_start != *text) {
            return false;
        }
    }
    return true;
}

static uint64_t number_at(const char *text)
{
    uint64_t value = 0;
    for (; *text >= '0' && *text <= '9'; ++text) {
        value = value * 10 + (uint64_t)(*text - '0');
    }
    return value;
}

/* "1: POSIX  ADVISORY  WRITE 1234 fe:00:567 0 EOF", after "lock:". False for a kind that cannot be taken again. */
static bool parse(const char *at, const char *end, struct prs_file_lock *lock)
{
    word(&at, end);
    const char *kind = word(&at, end);
    word(&at, end);
    const char *type = word(&at, end);
    word(&at, end);
    word(&at, end);
    const char *first = word(&at, end), *last = word(&at, end);
    lock->kind = is(kind, "POSIX") ? PRS_LOCK_POSIX : is(kind, "OFDLCK") ? PRS_LOCK_DESCRIPTION : is(kind, "FLOCK") ? PRS_LOCK_FLOCK : 0;
    lock->type = is(type, "WRITE") ? F_WRLCK : is(type, "READ") ? F_RDLCK : F_UNLCK;
    lock->start = number_at(first);
    lock->length = is(last, "EOF") ? 0 : number_at(last) + 1 - lock->start;
    return lock->kind != 0 && lock->type != F_UNLCK && at <= end;
}

static int take_of(struct prs_meta *meta, uint32_t index, const char **why)
{
    char path[64], text[FDINFO_BYTES];
    prs_format(path, sizeof path, "/proc/self/fdinfo/%d", meta->descriptors[index].number);
    long length = prs_read_file(path, text, sizeof text - 1);
    if (length < 0) {
        return (int)length;
    }
    text[length] = '\0';
    if (length == sizeof text - 1) {
        *why = "more locks on a file than can be read";
    }
    for (const char *line = text, *end; line < text + length; line = end + 1) {
        for (end = line; *end != '\n' && *end != '\0'; ++end) {
        }
        if (!is(line, "lock:")) {
            continue;
        }
        struct prs_file_lock *lock = &meta->locks[meta->lock_count];
        if (meta->lock_count == PRS_LOCKS_MAX) {
            *why = "more file locks than the image has room for";
            return 0;
        }
        *lock = (struct prs_file_lock){.descriptor = index};
        if (parse(line + sizeof "lock:" - 1, end, lock)) {
            ++meta->lock_count;
        } else {
            *why = "a file lease";
        }
    }
    return 0;
}

int prs_locks_take(struct prs_meta *meta, const char **why)
{
    if ((prs_w.changed & PRS_CHANGED_LOCKS) == 0 && prs_w.lock_calls == 0 && meta->lock_count == 0) {
        return 0;
    }
    prs_w.changed |= PRS_CHANGED_LOCKS; /* until they were read: what is not known now is read again by the next attempt (K1) */
    meta->lock_count = 0;
    for (uint32_t i = 0; i < meta->descriptor_count; ++i) {
        const struct prs_descriptor *descriptor = &meta->descriptors[i];
        if (descriptor->shares < 0 && (descriptor->kind == PRS_DESCRIPTOR_FILE || descriptor->kind == PRS_DESCRIPTOR_DIRECTORY)) {
            int error = take_of(meta, i, why);
            if (error != 0) {
                return error;
            }
        }
    }
    prs_w.changed &= ~(unsigned)PRS_CHANGED_LOCKS;
    return 0;
}

/* ---- taking them again ---- */

static int locked(const struct prs_meta *meta, const struct prs_file_lock *lock, int holder)
{
    const char *path = meta->text + meta->descriptors[lock->descriptor].path;
    return holder > 0 ? prs_fail(PROSPER_E_FILE_LOCKED, "%s is locked by process %d", path, holder) : prs_fail(PROSPER_E_FILE_LOCKED, "%s", path);
}

static struct flock range_of(const struct prs_file_lock *lock)
{
    return (struct flock){.l_type = (short)lock->type, .l_whence = SEEK_SET, .l_start = (off_t)lock->start, .l_len = (off_t)lock->length};
}

int prs_locks_claim(const struct prs_meta *meta, int (*number)(uint32_t index))
{
    for (uint32_t i = 0; i < meta->lock_count; ++i) {
        const struct prs_file_lock *lock = &meta->locks[i];
        int fd = number(lock->descriptor);
        struct flock range = range_of(lock);
        long result;
        switch (lock->kind) {
        case PRS_LOCK_FLOCK:
            result = prs_sys(SYS_flock, fd, (lock->type == F_WRLCK ? LOCK_EX : LOCK_SH) | LOCK_NB);
            break;
        case PRS_LOCK_DESCRIPTION:
            result = prs_sys(SYS_fcntl, fd, F_OFD_SETLK, &range);
            break;
        default:
            result = prs_sys(SYS_fcntl, fd, F_GETLK, &range);
            if (result == 0 && range.l_type != F_UNLCK) {
                return locked(meta, lock, range.l_pid);
            }
            break;
        }
        if (result < 0) {
            return locked(meta, lock, 0);
        }
    }
    return 0;
}

int prs_locks_install(const struct prs_meta *meta)
{
    for (uint32_t i = 0; i < meta->lock_count; ++i) {
        const struct prs_file_lock *lock = &meta->locks[i];
        if (lock->kind == PRS_LOCK_POSIX) {
            struct flock range = range_of(lock);
            long result = prs_sys(SYS_fcntl, meta->descriptors[lock->descriptor].number, F_SETLK, &range);
            if (result < 0) {
                return (int)result;
            }
        }
    }
    return 0;
}
