/* every_signal PROGRAM CALL STEPS PRS_SIGNAL - runs `PROGRAM CALL` under ptrace and sends it a SIGALRM at every instruction of a blocking call's wrapper.
 *
 * Twice: after the k-th instruction of the call, and after the k-th instruction of what follows an interruption by the runtime's own signal, for every k
 * below STEPS. The call must end with EINTR every time: a signal that is lost in between shows as a program that is still blocked.
 * This program is not linked with the runtime. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EARLY_MAX 120 /* instructions from the breakpoint to where the wrapper counts handlers */

static pid_t child;
static int status;

static const char *phase = "start";
static unsigned long long place; /* where the SIGALRM came */

static void fail(const char *what, int step)
{
    printf("FAIL every_signal: %s (%s, step %d at %llx, status %x)\n", what, phase, step, place, (unsigned)status);
    kill(child, SIGKILL);
    exit(1);
}

static int sleeps(void)
{
    char path[32], text[512];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
    FILE *stream = fopen(path, "r");
    const char *line = stream != NULL ? fgets(text, sizeof text, stream) : NULL;
    if (stream != NULL) {
        fclose(stream);
    }
    const char *name_end = line != NULL ? strrchr(line, ')') : NULL;
    return name_end != NULL && name_end[1] == ' ' && name_end[2] == 'S';
}

/* True at the next stop, false when the program is blocked in a system call (at its start it may be: the pool is being made). */
static int started;
static int stops(void)
{
    for (int asleep = 0, tries = 0; (asleep < 5 || !started) && tries < 200000; ++tries) {
        if (waitpid(child, &status, WNOHANG | __WALL) == child) {
            return 1;
        }
        if (tries > 20) {
            asleep = sleeps() ? asleep + 1 : 0;
            nanosleep(&(struct timespec){0, 100000}, NULL);
        }
    }
    return 0;
}

static int is_breakpoint(void)
{
    siginfo_t info;
    return WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP && ptrace(PTRACE_GETSIGINFO, child, 0, &info) == 0 && info.si_code == SI_KERNEL;
}

/* Runs to the next breakpoint; hands on what signals come. False when the program blocks instead. */
static int reaches_breakpoint(int step, long signo)
{
    for (;;) {
        if (ptrace(PTRACE_CONT, child, 0, signo) != 0) {
            fail("ptrace", step);
        }
        if (!stops()) {
            return 0;
        }
        if (!WIFSTOPPED(status)) {
            fail("the program ended", step);
        }
        if (is_breakpoint()) {
            return 1;
        }
        signo = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status); /* an exec stops with SIGTRAP */
    }
}

/* Single steps; true when the program blocks in a system call or reaches the breakpoint on the way. */
static int steps(int count, long signo)
{
    for (int i = 0; i < count; ++i) {
        if (ptrace(PTRACE_SINGLESTEP, child, 0, signo) != 0) {
            fail("ptrace", i);
        }
        signo = 0;
        if (!stops()) {
            return 1;
        }
        if (!WIFSTOPPED(status) || is_breakpoint()) {
            fail("the call ended by itself", i);
        }
        signo = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 5) {
        return 2;
    }
    int rounds = atoi(argv[3]), ours = atoi(argv[4]);
    char text[16];
    snprintf(text, sizeof text, "%d", 2 * rounds);
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execl(argv[1], argv[1], argv[2], text, (char *)NULL);
        _exit(127);
    }
    if (waitpid(child, &status, 0) != child || !WIFSTOPPED(status)) {
        fail("no start", 0);
    }
    int blocked = 0, again = 0, lost = 0;
    for (int round = 0; round < 2 * rounds; ++round) {
        int step = round / 2;
        if (!reaches_breakpoint(step, 0)) { /* before the call */
            fail("the program does not come to the call", step);
        }
        started = 1;
        int running;
        phase = round % 2 == 0 ? "call" : "interrupted call";
        if (round % 2 == 0) {
            blocked += running = steps(step, 0);
        } else {
            /* Into the call, and interrupted there by the runtime. */
            ptrace(PTRACE_CONT, child, 0, 0);
            nanosleep(&(struct timespec){0, 500000}, NULL);
            kill(child, ours);
            if (!stops() || !WIFSTOPPED(status) || WSTOPSIG(status) != ours) {
                fail("the runtime's signal does not come", step);
            }
            again += running = steps(step, ours);
        }
        struct user_regs_struct registers = {.rip = 0};
        if (!running) {
            ptrace(PTRACE_GETREGS, child, 0, &registers);
        }
        place = registers.rip;
        kill(child, SIGALRM);
        if (running && (!stops() || !WIFSTOPPED(status) || WSTOPSIG(status) != SIGALRM)) {
            fail("SIGALRM does not come", step);
        }
        if (reaches_breakpoint(step, running ? SIGALRM : 0)) {
            continue;
        }
        /* Lost. Allowed only where it would be without the runtime: before the wrapper has begun. */
        if (round % 2 == 1 || step != lost || ++lost > EARLY_MAX) {
            fail("a signal was lost: the call goes on", step);
        }
        kill(child, SIGALRM);
        if (!stops() || !reaches_breakpoint(step, SIGALRM)) {
            fail("the call does not end", step);
        }
    }
    ptrace(PTRACE_CONT, child, 0, 0);
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fail("the program failed", rounds);
    }
    if (blocked == 0 || blocked == rounds || again == 0 || again == rounds) {
        fail("the steps do not reach from the call into the kernel", rounds);
    }
    printf("PASS every_signal %s (%d instructions before it counts)\n", argv[2], lost);
    return 0;
}
