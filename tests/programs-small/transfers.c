/* Transfers are whole: a blocking write to a slow reader, and reads that are never short but for a signal. */
#include "check.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEGA (1ul << 20)
static char block[4 * MEGA], copy[4 * MEGA];

/* Reads everything, slowly; its exit status says whether it was the block, `times` times. */
static pid_t reader(int from, int other, size_t bytes)
{
    pid_t child = fork();
    if (child != 0) {
        close(from);
        return child;
    }
    close(other);
    size_t got = 0;
    for (ssize_t count; got < bytes && (count = read(from, copy + got, bytes - got > 30000 ? 30000 : bytes - got)) > 0;) {
        got += (size_t)count;
        usleep(500);
    }
    _exit(got != bytes || memcmp(block, copy, bytes) != 0);
}

static void finished(pid_t child)
{
    int status = -1;
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(void)
{
    for (size_t i = 0; i < sizeof block; ++i) {
        block[i] = (char)(i * 2654435761u >> 13);
    }
    /* A long read of a device, while checkpoints come. */
    int zero = open("/dev/zero", O_RDONLY), random = open("/dev/urandom", O_RDONLY);
    for (int i = 0; i < 20; ++i) {
        CHECK_EQUAL(read(zero, copy, sizeof copy), sizeof copy);
        CHECK_EQUAL(read(random, copy, sizeof copy), sizeof copy);
        CHECK_EQUAL(getrandom(copy, sizeof copy, 0), sizeof copy);
    }
    close(zero);
    close(random);

    int ends[2];
    CHECK_EQUAL(pipe(ends), 0);
    pid_t child = reader(ends[0], ends[1], MEGA);
    CHECK_EQUAL(write(ends[1], block, MEGA), MEGA);
    close(ends[1]);
    finished(child);

    CHECK_EQUAL(pipe(ends), 0);
    child = reader(ends[0], ends[1], MEGA);
    struct iovec parts[4] = {{block, 100}, {block + 100, 0}, {block + 100, MEGA / 2}, {block + 100 + MEGA / 2, MEGA / 2 - 100}};
    CHECK_EQUAL(writev(ends[1], parts, 4), MEGA);
    close(ends[1]);
    finished(child);

    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    child = reader(ends[0], ends[1], MEGA);
    CHECK_EQUAL(send(ends[1], block, MEGA, 0), MEGA);
    close(ends[1]);
    finished(child);

    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    child = fork();
    if (child == 0) {
        close(ends[0]);
        for (size_t at = 0; at < MEGA; at += 32768) {
            usleep(500);
            if (write(ends[1], block + at, 32768) != 32768) {
                _exit(1);
            }
        }
        _exit(0);
    }
    close(ends[1]);
    CHECK_EQUAL(recv(ends[0], copy, MEGA, MSG_WAITALL), MEGA);
    CHECK_EQUAL(memcmp(copy, block, MEGA), 0);
    struct timeval limit = {0, 50000};
    CHECK_EQUAL(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    finished(child);
    close(ends[0]);
    CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_EQUAL(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    double begun = check_seconds();
    CHECK(recv(ends[0], copy, 1, 0) == -1 && errno == EAGAIN);
    CHECK(check_seconds() - begun >= 0.049);
    close(ends[0]);
    close(ends[1]);

    /* Non-blocking ones stay short. */
    CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
    ssize_t count = write(ends[1], block, MEGA);
    CHECK(count > 0 && count < (ssize_t)MEGA);
    CHECK(write(ends[1], block, MEGA) == -1 && errno == EAGAIN);
    /* And a reader that goes away ends a write with EPIPE. */
    signal(SIGPIPE, SIG_IGN);
    close(ends[0]);
    CHECK(write(ends[1], block, 10) == -1 && errno == EPIPE);
    return check_end("transfers");
}
