/* repair.c - `prosper verify --repair COPY pool`: a copy of a damaged pool that is whole, or no copy.
 *
 * INVARIANTS
 *   1  The original is opened for reading only.
 *   2  COPY is a file that was not there before, mode 0600; whatever goes wrong, it is gone again.
 *   3  A copy that stays has passed everything that a start checks.
 */
#define _GNU_SOURCE
#include "repair.h"
#include "command.h"
#include "image_read.h"
#include "media.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PART (1u << 20)

struct copy {
    const char *path;
    int fd;
    uint8_t *map;
    uint64_t length;
    unsigned repairs;
};

/* Its space is reserved, as a new pool's is: a program that maps it must not find the disk full. Holes of the original stay zeros. */
static int copy_bytes(struct copy *copy, const struct image *image)
{
    int error = posix_fallocate(copy->fd, 0, (off_t)copy->length);
    if (error != 0) {
        return error == ENOSPC || error == EFBIG || error == EDQUOT ? prs_fail(PROSPER_E_NO_SPACE, "%s", copy->path) : prs_fail(-error, "%s", copy->path);
    }
    for (off_t at = 0, end; (at = lseek(image->fd, at, SEEK_DATA)) >= 0; at = end) {
        end = lseek(image->fd, at, SEEK_HOLE);
        for (off_t done = at; done < end;) {
            size_t part = end - done < (off_t)PART ? (size_t)(end - done) : PART;
            ssize_t wrote = pwrite(copy->fd, (const uint8_t *)image->map + done, part, done);
            if (wrote <= 0) {
                return prs_fail(wrote < 0 ? -errno : -EIO, "%s cannot be written", copy->path);
            }
            done += wrote;
        }
    }
    return 0;
}

static int make_copy(struct copy *copy, const struct image *image)
{
    copy->fd = open(copy->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (copy->fd < 0) {
        return errno == EEXIST ? prs_fail(PROSPER_E_USAGE, "%s is there already", copy->path) : prs_fail(-errno, "%s", copy->path);
    }
    copy->length = image->length;
    int error = copy_bytes(copy, image);
    if (error != 0) {
        return error;
    }
    void *map = mmap(NULL, copy->length, PROT_READ | PROT_WRITE, MAP_SHARED, copy->fd, 0);
    copy->map = map == MAP_FAILED ? NULL : map;
    return copy->map == NULL ? prs_fail(-errno, "%s cannot be mapped", copy->path) : 0;
}

static void say(void *context, const char *sentence)
{
    struct copy *copy = context;
    copy->repairs++;
    printf("repaired: ");
    print_text(stdout, sentence);
    putchar('\n');
}

/* What a start would say of the copy. */
static int check_copy(const struct copy *copy)
{
    struct image image;
    int error = image_load(&image, copy->path);
    image_close(&image);
    return error != 0 ? error : prs_pool_check_apart(copy->path);
}

static int mend(struct copy *copy, struct image *image)
{
    int error = make_copy(copy, image);
    if (error == 0) {
        error = prs_store_repair(copy->map, copy->length, &image->arena, say, copy);
    }
    if (error == 0 && fsync(copy->fd) != 0) {
        error = prs_fail(-errno, "%s cannot be written", copy->path);
    }
    return error != 0 ? error : check_copy(copy);
}

int repair(const char *path, const char *copy_path)
{
    struct image image;
    struct copy copy = {.path = copy_path, .fd = -1};
    int error = image_open(&image, path);
    if (error != 0 && (error != PROSPER_E_DAMAGED || image.map == NULL)) {
        image_close(&image);
        return command_refuse(error);
    }
    if (image.owner != 0) {
        error = command_refuse(prs_fail(PROSPER_E_IN_USE, "%s: process %d", path, image.owner));
        image_close(&image);
        return error;
    }
    error = mend(&copy, &image);
    image_close(&image);
    if (copy.map != NULL) {
        munmap(copy.map, copy.length);
    }
    if (copy.fd >= 0) {
        close(copy.fd);
    }
    if (error == 0) {
        printf("%s is whole (%u repair%s); ", copy_path, copy.repairs, copy.repairs == 1 ? "" : "s");
        print_text(stdout, path);
        printf(" is as it was\n");
        return 0;
    }
    if (copy.fd >= 0) {
        unlink(copy_path);
    }
    if (error != PROSPER_E_DAMAGED) {
        return command_refuse(error);
    }
    printf("cannot be repaired: ");
    print_text(stdout, prs_detail());
    printf("\nno copy was made; ");
    print_text(stdout, path);
    printf(" is as it was\n");
    return 1;
}
