/* run.c - `prosper run`: starts a program under a pool, and passes on what happens to it.
 *
 * WHO DOES WHAT. Everything about checkpoints is done by the runtime inside the program; this process only sets PROSPER_POOL and
 * PROSPER_OPTIONS, waits, and starts again when asked to.
 *
 * SIGNALS. Parent and program are one process group, so what a terminal sends (^C, ^\, ^Z, window size) reaches both by itself; only a
 * signal that another process sent to the parent is passed on. They are all blocked here and taken one by one by sigwaitinfo, so
 * none is lost between fork and exec. Should the parent be killed, the program dies too (PR_SET_PDEATHSIG): whoever kills
 * the command means the program, and a program left behind would keep the pool locked.
 *
 * RESTARTS. A crash is death by a signal that this command did not pass on and the terminal did not send. Progress between two crashes
 * is an epoch that is higher by 2 or more: one more commit can come from the resumed start itself, so a program that crashes at the
 * same place each time shows at most one. After N crashes in a row without progress: PROSPER_E_RESTARTS. --fresh counts for the
 * first start only.
 *
 * TRACES. --trace asks for no checkpoints, so there is a pool only with --pool. Without one the program runs without address randomisation all the
 * same, so that its stack, and with it the trace, is that of the next run too.
 */
#define _GNU_SOURCE
#include "command.h"
#include "image_read.h"
#include "options.h"
#include "profile_cmd.h"
#include "program_find.h"
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define RESTARTS_DEFAULT 5ul
#define PROGRESS_EPOCHS 2u
#define PAUSE_NS 100000000l /* before a restart without progress */
#define OPTIONS_MAX 4096u

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP};
#define PASSED_ON (sizeof passed_on / sizeof passed_on[0])

struct run {
    char pool[PATH_MAX];
    char program[PATH_MAX];
    char options[OPTIONS_MAX];
    char **command;
    bool quiet, restart, profiled, traced;
    char profile[PATH_MAX + 16]; /* what the runtime counts in */
    char report[PATH_MAX];       /* "": standard error */
    uint64_t restarts_max;
    sigset_t waited;        /* what sigwaitinfo waits for */
    sigset_t mask_before;
    struct sigaction child_before; /* SIGCHLD */
    int stop_signal;        /* 0, or the signal by which this command was asked to stop */
};

/* ---- what the pool says, between two runs ---- */

struct outcome {
    uint64_t epoch;   /* 0: no checkpoint */
    bool resumable, finished; /* finished: perhaps an earlier run's end, see `before` */
    char why_not[256];
};

static void look(const struct run *run, struct outcome *outcome)
{
    struct image image;
    *outcome = (struct outcome){0};
    if (image_load(&image, run->pool) == 0) {
        outcome->epoch = image.meta != NULL ? image.store.epoch : 0;
        enum prs_pool_state state = prs_store_state(&image.store);
        outcome->resumable = image.meta != NULL && state == PRS_POOL_RUNNING;
        outcome->finished = state == PRS_POOL_FINISHED;
        if (state == PRS_POOL_LEFT || state == PRS_POOL_OVERTAKEN) {
            char reason[200];
            prs_store_reason(&image.store, reason, sizeof reason);
            snprintf(outcome->why_not, sizeof outcome->why_not, "%s%s", state == PRS_POOL_LEFT ? "it had " : "", reason);
        }
    }
    image_close(&image);
}

/* ---- one life of the program ---- */

static void start(const struct run *run, pid_t parent) __attribute__((noreturn));
static void start(const struct run *run, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) {
        _exit(PROGRAM_NOT_EXECUTABLE); /* died in between */
    }
    sigaction(SIGCHLD, &run->child_before, NULL);
    sigprocmask(SIG_SETMASK, &run->mask_before, NULL);
    if (run->pool[0] == '\0') {
        int persona = personality(0xffffffff);
        personality((unsigned long)(persona < 0 ? 0 : persona) | ADDR_NO_RANDOMIZE); /* where it is not allowed, traces differ */
    }
    execv(run->program, run->command);
    command_usage("%s cannot be executed (%s)", run->program, strerror(errno));
    _exit(errno == ENOENT ? PROGRAM_NOT_FOUND : PROGRAM_NOT_EXECUTABLE);
}

