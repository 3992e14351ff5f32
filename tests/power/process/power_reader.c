/* power_reader.c - a process of its own that opens what a power cut left, with the store as it is shipped: attach, read, recover, read.
 *
 * Usage: power_reader FILE BY-PAGES. One line on standard output: what it read, or "refused". It says the same before and after recovery, or exits with 1. The file is not changed.
 */
#include "digest.h"
#include "media.h"
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define ARENA_AT 0x300000000000ul
#define ARENA_BYTES (64ul << 20)

int main(int argc, char **argv)
{
    struct stat status;
    int fd = argc == 3 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0 || fstat(fd, &status) != 0) {
        perror("power_reader");
        return 2;
    }
    uint64_t length = (uint64_t)status.st_size;
    uint8_t *bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED) {
        perror("power_reader");
        return 2;
    }
    struct prs_arena arena = {ARENA_AT, ARENA_AT + ARENA_BYTES}; /* it maps what it gives */
    struct prs_media media = prs_media_none;
    static struct prs_store store;
    media.by_pages = atoi(argv[2]) != 0;
    char found[DIGEST_BYTES], recovered[DIGEST_BYTES];
    if (prs_store_attach_growing(&store, bytes, length, length, &media, &arena) != 0) {
        puts("refused");
        puts(prs_detail());
        return 0;
    }
    digest_of(&store, found);
    if (prs_store_recover(&store) != 0) {
        printf("recovery refuses it: %s\n", prs_detail());
        return 1;
    }
    digest_of(&store, recovered);
    puts(found);
    if (strcmp(found, recovered) != 0) {
        puts(recovered);
        return 1;
    }
    return 0;
}
