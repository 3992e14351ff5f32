/* image_read.c - a pool opened for looking.
 *
 * INVARIANTS
 *   1  The pool is opened read-only and mapped private; no lock is taken, so a running program does not notice.
 *   2  What the log gives is of one epoch, also while the program goes on: attaching fixes the epoch, later epochs are appended
 *      behind it, and entries are checked by checksum as they are read. Should the area be used again meanwhile, reading fails and
 *      is done afresh.
 *   3  Pages of large memory are overwritten by the second epoch after theirs, so what was read of them counts only if
 *      image_current() holds afterwards.
 *   4  The same goes for an image of the stack (stack_image.h), which is read as a whole when the pool is loaded: a commit meanwhile, and all is done afresh.
 *   5  Nothing in the pool is believed before prs_meta_check: a damaged pool gives an error code.
 */
#define _GNU_SOURCE
#include "image_read.h"
#include "error.h"
#include "layout.h"
#include "media.h"
#include "meta_load.h"
#include "options.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TRIES 20u

struct image_file {
    bool tried;
    const uint8_t *content;
    uint64_t size;
};

int image_lock_owner(int fd)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    return fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK ? (int)lock.l_pid : 0;
}

int image_open(struct image *image, const char *path)
{
    *image = (struct image){.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)}; /* a pipe is refused, not waited for */
    if (image->fd < 0) {
        return errno == ENOENT ? prs_fail(PROSPER_E_NOT_A_POOL, "there is no %s", path) : prs_fail(-errno, "%s", path);
    }
    image->owner = image_lock_owner(image->fd);
    int error = prs_pool_map(&image->pool, image->fd, path, NULL, PROT_READ, false, false);
    if (error != 0) {
        return error;
    }
    image->map = image->pool.base;
    image->length = image->pool.length;
    return prs_store_attach(&image->store, image->map, image->length, &prs_media_none, &image->arena);
}

static int into_mirror(void *context, uint64_t address, const void *data, uint32_t length) { return prs_mirror_apply(context, address, data, length); }

static int load_stack(struct image *image)
{
    if (prs_stack_image_of((enum prs_stack)image->meta->stack_way) == NULL) {
        return 0;
    }
    int error = prs_stack_area_read(&image->stack_area, &image->store, (enum prs_stack)image->meta->stack_way);
    error = error == 0 ? prs_mirror_init(&image->stack, &image->arena) : error;
    error = error == 0 ? image->stack_area.image->each(&image->stack_area, into_mirror, &image->stack) : error;
    return error == 0 && !image_current(image) ? prs_fail(PROSPER_E_IN_USE, "process %d commits faster than its stack can be read", image->owner) : error;
}

static int load_once(struct image *image, const char *path)
{
    int error = image_open(image, path);
    if (error != 0 || image->store.epoch == 0 || prs_store_state(&image->store) == PRS_POOL_EMPTY) {
        return error;
    }
    error = prs_mirror_init(&image->mirror, &image->arena);
    if (error == 0) {
        error = prs_meta_load(&image->store, &image->arena, &image->mirror, &image->meta);
    }
    if (error == 0 && image->meta->file_count > 0) {
        image->files = calloc(image->meta->file_count, sizeof *image->files);
        error = image->files == NULL ? -ENOMEM : 0;
    }
    return error == 0 ? load_stack(image) : error;
}

int image_load(struct image *image, const char *path)
{
    int error = load_once(image, path);
    /* A program at work can make a record look torn or take back the log under our eyes; one that lies still cannot. */
    for (unsigned i = 1; i < TRIES && error != 0 && image->owner != 0; i++) {
        image_close(image);
        nanosleep(&(struct timespec){0, 3000000}, NULL);
        error = load_once(image, path);
    }
    return error;
}

void image_close(struct image *image)
{
    if (image->files != NULL) {
        for (uint32_t i = 0; i < image->meta->file_count; i++) {
            if (image->files[i].content != NULL) {
                munmap((void *)(uintptr_t)image->files[i].content, image->files[i].size);
            }
        }
        free(image->files);
    }
    if (image->map != NULL) {
        munmap(image->map, image->length);
    }
    if (image->fd > 0) {
        close(image->fd);
    }
    *image = (struct image){0}; /* what came from the arena stays: a command ends soon */
}