static bool asks_to_stop(int number) { return number == SIGTERM || number == SIGINT || number == SIGHUP || number == SIGQUIT; }

static void pass_on(struct run *run, pid_t child, const siginfo_t *info)
{
    /* From the terminal (or the kernel) the program has it already. */
    bool by_process = info->si_code <= 0 && info->si_pid != child;
    if (asks_to_stop(info->si_signo)) {
        run->stop_signal = info->si_signo;
    }
    if (by_process) {
        kill(child, info->si_signo);
    }
    if (info->si_signo == SIGTSTP) {
        raise(SIGSTOP); /* so that the shell sees the job stopped */
    }
}

/* Waits for the end of the child: a status as from waitpid. */
static int wait_for(struct run *run, pid_t child)
{
    for (;;) {
        int status;
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return status;
        }
        siginfo_t info;
        if (sigwaitinfo(&run->waited, &info) > 0 && info.si_signo != SIGCHLD) {
            pass_on(run, child, &info);
        }
    }
}

/* *before: the pool as this life found it; one that does not get as far as the pool leaves it so. */
static int one_life(struct run *run, int *status, struct outcome *before)
{
    pid_t parent = getpid();
    look(run, before);
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        return command_refuse(prs_fail(-errno, "no process can be made"));
    }
    if (child == 0) {
        start(run, parent);
    }
    *status = wait_for(run, child);
    return 0;
}

/* ---- lives in a row ---- */

static void die_by(int number) __attribute__((noreturn));
static void die_by(int number)
{
    struct rlimit none = {0, 0};
    sigset_t only;
    fflush(NULL);
    setrlimit(RLIMIT_CORE, &none); /* the program's own core is the interesting one */
    prctl(PR_SET_DUMPABLE, 0);
    signal(number, SIG_DFL);
    sigemptyset(&only);
    sigaddset(&only, number);
    sigprocmask(SIG_UNBLOCK, &only, NULL);
    raise(number);
    _exit(128 + number); /* a signal that does not kill: cannot be */
}

static void say_killed(const struct run *run, const struct outcome *outcome, int number, bool goes_on)
{
    if (run->quiet) {
        return;
    }
    fprintf(stderr, "prosper: killed by signal %d (%s)", number, strsignal(number));
    if (outcome->finished) {
        fprintf(stderr, " when it had come to its end: all is done, and the next run begins anew\n");
    } else if (run->pool[0] == '\0') {
        fprintf(stderr, "; the trace ends before that\n");
    } else if (outcome->resumable) {
        fprintf(stderr, " at epoch %lu; %s\n", outcome->epoch, goes_on ? "restarting" : "run again to go on");
    } else if (outcome->why_not[0] != '\0') {
        fprintf(stderr, "; it cannot be resumed, because %s\n", outcome->why_not);
    } else {
        fprintf(stderr, "; there is no checkpoint to go on from\n");
    }
}

/* Whoever goes on with the program goes on with its profile, so the file stays unless it has ended. */
static void report(const struct run *run, bool ended)
{
    if (!run->profiled || access(run->profile, F_OK) != 0) {
        return;
    }
    FILE *out = run->report[0] != '\0' ? fopen(run->report, "w") : stderr;
    int error = out == NULL ? prs_fail(-errno, "%s", run->report) : profile_print(out, run->profile);
    if (error != 0) {
        fprintf(stderr, "prosper: there is no profile: %s\n", prs_detail()[0] != '\0' ? prs_detail() : strerror(-error));
    }
    if (out != NULL && out != stderr) {
        fclose(out);
    }
    if (ended && error == 0) {
        unlink(run->profile);
    }
}

/* True when a signal that asks to stop came during the pause. */
static bool pause_between(struct run *run)
{
    struct timespec left = {0, PAUSE_NS};
    siginfo_t info;
    while (sigtimedwait(&run->waited, &info, &left) > 0) {
        if (asks_to_stop(info.si_signo)) {
            run->stop_signal = info.si_signo;
            return true;
        }
    }
    return false;
}

