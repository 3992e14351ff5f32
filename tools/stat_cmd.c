/* stat_cmd.c - `prosper stat`: the checkpoints of a running program, a line for each stretch of time.
 *
 * The pool is read by read calls, not mapped: it may be cut off under our eyes. What is shown are differences between two looks at its statistics block (live.h); any
 * content of that is possible, and is used as numbers to be printed, nothing else. No lock is taken, and the program does not notice.
 *
 * Exit status 0: as many lines as were asked for; 1: no program has the pool (any more), and a line says what became of it; 125: no pool.
 */
#define _GNU_SOURCE
#include "command.h"
#include "image_read.h"
#include "json.h"
#include "live.h"
#include "prim.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 50u
#define TRY_NS 2000000l
#define LINES_BETWEEN_HEADS 20u
#define SECONDS_MAX 86400.0

struct look {
    int owner;
    uint64_t epoch;
    enum prs_pool_state state;
    bool known; /* live is a block */
    struct prf_live live;
    uint64_t now_ns;
};

struct shown { /* one line */
    double seconds;
    uint64_t checkpoints, lines, bytes, stop_ns, cost_ns, running_ns, p99_ns, max_ns;
};

static bool read_all(int fd, void *out, uint64_t length, uint64_t at) { return pread(fd, out, length, (off_t)at) == (ssize_t)length; }

static int open_pool(const char *path, int *fd)
{
    struct stat status;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a pipe is refused, not waited for */
    if (*fd < 0) {
        return errno == ENOENT ? prs_fail(PROSPER_E_NOT_A_POOL, "there is no %s", path) : prs_fail(-errno, "%s", path);
    }
    if (fstat(*fd, &status) != 0) {
        return prs_fail(-errno, "%s", path);
    }
    return S_ISREG(status.st_mode) ? 0 : prs_fail(PROSPER_E_NOT_A_POOL, "%s is not a regular file", path);
}

/* A program at work can make a record look torn; it is whole a moment later. */
static int look_at_root(int fd, const char *path, struct look *look, uint64_t *place)
{
    static uint8_t head[PRF_PMEMOBJ_MIN];
    static uint8_t root[PRF_ROOT_BYTES] __attribute__((aligned(64)));
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return prs_fail(-errno, "%s", path);
    }
    uint64_t bytes = (uint64_t)status.st_size, have = bytes < sizeof head ? bytes : sizeof head;
    memset(head, 0, sizeof head);
    if (!read_all(fd, head, have, 0)) {
        return prs_fail(PROSPER_E_TRUNCATED, "%s cannot be read to its end", path);
    }
    int error = prs_live_root_place(head, have, bytes, place);
    if (error != 0) {
        return error;
    }
    if (!read_all(fd, root, sizeof root, *place)) {
        return prs_fail(PROSPER_E_TRUNCATED, "%s cannot be read to its end", path);
    }
    return prs_live_root(root, *place, bytes, &look->epoch, &look->state);
}

/* live.h, L1. False: none, or one that is half written for as long as it is looked at, because its writer was killed, or has lost the processor. */
static bool read_block(int fd, uint64_t at, struct prf_live *live)
{
    uint64_t before, after, sequence_at = at + offsetof(struct prf_live, sequence);
    for (unsigned i = 0; i < TRIES; i++) {
        if (!read_all(fd, &before, sizeof before, sequence_at) || !read_all(fd, live, sizeof *live, at) || !read_all(fd, &after, sizeof after, sequence_at)) {
            break;
        }
        if (before == after && live->sequence == before && prs_live_valid(live)) {
            return true;
        }
        nanosleep(&(struct timespec){0, 100000}, NULL);
    }
    memset(live, 0, sizeof *live);
    return false;
}

static int take_look(int fd, const char *path, struct look *look)
{
    uint64_t place = 0;
    int error = 0;
    *look = (struct look){0};
    for (unsigned i = 0; i < TRIES; i++) {
        look->owner = image_lock_owner(fd);
        error = look_at_root(fd, path, look, &place);
        if (error != PROSPER_E_DAMAGED || look->owner == 0) {
            break;
        }
        nanosleep(&(struct timespec){0, TRY_NS}, NULL);
    }
    look->now_ns = prs_now_ns();
    if (error == 0) {
        look->known = read_block(fd, place + PRF_LIVE_AT, &look->live);
    }
    return error;
}

/* Counters of the same process only go up; of anything else, and of a process that began meanwhile, what they are now is what came. */
static uint64_t since(uint64_t before, uint64_t now) { return now >= before ? now - before : now; }