bool image_current(struct image *image)
{
    struct prs_store store;
    struct prs_arena arena = {0, 0};
    return image->owner == 0 ||
           (prs_store_attach(&store, image->map, image->length, &prs_media_none, &arena) == 0 && store.epoch == image->store.epoch);
}

const struct prs_region *image_region(const struct image *image, uint64_t address)
{
    uint32_t low = 0, high = image->meta->region_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (image->meta->regions[middle].end <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < image->meta->region_count && image->meta->regions[low].start <= address ? &image->meta->regions[low] : NULL;
}

const char *image_path(const struct image *image, const struct prs_region *region)
{
    return region->file == 0 ? "" : image->meta->text + image->meta->files[region->file - 1].path;
}

const uint8_t *image_file_content(struct image *image, uint32_t index, uint64_t *size)
{
    const struct prs_mapped_file *wanted = &image->meta->files[index];
    struct image_file *file = &image->files[index];
    if (!file->tried) {
        struct stat status;
        file->tried = true;
        const char *path = image->meta->text + wanted->path;
        /* The name is the pool's: a device is not even opened. */
        int fd = stat(path, &status) == 0 && S_ISREG(status.st_mode) ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
        if (fd >= 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (uint64_t)status.st_size == wanted->size &&
            status.st_size > 0 && status.st_mtim.tv_sec * 1000000000l + status.st_mtim.tv_nsec == wanted->mtime_ns) {
            void *map = mmap(NULL, wanted->size, PROT_READ, MAP_PRIVATE, fd, 0);
            file->content = map == MAP_FAILED ? NULL : map;
            file->size = wanted->size;
        }
        if (fd >= 0) {
            close(fd);
        }
    }
    *size = file->content != NULL ? file->size : 0;
    return file->content;
}

static bool read_file(struct image *image, const struct prs_region *region, uint64_t address, uint8_t *out, uint64_t length)
{
    uint64_t size, at;
    const uint8_t *content = image_file_content(image, region->file - 1, &size);
    if (content == NULL || __builtin_add_overflow(region->file_offset, address - region->start, &at)) {
        return false;
    }
    for (uint64_t i = 0; i < length; i++) { /* the last page of a mapping goes on with zeros */
        out[i] = at + i < size ? content[at + i] : 0;
    }
    return true;
}

static bool read_page(struct image *image, uint64_t address, uint8_t *out, uint64_t length)
{
    uint8_t page[PRS_PAGE];
    image->large_read = true;
    if (!prs_store_page_read(&image->store, address / PRS_PAGE * PRS_PAGE, page)) {
        memset(page, 0, sizeof page);
    }
    memcpy(out, page + address % PRS_PAGE, length);
    return true;
}

/* Within one page. */
static bool read_part(struct image *image, uint64_t address, uint8_t *out, uint64_t length)
{
    const struct prs_region *region = image_region(image, address);
    if (region == NULL) {
        return false;
    }
    switch (region->kind) {
    case PRS_REGION_STACK:
        if (image->meta->stack_way == PRS_STACK_SSP) {
            return read_page(image, address, out, length);
        }
        /* fall through */
    case PRS_REGION_SMALL: {
        bool apart = region->kind == PRS_REGION_STACK && image->stack_area.image != NULL;
        const uint8_t *chunk = prs_mirror_chunk(apart ? &image->stack : &image->mirror, address, false);
        if (chunk == NULL) {
            memset(out, 0, length);
        } else {
            memcpy(out, chunk + address % PRS_CHUNK, length);
        }
        return true;
    }
    case PRS_REGION_LARGE:
        return read_page(image, address, out, length);
    case PRS_REGION_FILE:
        return read_file(image, region, address, out, length);
    default: /* EMPTY */
        return false;
    }
}

bool image_read(struct image *image, uint64_t address, void *out, uint64_t length)
{
    uint8_t *to = out;
    while (length > 0) {
        uint64_t part = PRS_PAGE - address % PRS_PAGE;
        part = part < length ? part : length;
        if (!read_part(image, address, to, part)) {
            return false;
        }
        address += part;
        to += part;
        length -= part;
    }
    return true;
}
