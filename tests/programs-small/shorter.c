/* Files that become shorter while they are open, by every way there is, are found with either length after a kill; and a directory that is being read goes on
 * where it was. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ENTRIES 1500

static long size_of(int fd)
{
    struct stat status;
    CHECK_EQUAL(fstat(fd, &status), 0);
    return status.st_size;
}

static void truncate_again(int round)
{
    int fd = open("cut", O_RDWR | O_CREAT, 0600);
    CHECK(fd >= 0);
    char text[4096];
    memset(text, 'a' + round % 26, sizeof text);
    CHECK_EQUAL(pwrite(fd, text, sizeof text, 0), (long)sizeof text);
    (void)check_spin(0.004);
    CHECK_EQUAL(ftruncate(fd, 100), 0);
    CHECK_EQUAL(size_of(fd), 100);
    (void)check_spin(0.004);
    CHECK_EQUAL(truncate("cut", 10), 0);
    CHECK_EQUAL(size_of(fd), 10);
    CHECK_EQUAL(pread(fd, text, sizeof text, 0), 10);
    CHECK_EQUAL(text[9], 'a' + round % 26);
    CHECK_EQUAL(close(fd), 0);
}

static void open_again(int round)
{
    static FILE *stream;
    if (stream == NULL) {
        stream = fopen("stream", "w");
    }
    CHECK(stream != NULL);
    for (int i = 0; i < 200; ++i) {
        fprintf(stream, "round %d, line %d\n", round, i);
    }
    CHECK_EQUAL(fflush(stream), 0);
    FILE *reader = fopen("stream", "r");
    CHECK(reader != NULL && size_of(fileno(reader)) > 3000);
    (void)check_spin(0.004);
    stream = freopen("stream", "w", stream);
    CHECK(stream != NULL && size_of(fileno(reader)) == 0);
    fprintf(stream, "%d\n", round);
    CHECK_EQUAL(fflush(stream), 0);
    (void)check_spin(0.004);
    FILE *writer = fopen("stream", "w");
    CHECK(writer != NULL && size_of(fileno(reader)) == 0);
    CHECK(fclose(writer) == 0 && fclose(reader) == 0);
}

static void make_entries(void)
{
    CHECK_EQUAL(mkdir("entries", 0700), 0);
    for (int i = 0; i < ENTRIES; ++i) {
        char name[32];
        snprintf(name, sizeof name, "entries/%d", i);
        int fd = open(name, O_WRONLY | O_CREAT, 0600);
        CHECK(fd >= 0 && close(fd) == 0);
    }
}

static void read_entries(void)
{
    static unsigned char seen[ENTRIES];
    memset(seen, 0, sizeof seen);
    DIR *directory = opendir("entries");
    CHECK(directory != NULL);
    int count = 0;
    for (struct dirent *entry; directory != NULL && (entry = readdir(directory)) != NULL;) {
        if (entry->d_name[0] != '.') {
            ++seen[atoi(entry->d_name)];
            ++count;
            (void)check_spin(0.0001);
        }
    }
    CHECK_EQUAL(closedir(directory), 0);
    CHECK_EQUAL(count, ENTRIES);
    for (int i = 0; i < ENTRIES; ++i) {
        CHECK_EQUAL(seen[i], 1);
    }
}

int main(void)
{
    make_entries();
    for (int round = 0; round < 25; ++round) {
        truncate_again(round);
        open_again(round);
        if (round % 8 == 7) {
            read_entries();
        }
    }
    return check_end("shorter");
}
