/* Locks on files are held for as long as the program believes so: a child, another process, cannot take them, whatever has happened to its parent. */
#include "check.h"
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

static int open_file(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    return fd;
}

/* In a process of its own: which of these can be had? */
enum { ALL_OF_POSIX = 1, END_OF_POSIX = 2, DESCRIPTION = 4, FLOCK_SHARED = 8, FLOCK_EXCLUSIVE = 16, LOCKF = 32 };

static int try_record(const char *path, int command, short type, off_t start, off_t length)
{
    int fd = open(path, O_RDWR);
    struct flock range = {.l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = length};
    return fd >= 0 && fcntl(fd, command, &range) == 0;
}

static int available(void)
{
    pid_t child = fork();
    if (child == 0) {
        int found = 0;
        found |= try_record("posix", F_SETLK, F_RDLCK, 0, 0) ? ALL_OF_POSIX : 0;
        found |= try_record("posix", F_SETLK, F_WRLCK, 200, 0) ? END_OF_POSIX : 0;
        found |= try_record("description", F_OFD_SETLK, F_WRLCK, 5, 1) ? DESCRIPTION : 0;
        found |= try_record("lockf", F_SETLK, F_WRLCK, 0, 1) ? LOCKF : 0;
        int fd = open("flock", O_RDWR);
        found |= flock(fd, LOCK_SH | LOCK_NB) == 0 ? FLOCK_SHARED : 0;
        found |= flock(fd, LOCK_EX | LOCK_NB) == 0 ? FLOCK_EXCLUSIVE : 0;
        _exit(found);
    }
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
    return WEXITSTATUS(status);
}

int main(void)
{
    int posix = open_file("posix"), description = open_file("description"), flocked = open_file("flock"), simple = open_file("lockf");
    int same = dup(posix);
    CHECK_EQUAL(available(), ALL_OF_POSIX | END_OF_POSIX | DESCRIPTION | FLOCK_SHARED | FLOCK_EXCLUSIVE | LOCKF);
    struct flock range = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 100};
    CHECK_EQUAL(fcntl(posix, F_SETLK, &range), 0);
    range = (struct flock){.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 0, .l_len = 10};
    CHECK_EQUAL(fcntl(description, F_OFD_SETLK, &range), 0);
    CHECK_EQUAL(flock(flocked, LOCK_SH), 0);
    CHECK_EQUAL(lockf(simple, F_LOCK, 0), 0);
    for (int i = 0; i < 25; ++i) {
        (void)check_spin(0.02);
        CHECK_EQUAL(available(), END_OF_POSIX | FLOCK_SHARED);
    }
    CHECK_EQUAL(flock(flocked, LOCK_EX), 0);
    CHECK_EQUAL(lockf(simple, F_ULOCK, 0), 0);
    for (int i = 0; i < 25; ++i) {
        (void)check_spin(0.02);
        CHECK_EQUAL(available(), END_OF_POSIX | LOCKF);
    }
    CHECK_EQUAL(close(same), 0); /* which drops every lock of the process on the file */
    (void)check_spin(0.1);
    CHECK_EQUAL(available(), ALL_OF_POSIX | END_OF_POSIX | LOCKF);
    return check_end("locks");
}