static int supervise(struct run *run)
{
    uint64_t fruitless = 0, last_epoch = 0;
    bool crashed_before = false;
    for (;;) {
        int status;
        struct outcome before, outcome;
        int error = one_life(run, &status, &before);
        if (error != 0) {
            return error;
        }
        if (WIFEXITED(status)) {
            return WEXITSTATUS(status);
        }
        int number = WTERMSIG(status);
        look(run, &outcome);
        outcome.finished = outcome.finished && !(before.finished && before.epoch == outcome.epoch);
        bool goes_on = run->restart && run->stop_signal == 0 && !outcome.finished && outcome.why_not[0] == '\0';
        bool progress = crashed_before && outcome.epoch >= last_epoch + PROGRESS_EPOCHS;
        fruitless = !crashed_before || progress ? 0 : fruitless + 1;
        crashed_before = true;
        last_epoch = outcome.epoch;
        if (goes_on && fruitless >= run->restarts_max) {
            say_killed(run, &outcome, number, false);
            return command_refuse(prs_fail(PROSPER_E_RESTARTS, "%lu in a row, the last killed by signal %d (%s) at epoch %lu", fruitless,
                                           number, strsignal(number), outcome.epoch));
        }
        say_killed(run, &outcome, number, goes_on);
        if (!goes_on) {
            report(run, false);
            die_by(number);
        }
        if (!progress && pause_between(run)) {
            report(run, false);
            die_by(run->stop_signal);
        }
        size_t length = strlen(run->options);
        if (length + 9 < sizeof run->options) {
            strcpy(run->options + length, ":fresh=0"); /* once is enough */
        }
        setenv("PROSPER_OPTIONS", run->options, 1);
    }
}

/* ---- the command line ---- */

enum { POOL, INTERVAL, BUDGET, RESTART, FRESH, STALE, FOREIGN, KEEP, QUIET, STDIN, STDIO, VERIFY, EXPLAIN, PROFILE, TRACE, STATS, OPTION, HELP, FLAGS };
static const struct flag flags[FLAGS] = {
    [POOL] = {"--pool", FLAG_VALUE, "file", "where checkpoints are kept (default ./<name of cmd>.pool)"},
    [INTERVAL] = {"--interval", FLAG_VALUE, "time", "running time between two checkpoints, 1ms and more (default 10ms), or auto"},
    [BUDGET] = {"--budget", FLAG_VALUE, "part", "with --interval auto: what checkpoints may cost of the running time (default 2%)"},
    [RESTART] = {"--restart", FLAG_OPTIONAL, "N", "start again after a crash; give up after N in a row without progress (5)"},
    [FRESH] = {"--fresh", FLAG_PLAIN, NULL, "start over although there is a checkpoint"},
    [STALE] = {"--stale", FLAG_PLAIN, NULL, "go on from the last checkpoint although the program went on without any"},
    [FOREIGN] = {"--foreign", FLAG_PLAIN, NULL, "trust a pool that another user owns or others may write (it can run any code as you)"},
    [KEEP] = {"--keep", FLAG_PLAIN, NULL, "keep the last checkpoint at a normal end"},
    [QUIET] = {"--quiet", FLAG_PLAIN, NULL, "no lines on stderr about deaths and resumes"},
    [STDIN] = {"--stdin", FLAG_VALUE, "new", "input that was consumed from a pipe: the new input carries on"},
    [STDIO] = {"--stdio", FLAG_VALUE, "new", "standard descriptors that were files: take what this command was given instead"},
    [VERIFY] = {"--verify", FLAG_PLAIN, NULL, "check each checkpoint against the whole memory (slow)"},
    [EXPLAIN] = {"--explain", FLAG_PLAIN, NULL, "say how each part of memory is tracked, and why"},
    [PROFILE] = {"--profile", FLAG_OPTIONAL, "file", "say at the end which functions' frames, allocation sites and variables made the bytes of the checkpoints (there, not on stderr)"},
    [TRACE] = {"--trace", FLAG_VALUE, "file", "write what the program stores to, for 'prosper unit' (built with --prosper-track=stores); checkpoints only with --pool"},
    [STATS] = {"--stats", FLAG_VALUE, "file", "write statistics (JSON) there"},
    [OPTION] = {"--option", FLAG_VALUE, "key=value", "any other option ('prosper options' lists them)"},
    [HELP] = {"--help", FLAG_PLAIN, NULL, "this text"},
};

