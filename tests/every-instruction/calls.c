/* calls.c - the runtime's stand-ins for libc's functions, each called and its result noted: files of all kinds, names, descriptors, signals, memory, sockets, times.
 * For died_anywhere: what it prints and the files that it leaves behind are the same in each run that is not killed. Short, because it is single-stepped. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static char notes[4096];
static size_t noted;

/* What a call gave, as hexadecimal digits: printf would be most of the program. */
static void note(const char *what, long value)
{
    while (*what != '\0') {
        notes[noted++] = *what++;
    }
    notes[noted++] = ' ';
    for (int shift = 28; shift >= 0; shift -= 4) {
        notes[noted++] = "0123456789abcdef"[value >> shift & 15];
    }
    notes[noted++] = '\n';
}

#define NOTE(call) note(#call, (long)(call))

static volatile int seen;

static void on_signal(int signo)
{
    seen = seen * 10 + (signo == SIGUSR1 ? 1 : 2);
}

static void files(void)
{
    char text[] = "abcdefgh", back[16] = "";
    int log = open("log", O_WRONLY | O_CREAT | O_APPEND, 0644);
    for (int i = 0; i < 3; ++i) {
        text[0] = (char)('0' + i);
        NOTE(write(log, text, sizeof text - 1));
    }
    int data = open("data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    NOTE(write(data, text, 8));
    NOTE(write(data, text + 1, 7));
    NOTE(pwrite(data, "X", 1, 3));
    NOTE(lseek(data, -4, SEEK_CUR));
    NOTE(read(data, back, 3));
    note(back, 0);
    struct iovec parts[2] = {{text, 2}, {text + 5, 3}};
    NOTE(writev(data, parts, 2));
    NOTE(pread(data, back, 8, 1));
    note(back, 0);
    NOTE(ftruncate(data, 11));
    NOTE(lseek(data, 0, SEEK_END));
    int again = dup(data);
    NOTE(lseek(again, 2, SEEK_SET));
    NOTE(write(data, "yz", 2));
    NOTE(lseek(again, 0, SEEK_CUR));
    NOTE(dup2(log, again));
    NOTE(write(again, "end\n", 4));
    NOTE(fcntl(again, F_GETFL) & O_APPEND);
    NOTE(close(again));
    NOTE(close(data));
    NOTE(close(log));
    NOTE(close(log) == -1 && errno == EBADF);
}

static void names(void)
{
    NOTE(mkdir("directory", 0755));
    NOTE(rename("data", "directory/data"));
    NOTE(link("directory/data", "second"));
    NOTE(symlink("second", "third"));
    NOTE(unlink("directory/data"));
    NOTE(rmdir("directory"));
    NOTE(mkdir("other", 0700));
    NOTE(rename("other", "place"));
    NOTE(truncate("second", 6));
    struct stat status;
    NOTE(stat("third", &status));
    NOTE(status.st_size);
    NOTE(open("second", O_WRONLY | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST);
    NOTE(chdir("place"));
    NOTE(close(creat("inside", 0600)));
    NOTE(chdir(".."));
    NOTE(umask(027));
    NOTE(umask(022));
}

static void streams(void)
{
    char line[32];
    FILE *file = fopen("stream", "w+");
    fputs("one\ntwo\nthree\n", file);
    NOTE(fflush(file));
    NOTE(fseek(file, 4, SEEK_SET));
    NOTE(fgets(line, sizeof line, file) == line);
    note(line, ftell(file));
    fputs("four\n", file);
    NOTE(fclose(file));
}

static void signals(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    NOTE(sigaction(SIGUSR1, &action, NULL));
    NOTE(signal(SIGUSR2, on_signal) == SIG_DFL);
    NOTE(raise(SIGUSR1));
    sigset_t set, old;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR2);
    NOTE(sigprocmask(SIG_BLOCK, &set, &old));
    NOTE(raise(SIGUSR2));
    note("blocked", seen);
    NOTE(sigprocmask(SIG_SETMASK, &old, NULL));
    note("let through", seen);
    NOTE(pthread_kill(pthread_self(), SIGUSR2));
    note("seen", seen);
    NOTE(signal(SIGUSR1, SIG_IGN) == on_signal);
    NOTE(raise(SIGUSR1));
    note("ignored", seen);
}

static void memory(void)
{
    size_t page = 4096;
    char *block = malloc(5000), *other = calloc(10, 100), *place = mmap(NULL, 8 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    block[0] = 1;
    block[4999] = 2;
    other[999] = 3;
    place[0] = place[page] = place[2 * page] = 4;
    block = realloc(block, 9000);
    NOTE(block[0] + block[4999] + other[999] + other[0]);
    NOTE(madvise(place, page, MADV_DONTNEED));
    NOTE(mprotect(place + page, page, PROT_READ));
    NOTE(munmap(place + 2 * page, page));
    NOTE(mmap(place + 2 * page, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == place + 2 * page);
    NOTE(place[0] + place[page] + place[2 * page]);
    place[0] = 7;
    char *moved = mremap(place, page, 16 * page, MREMAP_MAYMOVE);
    NOTE(moved[0] + moved[15 * page]);
    NOTE(munmap(moved, 16 * page));
    free(block);
    free(other);
    void *aligned = NULL;
    NOTE(posix_memalign(&aligned, 4096, 200));
    NOTE((uintptr_t)aligned % 4096);
    free(aligned);
}

static void times(void)
{
    struct timespec now, then, pause = {0, 1000};
    NOTE(clock_gettime(CLOCK_MONOTONIC, &now));
    NOTE(nanosleep(&pause, NULL));
    NOTE(clock_gettime(CLOCK_MONOTONIC, &then));
    NOTE(then.tv_sec > now.tv_sec || (then.tv_sec == now.tv_sec && then.tv_nsec > now.tv_nsec));
    NOTE(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now));
    clock_t used = clock();
    NOTE(clock() >= used && used >= 0);
    struct rusage usage;
    NOTE(getrusage(RUSAGE_SELF, &usage));
#ifndef BY_MARKS /* where this one is called, marks are not relied on */
    pthread_attr_t attributes;
    NOTE(pthread_getattr_np(pthread_self(), &attributes));
    NOTE(pthread_attr_destroy(&attributes));
#endif
    struct pollfd nothing = {-1, 0, 0};
    NOTE(poll(&nothing, 1, 1));
    sem_t semaphore;
    NOTE(sem_init(&semaphore, 0, 1));
    NOTE(sem_wait(&semaphore));
}

/* No checkpoint is kept of a program that has these: a death goes back to before them. */
static void pairs(void)
{
    int ends[2];
    char back[8] = "";
    NOTE(pipe(ends));
    NOTE(write(ends[1], "abc", 3));
    NOTE(read(ends[0], back, 3));
    note(back, 0);
    NOTE(close(ends[0]));
    NOTE(close(ends[1]));
    NOTE(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    NOTE(send(ends[1], "def", 3, 0));
    NOTE(recv(ends[0], back, 3, 0));
    note(back, 0);
    NOTE(close(ends[0]));
    NOTE(close(ends[1]));
}

int main(void)
{
    static void (*const parts[])(void) = {files, names, streams, signals, memory, times, pairs};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; ++i) {
        parts[i]();
        if (write(1, notes, noted) != (ssize_t)noted) {
            return 1;
        }
        noted = 0;
    }
    return 0;
}
