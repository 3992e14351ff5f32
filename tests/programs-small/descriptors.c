/* Programs that close every descriptor they know nothing of, and go on. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

int prosper_checkpoint(void) __attribute__((weak)); /* there when the runtime is */

static void still_there(void)
{
    if (prosper_checkpoint != NULL) {
        CHECK(prosper_checkpoint() >= 0);
    }
}

int main(void)
{
    still_there();
    for (int i = 0; i < 20; ++i) {
        int file = open("/dev/null", O_RDONLY);
        CHECK(file >= 3);
        closefrom(3);
        CHECK(fcntl(file, F_GETFD) == -1 && errno == EBADF);
        (void)check_spin(0.01);
        still_there();
        CHECK_EQUAL(close_range(3, ~0u, 0), 0);
        CHECK_EQUAL(close_range(500, 600, 0), 0);
        still_there();
        struct rlimit limit;
        getrlimit(RLIMIT_NOFILE, &limit);
        for (int fd = 3; fd < (int)limit.rlim_cur && fd < 70000; ++fd) {
            CHECK(close(fd) == -1 && errno == EBADF);
        }
        still_there();
        CHECK_EQUAL(dup2(1, 300), 300);
        CHECK_EQUAL(fcntl(1, F_DUPFD, 200), 200);
        CHECK_EQUAL(close(300), 0);
        CHECK_EQUAL(close(200), 0);
        CHECK(dup2(399, 3) == -1 && errno == EBADF);
        (void)check_spin(0.01);
    }
    return check_end("descriptors");
}