static int help(void)
{
    printf("prosper run [flags] [--] cmd [arguments]\n\n"
           "Runs cmd, which was built with prosper-clang, with checkpoints in a pool. Killed at any instant, it goes on where it was when\n"
           "the same line is run again. Its exit status and death by a signal are this command's own.\n\n");
    flags_help(flags, FLAGS);
    printf("\n--restart: two crashes with less than %u checkpoints between them count as no progress.\n", PROGRESS_EPOCHS);
    return 0;
}

static int add_option(struct run *run, const char *key, const char *value)
{
    size_t length = strlen(run->options);
    if (strchr(value, ':') != NULL) {
        return command_usage("%s=%s: a value cannot hold a ':'", key, value);
    }
    int written = snprintf(run->options + length, sizeof run->options - length, "%s%s%s%s", length > 0 ? ":" : "", key,
                           key[0] != '\0' ? "=" : "", value);
    return written < 0 || (size_t)written >= sizeof run->options - length - 16 ? command_usage("the options are too long") : 0;
}

static int absolute(const char *path, char *out)
{
    char directory[PATH_MAX];
    int written;
    if (path[0] == '/') {
        written = snprintf(out, PATH_MAX, "%s", path);
    } else if (getcwd(directory, sizeof directory) == NULL) {
        return command_refuse(prs_fail(-errno, "the current directory cannot be told"));
    } else {
        written = snprintf(out, PATH_MAX, "%s/%s", directory, strncmp(path, "./", 2) == 0 ? path + 2 : path);
    }
    return written < 0 || written >= PATH_MAX ? command_refuse(prs_fail(-ENAMETOOLONG, "%.100s ...", path)) : 0;
}

static int restart_count(const char *text, uint64_t *out)
{
    char *end;
    *out = RESTARTS_DEFAULT;
    if (text == NULL) {
        return 0;
    }
    errno = 0;
    *out = strtoul(text, &end, 10);
    bool bad = *end != '\0' || end == text || text[0] == '-' || errno != 0 || *out == 0;
    return bad ? command_usage("--restart=%s: a number from 1 is meant", text) : 0;
}

static int take_flag(struct run *run, int flag, const char *value)
{
    char path[PATH_MAX];
    switch (flag) {
    case POOL: return value[0] == '\0' ? command_usage("--pool needs a file name") : absolute(value, run->pool);
    case INTERVAL: return add_option(run, "interval", value);
    case BUDGET: return add_option(run, "budget", value);
    case RESTART: run->restart = true; return restart_count(value, &run->restarts_max);
    case FRESH: return add_option(run, "fresh", "1");
    case STALE: return add_option(run, "stale", "1");
    case FOREIGN: return add_option(run, "foreign", "1");
    case KEEP: return add_option(run, "keep", "1");
    case QUIET: run->quiet = true; return add_option(run, "quiet", "1");
    case STDIN:
        return strcmp(value, "new") == 0 ? add_option(run, "stdin", "new") : command_usage("--stdin=%s: only --stdin=new is known", value);
    case STDIO:
        return strcmp(value, "new") == 0 ? add_option(run, "stdio", "new") : command_usage("--stdio=%s: only --stdio=new is known", value);
    case VERIFY: return add_option(run, "verify", "1");
    case EXPLAIN: return add_option(run, "explain", "1");
    case PROFILE:
        run->profiled = true;
        return value != NULL ? absolute(value, run->report) : 0;
    case TRACE:
        run->traced = true;
        return value[0] == '\0' ? command_usage("--trace needs a file name") : absolute(value, path) != 0 ? COMMAND_REFUSED : add_option(run, "trace", path);
    case STATS: return absolute(value, path) != 0 ? COMMAND_REFUSED : add_option(run, "stats", path);
    case OPTION: return strchr(value, '=') == NULL ? command_usage("--option %s: key=value is meant", value) : add_option(run, "", value);
    default: return COMMAND_REFUSED;
    }
}

