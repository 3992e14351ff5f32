/* reopened.c - freopen of a stream whose buffer does not fit into a pipe: the handler that makes room for it runs meanwhile. And what fallocate refuses. */
#define _GNU_SOURCE
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

#define BYTES 200000

static int ends[2];
static char buffer[1 << 18], bytes[BYTES];
static volatile sig_atomic_t drained;

static void drain(int signo)
{
    int saved = errno;
    char part[4096];
    (void)signo;
    for (ssize_t count; (count = read(ends[0], part, sizeof part)) > 0;) {
        drained += (int)count;
    }
    errno = saved;
}

int main(void)
{
    CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
    fcntl(ends[1], F_SETFL, 0);
    FILE *stream = fdopen(ends[1], "w");
    setvbuf(stream, buffer, _IOFBF, sizeof buffer);
    CHECK_EQUAL(fwrite(bytes, 1, BYTES, stream), BYTES);
    struct sigaction action = {.sa_handler = drain, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &often, NULL);
    stream = freopen("reopened.out", "w", stream);
    CHECK(stream != NULL);
    setitimer(ITIMER_REAL, &never, NULL);
    drain(0);
    CHECK_EQUAL(drained, BYTES);
    close(ends[0]);
    CHECK_EQUAL(fwrite(bytes, 1, BYTES, stream), BYTES);
    CHECK_EQUAL(fflush(stream), 0);
    CHECK_EQUAL(lseek(fileno(stream), 0, SEEK_END), BYTES);
    if (getenv("PROSPER_POOL") != NULL) { /* without, it depends on the file system */
        CHECK(fallocate(fileno(stream), FALLOC_FL_COLLAPSE_RANGE, 0, 4096) == -1 && errno == EOPNOTSUPP);
        CHECK(fallocate(fileno(stream), FALLOC_FL_INSERT_RANGE, 0, 4096) == -1 && errno == EOPNOTSUPP);
    }
    CHECK_EQUAL(lseek(fileno(stream), 0, SEEK_END), BYTES);
    fclose(stream);
    unlink("reopened.out");
    return check_end("reopened");
}
