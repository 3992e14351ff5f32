/* test_command.c - the command `prosper` from outside: exit status, signals, restarts, refusals. The programs are compiled here against
 * the library of the build; without a compiler or the library (sanitizer builds have none) the tests are skipped. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static char directory[] = "/tmp/prosper-command-XXXXXX";
static char prosper[4096], libraries[4096];

/* argv: what to do at the end, and its number; before it some running time, so that there are checkpoints. */
static const char program_source[] =
    "#include <signal.h>\n#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n#include <unistd.h>\n"
    "static volatile unsigned long work;\n"
    "static void spin(void) { for (long i = 0; i < 100000000; i++) work++; } /* by count: a clock would start again with each life */\n"
    "__attribute__((noinline)) int recurse(int n) { if (n == 0) { for (;;) work++; } return recurse(n - 1) + 1; }\n"
    "static void leave(int s) { _exit(40 + s); }\n"
    "int main(int argc, char **argv) { const char *what = argv[1]; int n = argc > 2 ? atoi(argv[2]) : 0;\n"
    "  if (!strcmp(what, \"exit\")) return n;\n"
    "  if (!strcmp(what, \"recurse\")) return recurse(n);\n"
    "  if (!strcmp(what, \"catch\")) { signal(SIGTERM, leave); signal(SIGUSR1, leave); for (;;) work++; }\n"
    "  spin();\n"
    "  if (!strcmp(what, \"crash\")) *(volatile int *)0 = 1;\n"
    "  if (!strcmp(what, \"kill\")) { kill(getpid(), n); for (;;) pause(); }\n"
    "  return 99; }\n";

static void setup(void)
{
    char path[4096], command[9000];
    cr_assert_not_null(getcwd(path, sizeof path));
    *strrchr(path, '/') = '\0'; /* tests run in <build>/tests */
    snprintf(prosper, sizeof prosper, "%.4000s/bin/prosper", path);
    snprintf(libraries, sizeof libraries, "%.4000s/lib", path);
    snprintf(command, sizeof command, "%s/libprosper.so", libraries);
    if (access(prosper, X_OK) != 0 || access(command, R_OK) != 0) {
        cr_skip_test("the command or the library is not built");
    }
    cr_assert_not_null(mkdtemp(directory));
    cr_assert_eq(chdir(directory), 0);
    FILE *source = fopen("program.c", "w");
    fputs(program_source, source);
    fclose(source);
    snprintf(command, sizeof command, "clang-19 -O1 -g program.c -o program -L%s -lprosper -Wl,-rpath,%s && clang-19 program.c -o plain",
             libraries, libraries);
    if (system(command) != 0) {
        cr_skip_test("no compiler");
    }
    unsetenv("PROSPER_POOL");
    unsetenv("PROSPER_OPTIONS");
}

static void teardown(void)
{
    char command[100];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    if (chdir("/") == 0 && strstr(directory, "XXXXXX") == NULL) {
        (void)!system(command);
    }
}

/* Runs `prosper` with these words (NULL ends them), its output in files out and err, those of a run in run-out and run-err (files that a
 * program has open for writing must not be cut by others). */