/* The environment's options first, so that flags win over them. */
static int take_options(struct run *run)
{
    char own[OPTIONS_MAX];
    struct prs_options parsed;
    const char *before = getenv("PROSPER_OPTIONS");
    strcpy(own, run->options);
    int written = snprintf(run->options, sizeof run->options, "%s%s%s", before != NULL ? before : "",
                           before != NULL && before[0] != '\0' && own[0] != '\0' ? ":" : "", own);
    if (written < 0 || (size_t)written >= sizeof run->options - 16) {
        return command_usage("the options are too long");
    }
    prs_options_defaults(&parsed);
    int error = prs_options_parse(&parsed, run->options);
    if (error != 0) {
        return command_refuse(error);
    }
    run->quiet = run->quiet || parsed.quiet;
    return 0;
}

static void prepare_signals(struct run *run)
{
    struct sigaction standard = {.sa_handler = SIG_DFL}, old;
    sigset_t blocked;
    sigemptyset(&run->waited);
    sigaddset(&run->waited, SIGCHLD);
    for (unsigned i = 0; i < PASSED_ON; i++) { /* what was ignored (nohup) stays so, for the program too */
        if (sigaction(passed_on[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN) {
            sigaddset(&run->waited, passed_on[i]);
        }
    }
    blocked = run->waited;
    sigprocmask(SIG_BLOCK, &blocked, &run->mask_before);
    sigaction(SIGCHLD, &standard, &run->child_before);
}

int command_run(int argc, char **argv)
{
    static struct run run; /* too large for a stack */
    const char *value;
    int at = 1, flag, error = 0;
    while (error == 0 && (flag = flags_next("prosper run", flags, FLAGS, argc, argv, &at, &value)) >= 0) {
        if (flag == HELP) {
            return help();
        }
        error = take_flag(&run, flag, value);
    }
    if (error != 0 || flag == FLAGS_BAD) {
        return COMMAND_REFUSED;
    }
    if (at >= argc) {
        return command_usage("prosper run needs a command ('prosper run --help' says more)");
    }
    run.command = argv + at;
    error = program_find(argv[at], run.program);
    if (error == 0) {
        error = program_check(run.program);
    }
    if (error == 0 && run.traced && (run.restart || (run.profiled && run.pool[0] == '\0'))) {
        error = command_usage(run.restart ? "--trace and --restart: a trace begins with its program" : "--trace and --profile: checkpoints are taken with --pool");
    }
    if (error == 0 && run.pool[0] == '\0' && !run.traced) {
        char name[PATH_MAX];
        const char *slash = strrchr(argv[at], '/');
        snprintf(name, sizeof name, "%.4000s.pool", slash != NULL ? slash + 1 : argv[at]);
        error = absolute(name, run.pool);
    }
    if (error == 0 && run.profiled) {
        snprintf(run.profile, sizeof run.profile, "%s.profile", run.pool);
        error = add_option(&run, "profile", run.profile);
    }
    if (error == 0) {
        error = take_options(&run);
    }
    if (error != 0) {
        return error;
    }
    if (run.pool[0] != '\0') {
        setenv("PROSPER_POOL", run.pool, 1);
    } else {
        unsetenv("PROSPER_POOL");
    }
    setenv("PROSPER_OPTIONS", run.options, 1);
    prepare_signals(&run);
    int result = supervise(&run);
    if (run.profiled && result != COMMAND_REFUSED) { /* what was refused has counted nothing */
        struct outcome outcome;
        look(&run, &outcome);
        report(&run, !outcome.resumable && outcome.why_not[0] == '\0');
    }
    return result;
}