static struct shown difference(const struct look *before, const struct look *now)
{
    static const struct prf_live none;
    const struct prf_live *a = before->known && before->live.process == now->live.process ? &before->live : &none, *b = &now->live;
    struct shown shown = {
        .seconds = (double)(now->now_ns - before->now_ns) / 1e9,
        .checkpoints = since(a->checkpoints, b->checkpoints),
        .lines = since(a->lines, b->lines),
        .bytes = since(a->bytes, b->bytes),
        .stop_ns = since(a->stop_ns, b->stop_ns),
        .cost_ns = since(a->cost_ns, b->cost_ns),
        .running_ns = since(a->running_ns, b->running_ns),
    };
    uint64_t all = 0, below = 0;
    for (unsigned i = 0; i < PRF_LIVE_STOPS; i++) {
        all += since(a->stops[i], b->stops[i]);
    }
    for (unsigned i = 0; i < PRF_LIVE_STOPS && all > 0; i++) {
        uint64_t here = since(a->stops[i], b->stops[i]);
        below += here;
        shown.max_ns = here > 0 ? prs_stop_bucket_end(i) : shown.max_ns;
        shown.p99_ns = shown.p99_ns == 0 && (double)below >= 0.99 * (double)all ? prs_stop_bucket_end(i) : shown.p99_ns;
    }
    return shown;
}

static double each(uint64_t sum, uint64_t count) { return count > 0 ? (double)sum / (double)count : 0; }

/* Any bytes of a block divided by little: a double need not fit. */
static uint64_t per_second(uint64_t sum, double seconds)
{
    double value = (double)sum / seconds;
    return value < 1e19 ? (uint64_t)value : UINT64_MAX;
}

/* "0.085 ms" needs more digits than text_duration has. */
static void print_ms(double ns) { printf(" %9.3f", ns / 1e6); }

static void print_line(const struct look *now, const struct shown *shown, bool head)
{
    if (head) {
        printf("%8s %11s %12s %9s %9s %9s %10s %7s %12s\n", "per s", "lines each", "written/s", "stop ms", "99% ms", "max ms", "interval", "cost %", "epoch");
    }
    printf("%8.1f %11.1f %12s", (double)shown->checkpoints / shown->seconds, each(shown->lines, shown->checkpoints),
           text_bytes(per_second(shown->bytes, shown->seconds)));
    print_ms(each(shown->stop_ns, shown->checkpoints));
    print_ms((double)shown->p99_ns);
    print_ms((double)shown->max_ns);
    printf(" %10s %7.2f %12lu\n", text_duration(now->live.interval_ns), 100 * each(shown->cost_ns, shown->running_ns), now->epoch);
}

static void print_json(const struct look *now, const struct shown *shown)
{
    struct json json = {.out = stdout};
    json_open(&json, NULL, '{');
    json_text(&json, "state", now->state == PRS_POOL_LEFT || now->state == PRS_POOL_OVERTAKEN ? "running without persistence" : "running");
    json_number(&json, "process", (uint64_t)now->owner);
    json_number(&json, "epoch", now->epoch);
    json_number(&json, "elapsed_ns", (uint64_t)(shown->seconds * 1e9));
    json_number(&json, "running_ns", shown->running_ns);
    json_number(&json, "checkpoints", shown->checkpoints);
    json_number(&json, "full_epochs_total", now->live.full_epochs);
    json_number(&json, "given_up_total", now->live.given_up);
    json_number(&json, "lines", shown->lines);
    json_number(&json, "bytes", shown->bytes);
    json_number(&json, "stop_ns", shown->stop_ns);
    json_number(&json, "stop_ns_p99", shown->p99_ns);
    json_number(&json, "stop_ns_max", shown->max_ns);
    json_number(&json, "cost_ns", shown->cost_ns);
    json_number(&json, "interval_ns", now->live.interval_ns);
    json_flag(&json, "auto", prs_live_is_auto(&now->live));
    json_number(&json, "budget_millionths", now->live.budget);
    json_close(&json, '}');
    putchar('\n');
}

