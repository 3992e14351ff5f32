/* repair.c - `prosper verify --repair COPY pool`: a copy of a damaged pool that is whole, or no copy.
 *
 * INVARIANTS
 *   1  The original is opened for reading only.
 *   2  COPY, and COPY.1 ... for the pool's extensions, are files that were not there before, mode 0600; whatever goes wrong, they are gone again.
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
    int fd[PRS_POOL_FILES_MAX]; /* of the pool file, then of its extensions */
    unsigned made;              /* so many of them */
    uint8_t *map;
    uint64_t length;
    unsigned repairs;
};

static void name_of_file(const char *path, unsigned number, char out[PRS_POOL_NAME_MAX])
{
    if (number == 0) {
        snprintf(out, PRS_POOL_NAME_MAX, "%s", path);
    } else {
        prs_pool_extension_name(path, number, out);
    }
}

/* Its space is reserved, as a new pool's is: a program that maps it must not find the disk full. Holes of the original stay zeros. */
static int copy_bytes(int to, const char *name, int from, const uint8_t *bytes, uint64_t length)
{
    int error = posix_fallocate(to, 0, (off_t)length);
    if (error != 0) {
        return error == ENOSPC || error == EFBIG || error == EDQUOT ? prs_fail(PROSPER_E_NO_SPACE, "%s", name) : prs_fail(-error, "%s", name);
    }
    for (off_t at = 0, end; at < (off_t)length && (at = lseek(from, at, SEEK_DATA)) >= 0; at = end) {
        end = lseek(from, at, SEEK_HOLE);
        end = end < (off_t)length ? end : (off_t)length;
        for (off_t done = at; done < end;) {
            size_t part = end - done < (off_t)PART ? (size_t)(end - done) : PART;
            ssize_t wrote = pwrite(to, bytes + done, part, done);
            if (wrote <= 0) {
                return prs_fail(wrote < 0 ? -errno : -EIO, "%s cannot be written", name);
            }
            done += wrote;
        }
    }
    return 0;
}

static int copy_file(struct copy *copy, const struct image *image, const char *original, unsigned number)
{
    char name[PRS_POOL_NAME_MAX], source[PRS_POOL_NAME_MAX];
    name_of_file(copy->path, number, name);
    name_of_file(original, number, source);
    int to = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (to < 0) {
        return errno == EEXIST ? prs_fail(PROSPER_E_USAGE, "%s is there already", name) : prs_fail(-errno, "%s", name);
    }
    copy->fd[copy->made++] = to;
    int from = number == 0 ? image->fd : open(source, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (from < 0) {
        return prs_fail(-errno, "%s", source);
    }
    uint64_t at = image->pool.file[number].at, length = image->pool.file[number].bytes;
    int error = copy_bytes(to, name, from, (const uint8_t *)image->map + at, length);
    if (number > 0) {
        close(from);
    }
    if (error == 0 && mmap(copy->map + at, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, to, 0) == MAP_FAILED) {
        error = prs_fail(-errno, "%s cannot be mapped", name);
    }
    return error;
}

static int make_copy(struct copy *copy, const struct image *image, const char *path)
{
    char original[PRS_POOL_NAME_MAX];
    prs_pool_real_name(image->fd, path, original);
    copy->length = image->length;
    void *map = mmap(NULL, copy->length, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (map == MAP_FAILED) {
        return prs_fail(-errno, "%s cannot be mapped", copy->path);
    }
    copy->map = map;
    int error = 0;
    for (unsigned i = 0; i <= image->pool.extensions && error == 0; i++) {
        error = copy_file(copy, image, original, i);
    }
    return error;
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

static int mend(struct copy *copy, struct image *image, const char *path)
{
    int error = make_copy(copy, image, path);
    if (error == 0) {
        error = prs_store_repair(copy->map, copy->length, &image->arena, say, copy);
    }
    for (unsigned i = 0; i < copy->made && error == 0; i++) {
        error = fsync(copy->fd[i]) == 0 ? 0 : prs_fail(-errno, "%s cannot be written", copy->path);
    }
    return error != 0 ? error : check_copy(copy);
}

int repair(const char *path, const char *copy_path)
{
    struct image image;
    struct copy copy = {.path = copy_path};
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
    error = mend(&copy, &image, path);
    unsigned extensions = image.pool.extensions;
    image_close(&image);
    if (copy.map != NULL) {
        munmap(copy.map, copy.length);
    }
    for (unsigned i = 0; i < copy.made; i++) {
        close(copy.fd[i]);
    }
    if (error == 0) {
        printf("%s is whole (%u repair%s", copy_path, copy.repairs, copy.repairs == 1 ? "" : "s");
        if (extensions > 0) {
            printf("; %u extension file%s beside it", extensions, extensions == 1 ? "" : "s");
        }
        printf("); ");
        print_text(stdout, path);
        printf(" is as it was\n");
        return 0;
    }
    for (unsigned i = 0; i < copy.made; i++) {
        char name[PRS_POOL_NAME_MAX];
        name_of_file(copy_path, i, name);
        unlink(name);
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
