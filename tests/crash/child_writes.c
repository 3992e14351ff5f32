/* child_writes.c - a program whose children write to a file of theirs, "by_child", and end; itself it has no file open: child_writes CHILDREN ROUNDS, so many million after each child.
 * Status 1, too, when the processor time that it has used goes back. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void child(void)
{
    int file = open("by_child", O_WRONLY | O_CREAT | O_APPEND, 0644);
    _exit(file >= 0 && write(file, "line\n", 5) == 5 ? 0 : 1);
}

int main(int argc, char **argv)
{
    int children = argc > 1 ? atoi(argv[1]) : 1, wrote = 0, back = 0;
    clock_t used = clock();
    long rounds = argc > 2 ? atol(argv[2]) * 1000000 : 0;
    for (int i = 0; i < children; ++i) {
        pid_t pid = fork();
        int status = 1;
        if (pid == 0) {
            child();
        }
        wrote += waitpid(pid, &status, 0) == pid && status == 0;
        for (volatile long j = 0; j < rounds; ++j) {
            if (j % 100000 == 0) {
                clock_t now = clock();
                back += now < used;
                used = now;
            }
        }
    }
    printf("%d\n", wrote);
    return wrote == children && back == 0 ? 0 : 1;
}