static int no_program(const char *path, const struct look *look, bool json_wanted)
{
    static const char *const words[] = {[PRS_POOL_EMPTY] = "empty", [PRS_POOL_RUNNING] = "resumable", [PRS_POOL_FINISHED] = "finished",
                                        [PRS_POOL_OVERTAKEN] = "not resumable", [PRS_POOL_LEFT] = "not resumable"};
    static const char *const says[] = {[PRS_POOL_EMPTY] = "no program has it, and it holds no checkpoint", [PRS_POOL_RUNNING] = "the program was killed; it can be resumed",
                                       [PRS_POOL_FINISHED] = "the program has ended",
                                       [PRS_POOL_OVERTAKEN] = "the program was killed, and went on beyond its last checkpoint",
                                       [PRS_POOL_LEFT] = "the program was killed, and went on beyond its last checkpoint"};
    if (json_wanted) {
        struct json json = {.out = stdout};
        json_open(&json, NULL, '{');
        json_text(&json, "state", words[look->state]);
        json_number(&json, "epoch", look->epoch);
        json_close(&json, '}');
        putchar('\n');
    } else {
        print_text(stdout, path);
        printf(": %s (epoch %lu)\n", says[look->state], look->epoch);
    }
    return ferror(stdout) != 0 || fflush(stdout) != 0 ? COMMAND_REFUSED : 1;
}

static int watch(int fd, const char *path, double seconds, unsigned long count, bool json_wanted)
{
    struct look before, now;
    int error = take_look(fd, path, &before);
    if (error != 0) {
        return command_refuse(error);
    }
    if (before.owner == 0) {
        return no_program(path, &before, json_wanted);
    }
    struct timespec pause = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    for (unsigned long i = 0; count == 0 || i < count; i++) {
        nanosleep(&pause, NULL);
        error = take_look(fd, path, &now);
        if (error != 0) {
            return command_refuse(error);
        }
        if (now.owner == 0) {
            return no_program(path, &now, json_wanted);
        }
        struct shown shown = difference(&before, &now);
        if (json_wanted) {
            print_json(&now, &shown);
        } else {
            print_line(&now, &shown, i % LINES_BETWEEN_HEADS == 0);
        }
        if (ferror(stdout) != 0 || fflush(stdout) != 0) {
            return COMMAND_REFUSED;
        }
        if (!now.known) { /* what came meanwhile is in the next line that is known */
            now.known = before.known;
            now.live = before.live;
        }
        before = now;
    }
    return 0;
}

int command_stat(int argc, char **argv)
{
    enum { JSON, HELP, FLAGS };
    static const struct flag flags[FLAGS] = {
        [JSON] = {"--json", FLAG_PLAIN, NULL, "for programs: an object a line"},
        [HELP] = {"--help", FLAG_PLAIN, NULL, "this text"},
    };
    bool chosen[FLAGS] = {false};
    const char *value, *words[3] = {NULL, "1", "0"};
    unsigned given = 0;
    for (int at = 1;;) {
        int flag = flags_next("prosper stat", flags, FLAGS, argc, argv, &at, &value);
        if (flag == FLAGS_BAD) {
            return COMMAND_REFUSED;
        }
        if (flag >= 0) {
            chosen[flag] = true;
        } else if (at < argc && given < 3) {
            words[given++] = argv[at++];
        } else if (at < argc) {
            return command_usage("prosper stat takes a pool, seconds and a count, and '%s' is more", argv[at]);
        } else {
            break;
        }
    }
    if (chosen[HELP]) {
        printf("prosper stat pool [seconds [count]] [flags]\n\n"
               "The checkpoints of a running program, a line each second (or each so many seconds), until the program ends or\n"
               "count lines were shown: checkpoints per second; changed lines of large memory in each; bytes written into the\n"
               "pool; how long the program was stopped (mean, 99th percentile and longest, the last two up to 12 %% too high);\n"
               "interval; cost in percent of the running time; epoch.\n\n"
               "Exit status: 0 when count lines were shown, 1 when no program has the pool (any more; a line says whether it\n"
               "ended or was killed), %d when it is no pool.\n\n",
               COMMAND_REFUSED);
        flags_help(flags, FLAGS);
        return 0;
    }
    if (given == 0) {
        return command_usage("prosper stat needs a pool");
    }
    char *end, *count_end;
    errno = 0;
    double seconds = strtod(words[1], &end);
    unsigned long count = strtoul(words[2], &count_end, 10);
    if (*end != '\0' || end == words[1] || !(seconds >= 0.01 && seconds <= SECONDS_MAX)) {
        return command_usage("seconds: '%s' is not a number from 0.01 to 86400", words[1]);
    }
    if (*count_end != '\0' || count_end == words[2] || words[2][0] == '-' || errno != 0 || (given == 3 && count == 0)) {
        return command_usage("count: '%s' is not a number of lines", words[2]);
    }
    int fd;
    int error = open_pool(words[0], &fd);
    int status = error != 0 ? command_refuse(error) : watch(fd, words[0], seconds, count, chosen[JSON]);
    if (fd >= 0) {
        close(fd);
    }
    return status;
}
