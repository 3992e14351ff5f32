/* child_writes.c - a program whose children write to a file of theirs, "by_child", and end; itself it has no file open: child_writes CHILDREN ROUNDS, so many million after each child. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void child(void)
{
    int file = open("by_child", O_WRONLY | O_CREAT | O_APPEND, 0644);
    _exit(file >= 0 && write(file, "line\n", 5) == 5 ? 0 : 1);
}

int main(int argc, char **argv)
{
    int children = argc > 1 ? atoi(argv[1]) : 1, wrote = 0;
    long rounds = argc > 2 ? atol(argv[2]) * 1000000 : 0;
    for (int i = 0; i < children; ++i) {
        pid_t pid = fork();
        int status = 1;
        if (pid == 0) {
            child();
        }
        wrote += waitpid(pid, &status, 0) == pid && status == 0;
        for (volatile long j = 0; j < rounds; ++j) {
        }
    }
    printf("%d\n", wrote);
    return wrote == children ? 0 : 1;
}
