/* printer.c - writes numbered lines to standard output and standard error, and says by its exit status whether that worked.
 *
 * Usage: printer uid                says as whom it runs
 *        printer [saved] LINES      saved: half of the lines go into the file "inside", by dup2 and back, as a shell's redirection does it
 * A line takes some milliseconds. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int failed;

static void put(int fd, const char *what, int number)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%s %d\n", what, number);
    if (write(fd, text, (size_t)length) != length)
        failed = 9;
}

static void work(void)
{
    for (volatile int i = 0; i < 2000000; i++) {
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "uid") == 0)
        return printf("euid %u\n", (unsigned)geteuid()) < 0;
    int saving = argc > 2 && strcmp(argv[1], "saved") == 0;
    int lines = argc > 1 ? atoi(argv[argc - 1]) : 0;
    int saved = -1;
    for (int i = 1; i <= lines; i++) {
        if (saving && i == lines / 4) {
            saved = dup(1);
            int file = open("inside", O_WRONLY | O_CREAT | O_TRUNC, 0644);
            if (saved < 0 || file < 0 || dup2(file, 1) != 1 || close(file) != 0)
                return 8;
        }
        if (saving && i == lines * 3 / 4) {
            if (dup2(saved, 1) != 1 || close(saved) != 0)
                return 8;
        }
        put(1, "out", i);
        put(2, "err", i);
        work();
    }
    return failed;
}
