/* Temporary files, deleted as soon as they are open: the name is gone, and the last checkpoint, from before, has it. */
#include "check.h"
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void use(int round)
{
    char text[64], back[64];
    struct stat status;
    int fd = open("temporary", O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 3);
    int reader = open("temporary", O_RDONLY);
    CHECK(reader >= 3);
    if (round % 3 == 0) {
        (void)check_spin(0.015); /* a checkpoint has it, and empty */
    }
    CHECK_EQUAL(unlink("temporary"), 0);
    int length = snprintf(text, sizeof text, "round %d", round);
    CHECK_EQUAL(write(fd, text, (size_t)length), length);
    (void)check_spin(0.02);
    CHECK_EQUAL(read(reader, back, sizeof back), length); /* the same file */
    CHECK_EQUAL(close(reader), 0);
    CHECK_EQUAL(pread(fd, back, sizeof back, 0), length);
    CHECK(memcmp(text, back, (size_t)length) == 0);
    CHECK(fstat(fd, &status) == 0 && (status.st_mode & 0777) == 0640 && status.st_nlink == 0);
    CHECK_EQUAL(close(fd), 0);
    (void)check_spin(0.01);
}

int main(void)
{
    umask(022);
    for (int round = 0; round < 60; ++round) {
        use(round);
        if (round % 10 == 0) {
            printf("round %d\n", round);
            fflush(stdout);
        }
    }
    return check_end("temporary");
}