static pid_t begin(const char *first, ...)
{
    char *argv[32] = {prosper, (char *)(uintptr_t)first};
    va_list words;
    va_start(words, first);
    for (int i = 2; (argv[i] = va_arg(words, char *)) != NULL; i++) {
    }
    va_end(words);
    pid_t child = fork();
    if (child == 0) {
        struct rlimit none = {0, 0};
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing running */
        setrlimit(RLIMIT_CORE, &none);
        /* Regular files are cut back by a resume, and the command's own lines with them: look before, or for what comes after. */
        bool run = strcmp(first, "run") == 0;
        int out = open(run ? "run-out" : "out", O_WRONLY | O_CREAT | O_APPEND, 0600);
        int err = open(run ? "run-err" : "err", O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(out, 1);
        dup2(err, 2);
        close_range(3, ~0u, 0); /* Criterion's own pipe, which the program would seem to have */
        execv(prosper, argv);
        _exit(126);
    }
    return child;
}

static int end(pid_t child)
{
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    return status;
}

static int exit_status(pid_t child)
{
    int status = end(child);
    cr_assert(WIFEXITED(status), "died by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

static bool said(const char *file, const char *what)
{
    char text[65536];
    FILE *in = fopen(file, "r");
    size_t length = in != NULL ? fread(text, 1, sizeof text - 1, in) : 0;
    text[length] = '\0';
    if (in != NULL) {
        fclose(in);
    }
    return strstr(text, what) != NULL;
}

static void sleep_ms(long ms) { nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL); }

/* The program below a `prosper run`, once it exists. */
static pid_t child_of(pid_t parent)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", parent, parent);
    for (int i = 0; i < 500; i++) {
        FILE *in = fopen(path, "r");
        if (in != NULL && fgets(text, sizeof text, in) != NULL && atoi(text) > 0) {
            fclose(in);
            return atoi(text);
        }
        if (in != NULL) {
            fclose(in);
        }
        sleep_ms(10);
    }
    cr_assert_fail("no program was started");
    return -1;
}

/* Waits until `prosper info` says so. */
static void wait_for_info(const char *what)
{
    for (int i = 0; i < 100; i++) {
        (void)!truncate("out", 0);
        if (exit_status(begin("info", "pool", NULL)) == 0 && said("out", what)) {
            return;
        }
        sleep_ms(50);
    }
    (void)!system("cat out err run-err >&2");
    cr_assert_fail("info never said '%s'", what);
}

#define RUN(...) begin("run", "--pool", "pool", "--option", "size=64M", __VA_ARGS__, NULL)

TestSuite(command, .init = setup, .fini = teardown, .timeout = 60);

Test(command, exit_status_passes_through)
{
    cr_assert_eq(exit_status(RUN("--", "./program", "exit", "0")), 0);
    cr_assert_eq(exit_status(RUN("--", "./program", "exit", "7")), 7);
    cr_assert_eq(exit_status(begin("info", "pool", NULL)), 0);
    cr_assert(said("out", "finished"));
    cr_assert_eq(exit_status(begin("verify", "pool", NULL)), 0);
}

Test(command, death_by_a_signal_passes_through_and_is_said)
{
    int status = end(RUN("./program", "kill", "10"));
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    cr_assert(said("run-err", "killed by signal 10 (User defined signal 1) at epoch "));
    cr_assert(said("run-err", "run again to go on"));
    cr_assert_eq(exit_status(begin("info", "--json", "pool", NULL)), 0);
    cr_assert(said("out", "\"state\":\"resumable\""));
    status = end(RUN("--quiet", "./program", "kill", "10"));
    cr_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    cr_assert_not(said("run-err", "resumed from"));
}

Test(command, signals_are_passed_on)
{
    pid_t run = RUN("./program", "catch");
    wait_for_info("running (process");
    cr_assert_eq(kill(run, SIGUSR1), 0);
    cr_assert_eq(exit_status(run), 40 + SIGUSR1);
}

Test(command, a_killed_command_takes_its_program_along)
{
    pid_t run = RUN("./program", "catch");
    wait_for_info("running (process");
    cr_assert_eq(kill(run, SIGKILL), 0);
    end(run);
    wait_for_info("can be resumed");
}

Test(command, info_names_the_calls_that_it_would_resume_in)
{
    pid_t run = RUN("./program", "recurse", "4");
    wait_for_info("recurse+0x");
    cr_assert(said("out", "main+0x"));
    cr_assert(said("out", "_start+0x"));
    cr_assert(said("out", "(program)"));
    kill(child_of(run), SIGKILL);
    end(run);
    (void)!truncate("out", 0);
    cr_assert_eq(exit_status(begin("info", "--regions", "pool", NULL)), 0);
    cr_assert(said("out", "recurse+0x") && said("out", "rw- stack"));
}

Test(command, a_program_that_always_crashes_is_given_up)
{
    cr_assert_eq(exit_status(RUN("--restart=2", "./program", "crash")), 125);
    cr_assert(said("run-err", "PROSPER_E_RESTARTS"));
    cr_assert(said("run-err", "2 in a row"));
}

Test(command, a_killed_program_is_restarted)
{
    pid_t run = RUN("--restart", "./program", "catch");
    wait_for_info("running (process");
    for (int i = 1; i <= 3; i++) {
        char resumed[32];
        kill(child_of(run), SIGKILL);
        snprintf(resumed, sizeof resumed, "resumed %d time", i);
        wait_for_info(resumed);
        sleep_ms(100); /* some checkpoints: progress */
    }
    cr_assert_eq(kill(run, SIGTERM), 0);
    cr_assert_eq(exit_status(run), 40 + SIGTERM, "asked to stop, it is not started again");
}

Test(command, a_program_that_was_killed_at_its_end_is_not_restarted)
{
    pid_t run = RUN("--restart", "--option", "fault=finish_done@1", "./program", "exit", "0");
    cr_assert_eq(end(run), SIGKILL);
    cr_assert(said("run-err", "when it had come to its end"));
    cr_assert_not(said("run-err", "restarting"));
}

Test(command, an_earlier_end_is_not_taken_for_this_ones)
{
    cr_assert_eq(exit_status(RUN("./program", "exit", "0")), 0);
    wait_for_info("finished");
    pid_t run = RUN("--option", "fault=start_locked@1", "./program", "exit", "0");
    cr_assert_eq(end(run), SIGKILL);
    cr_assert_not(said("run-err", "when it had come to its end"));
}

Test(command, a_program_without_the_runtime_is_refused)
{
    cr_assert_eq(exit_status(RUN("./plain", "exit", "0")), 125);
    cr_assert(said("run-err", "PROSPER_E_USAGE") && said("run-err", "not built with prosper-clang"));
    cr_assert_neq(access("pool", F_OK), 0, "no pool was made");
    cr_assert_eq(exit_status(RUN("./nothing")), 127);
}

Test(command, wrong_command_lines_name_the_nearest)
{
    cr_assert_eq(exit_status(begin("rnu", NULL)), 125);
    cr_assert(said("err", "the nearest is 'run'"));
    cr_assert_eq(exit_status(begin("run", "--intervall", "5ms", "./program", NULL)), 125);
    cr_assert(said("run-err", "the nearest is '--interval'"));
    cr_assert_eq(exit_status(begin("run", "--option", "intervl=5ms", "./program", NULL)), 125);
    cr_assert(said("run-err", "PROSPER_E_OPTION") && said("run-err", "the nearest is 'interval'"));
    cr_assert_eq(exit_status(begin("run", "--pool", NULL)), 125);
    cr_assert_eq(exit_status(begin("run", "--stdin=old", "./program", NULL)), 125);
    cr_assert_eq(exit_status(begin("info", NULL)), 125);
    cr_assert_eq(exit_status(begin("info", "--json", "/etc/passwd", NULL)), 125);
    cr_assert(said("err", "PROSPER_E_NOT_A_POOL"));
    cr_assert_eq(exit_status(begin("--version", NULL)), 0);
    cr_assert(said("out", "prosper "));
}

Test(command, verify_finds_damage_and_changes_nothing)
{
    end(RUN("./program", "kill", "9"));
    cr_assert_eq(exit_status(begin("verify", "pool", NULL)), 0);
    cr_assert(said("out", "is sound"));
    uint64_t root;
    int fd = open("pool", O_RDWR | O_CLOEXEC);
    cr_assert_eq(pread(fd, &root, 8, 6144), 8);
    off_t place = (off_t)((root + 4095) / 4096 * 4096 + 4096 + 8); /* epoch of a commit record */
    cr_assert_eq(pwrite(fd, "\x5a", 1, place), 1);
    close(fd);
    struct stat before, after;
    cr_assert_eq(stat("pool", &before), 0);
    cr_assert_eq(exit_status(begin("verify", "pool", NULL)), 1);
    cr_assert(said("out", "finding"));
    cr_assert_eq(stat("pool", &after), 0);
    cr_assert_eq(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
}
