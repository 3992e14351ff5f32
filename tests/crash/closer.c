/* closer.c - closes, by a system call without a wrapper, a descriptor of the runtime's that no checkpoint needs, and opens a file of its own instead. The file must be there after
 * a restart. */
#include "prosper/prosper.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The lower one of two for /proc/self/maps. */
static int find(void)
{
    for (int fd = 3; fd < 1024; ++fd) {
        char link[32], target[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof target);
        if (length > 5 && memcmp(target + length - 5, "/maps", 5) == 0) {
            return fd;
        }
    }
    return -1;
}

int main(void)
{
    close(open("kept", O_RDWR | O_CREAT, 0600)); /* here, because a call that makes a file has a checkpoint in front of it */
    prosper_checkpoint();
    prosper_checkpoint();
    int ours = find();
    if (ours < 0) {
        puts("no such descriptor");
        return 1;
    }
    long closed = syscall(SYS_close, ours);
    int fd = open("kept", O_RDWR);
    if (prosper_checkpoint() == 0) {
        kill(getpid(), SIGKILL);
    }
    printf("%s\n", closed == 0 && write(fd, "kept", 4) == 4 ? "the file is there" : "the file is lost");
    return 0;
}
