/* image_read.h - a pool opened for looking: never written, never locked, also while its program is running. Ordinary process. */
#ifndef PRS_IMAGE_READ_H
#define PRS_IMAGE_READ_H

#include "image.h"
#include "mirror.h"
#include "stack_image.h"
#include "store.h"
#include <stdbool.h>
#include <stdint.h>

struct image_file; /* a mapped file of the program's, as it lies on the disk */

struct image {
    int fd;
    void *map;
    uint64_t length;
    struct prs_pool_map pool; /* all its files; the two above are of this */
    int owner;               /* process that holds the pool, 0: none */
    bool large_read;         /* something of large memory was read: trustworthy only while image_current() */
    struct prs_arena arena;
    struct prs_store store;
    struct prs_mirror mirror;
    struct prs_stack_area stack_area; /* image NULL: the stack is in the log */
    struct prs_mirror stack;          /* what is in that area */
    struct prs_meta *meta;   /* NULL: there is no checkpoint */
    struct image_file *files;
};

/* Process that holds the lock that the runtime takes; 0 when nobody does. */
int image_lock_owner(int fd);
/* Maps and attaches; 0, PROSPER_E_* or -errno with a detail. A zeroed image may be closed. */
int image_open(struct image *image, const char *path);
/* Reads the log and META of the committed epoch, if there is one. A running program may be overtaking: tries again. */
int image_load(struct image *image, const char *path);
void image_close(struct image *image);
/* True while the pool's last commit is the one that was loaded. */
bool image_current(struct image *image);

/* Region of the image that holds address, or NULL. */
const struct prs_region *image_region(const struct image *image, uint64_t address);
const char *image_path(const struct image *image, const struct prs_region *region); /* "" when it is no file's */
/* The program's memory as a resume would make it; false where it has none, or where the file it comes from is gone or was changed. */
bool image_read(struct image *image, uint64_t address, void *out, uint64_t length);
/* Content of mapped file `index` (regions' file - 1); NULL when it is gone or is not the one that was mapped. */
const uint8_t *image_file_content(struct image *image, uint32_t index, uint64_t *size);

#endif
