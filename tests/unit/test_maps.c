/* test_maps.c - the list of mappings is taken only if it was read to its end. */
#include "maps.h"
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char text[1 << 20], buffer[1 << 20];

/* What is read of a list that ends after `bytes`. */
static long read_of(size_t bytes)
{
    int fd = memfd_create("maps", 0);
    cr_assert_eq(write(fd, text, bytes), (ssize_t)bytes);
    long result = prs_maps_read(fd, buffer, sizeof buffer);
    close(fd);
    return result;
}

Test(maps, cut_off)
{
    int fd = open("/proc/self/maps", O_RDONLY);
    long length = prs_maps_read(fd, text, sizeof text);
    cr_assert_gt(length, 0);
    const char *stack = strstr(text, "[stack]\n");
    cr_assert_not_null(stack);
    size_t whole = (size_t)(stack - text) + strlen("[stack]\n");
    cr_assert_eq(read_of((size_t)length), length);
    cr_assert_eq(read_of(whole), (long)whole, "where there is no vsyscall page");
    for (const char *line = text; line < stack; line = strchr(line, '\n') + 1) { /* behind each line before that of the stack */
        cr_assert_eq(read_of((size_t)(line - text)), -EIO);
    }
}
