/* changes.c - changes of files that are noticed when they are made twice, and clocks: for `died_anywhere --every`, whose first process dies soon after a checkpoint at any instruction and whose second one runs to the end.
 * One change after the other, with nothing in between that takes a checkpoint. Short, because it is single-stepped. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char results[64];
static int count;

static void note(int good) { results[count++] = good ? '+' : '-'; }

static long used(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_utime.tv_sec * 1000000 + usage.ru_utime.tv_usec;
}

static void files(void)
{
    note(mkdir("a", 0755) == 0);
    note(rename("a", "b") == 0);
    note(rmdir("b") == 0);
    int log = open("log", O_WRONLY | O_CREAT | O_EXCL | O_APPEND, 0644), again = open("log", O_RDONLY);
    note(write(log, "abcdef", 6) == 6);
    note(ftruncate(log, 3) == 0);
    note(link("log", "second") == 0);
    note(rename("log", "third") == 0);
    note(symlink("third", "fourth") == 0);
    note(renameat2(AT_FDCWD, "third", AT_FDCWD, "fourth", RENAME_EXCHANGE) == 0);
    note(unlink("second") == 0);
    int kept = open("kept", O_WRONLY | O_CREAT | O_APPEND, 0444);
    note(write(kept, "xyz", 3) == 3);
    FILE *stream = fopen("stream", "wx");
    note(stream != NULL && fputs("one", stream) >= 0 && fclose(stream) == 0);
    close(again);
}

static void clocks(void)
{
    long first = clock(), second = clock();
    note(first <= second);
    first = used();
    note(first <= used());
}

int main(void)
{
#ifndef CLOCKS /* those alone */
    files();
#endif
    clocks();
    results[count++] = '\n';
    return write(1, results, (size_t)count) != count;
}
