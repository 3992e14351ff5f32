/* Files that are read, changed and written back in place, by descriptor and by stdio, and files that are opened again and again for appending. A program that
 * did one step twice, or not at all, counts wrong. */
#include "check.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define ROUNDS 150

static void add_by_descriptor(int fd, off_t at)
{
    uint64_t value = 0;
    CHECK_EQUAL(pread(fd, &value, sizeof value, at), sizeof value);
    ++value;
    CHECK_EQUAL(pwrite(fd, &value, sizeof value, at), sizeof value);
}

static void add_by_write(int fd, off_t at)
{
    uint64_t value = 0;
    CHECK_EQUAL(lseek(fd, at, SEEK_SET), at);
    CHECK_EQUAL(read(fd, &value, sizeof value), sizeof value);
    value += 3;
    CHECK_EQUAL(lseek(fd, at, SEEK_SET), at);
    struct iovec part = {&value, sizeof value};
    CHECK_EQUAL(at % 16 == 0 ? write(fd, &value, sizeof value) : writev(fd, &part, 1), sizeof value);
}

static void add_by_stream(FILE *stream, long at)
{
    uint64_t value = 0;
    CHECK_EQUAL(fseek(stream, at, SEEK_SET), 0);
    CHECK_EQUAL(fread(&value, sizeof value, 1, stream), 1);
    value += 5;
    CHECK_EQUAL(fseek(stream, at, SEEK_SET), 0);
    CHECK_EQUAL(fwrite(&value, sizeof value, 1, stream), 1);
}

/* Reads the line count from the file's end, cuts the last line off, writes two. */
static void cut_and_append(int number)
{
    FILE *stream = fopen("lines", "r");
    int last = -1;
    for (char line[64]; stream != NULL && fgets(line, sizeof line, stream) != NULL;) {
        last = atoi(line);
    }
    if (stream != NULL) {
        fclose(stream);
    }
    CHECK_EQUAL(last, number - 1);
    int fd = open("lines", O_WRONLY | O_CREAT | O_APPEND, 0644);
    struct stat status;
    CHECK(fd >= 0 && fstat(fd, &status) == 0);
    if (status.st_size >= 9) {
        CHECK_EQUAL(ftruncate(fd, status.st_size - 9), 0);
    }
    char text[32];
    for (int i = number - (number > 0); i <= number; ++i) {
        snprintf(text, sizeof text, "%08d\n", i);
        CHECK_EQUAL(write(fd, text, 9), 9);
    }
    close(fd);
}

int main(void)
{
    uint64_t zeros[64] = {0};
    FILE *table = fopen("table", "w+");
    CHECK_EQUAL(fwrite(zeros, sizeof zeros, 1, table), 1);
    int fd = open("counters", O_RDWR | O_CREAT | O_TRUNC, 0644);
    CHECK_EQUAL(write(fd, zeros, sizeof zeros), sizeof zeros);
    for (int i = 0; i < ROUNDS; ++i) {
        add_by_descriptor(fd, i % 8 * 8);
        add_by_write(fd, 64 + i % 8 * 8);
        add_by_stream(table, i % 8 * 8);
        FILE *again = fopen("counters", "r+");
        add_by_stream(again, 128 + i % 8 * 8);
        CHECK_EQUAL(fclose(again), 0);
        cut_and_append(i);
        FILE *log = fopen("log", "a");
        fprintf(log, "%d\n", i);
        CHECK_EQUAL(fclose(log), 0);
        (void)check_spin(0.01);
    }
    uint64_t values[64], sums[4] = {0};
    CHECK_EQUAL(pread(fd, values, sizeof values, 0), sizeof values);
    for (int i = 0; i < 24; ++i) {
        sums[i / 8] += values[i];
    }
    rewind(table);
    CHECK_EQUAL(fread(values, sizeof values, 1, table), 1);
    for (int i = 0; i < 8; ++i) {
        sums[3] += values[i];
    }
    CHECK_EQUAL(sums[0], ROUNDS);
    CHECK_EQUAL(sums[1], 3 * ROUNDS);
    CHECK_EQUAL(sums[2], 5 * ROUNDS);
    CHECK_EQUAL(sums[3], 5 * ROUNDS);
    fclose(table);
    close(fd);
    const char *names[] = {"log", "lines"};
    for (int i = 0; i < 2; ++i) {
        FILE *stream = fopen(names[i], "r");
        int lines = 0;
        for (char line[64]; fgets(line, sizeof line, stream) != NULL; ++lines) {
            CHECK_EQUAL(atoi(line), lines);
        }
        CHECK_EQUAL(lines, ROUNDS);
        fclose(stream);
    }
    return check_end("inplace");
}
