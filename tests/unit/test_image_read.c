/* test_image_read.c - a pool opened for looking: the program's memory as a resume would make it, from every kind of region, and nothing
 * believed that is damaged. The pool is made through the store, as a checkpoint makes it. */
#define _GNU_SOURCE
#include "../../tools/elf_file.c"
#include "../../tools/image_read.c"
#include "../../tools/json.c"
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>

#define POOL_BYTES (64ul << 20)
#define STACK 0x7ffffffde000ul
#define SMALL 0x555555557000ul
#define LARGE 0x100000000000ul
#define FILE_AT 0x555555554000ul

static char directory[] = "/tmp/prosper-image-XXXXXX";
static char pool[64], text_file[64];

static struct prs_meta *meta;
static struct prs_store store;
static void *map;

static void remove_files(void)
{
    unlink(pool);
    unlink(text_file);
    rmdir(directory);
}

static void setup(void)
{
    cr_assert_not_null(mkdtemp(directory));
    snprintf(pool, sizeof pool, "%s/pool", directory);
    snprintf(text_file, sizeof text_file, "%s/text", directory);
    FILE *out = fopen(text_file, "w");
    for (int i = 0; i < 1000; i++) {
        fprintf(out, "line %06d\n", i); /* 12,000 bytes: the last page is not whole */
    }
    fclose(out);
    int error = prs_pool_create(pool, POOL_BYTES, 0, false);
    cr_assert_eq(error, 0, "prs_pool_create: %d %s", error, prs_detail());
    int fd = open(pool, O_RDWR | O_CLOEXEC);
    struct stat status;
    cr_assert_eq(fstat(fd, &status), 0);
    map = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(map, MAP_FAILED);
    close(fd);
    static struct prs_arena arena;
    cr_assert_eq(prs_store_attach(&store, map, (uint64_t)status.st_size, &prs_media_none, &arena), 0);
    cr_assert_eq(prs_store_recover(&store), 0);
    meta = calloc(1, sizeof *meta);
}

static uint32_t add_text(const char *text)
{
    uint32_t at = meta->text_used;
    strcpy(meta->text + at, text);
    meta->text_used += (uint32_t)strlen(text) + 1;
    return at;
}

static void add_region(uint64_t start, uint64_t pages, uint32_t kind, uint32_t file)
{
    meta->regions[meta->region_count++] =
        (struct prs_region){.start = start, .end = start + pages * PRS_PAGE, .kind = kind, .protection = 3, .file = file};
}

static void make_meta(void)
{
    struct stat status;
    cr_assert_eq(stat(text_file, &status), 0);
    meta->version = PRS_META_VERSION;
    meta->size = sizeof *meta;
    meta->text_used = 1;
    meta->ucontext_size = 936;
    meta->xsave_size = 1024;
    meta->exec_path = add_text("/bin/program");
    meta->argc = 2;
    meta->argv = add_text("program");
    add_text("argument");
    meta->cwd = add_text("/");
    meta->files[meta->file_count++] = (struct prs_mapped_file){
        .size = (uint64_t)status.st_size,
        .mtime_ns = status.st_mtim.tv_sec * 1000000000l + status.st_mtim.tv_nsec,
        .path = add_text(text_file)};
    add_region(LARGE, 16, PRS_REGION_LARGE, 0);
    add_region(FILE_AT, 3, PRS_REGION_FILE, 1);
    add_region(SMALL, 2, PRS_REGION_SMALL, 0);
    add_region(SMALL + 16 * PRS_PAGE, 4, PRS_REGION_EMPTY, 0);
    add_region(STACK, 8, PRS_REGION_STACK, 0);
}

static void append(uint64_t address, const void *data, uint64_t bytes)
{
    cr_assert_eq(prs_store_append(&store, address, data, (uint32_t)bytes), 0);
}

static void append_meta(void)
{
    append(PRS_META_BASE, meta, offsetof(struct prs_meta, regions));
    append(PRS_META_BASE + offsetof(struct prs_meta, regions), meta->regions, meta->region_count * sizeof meta->regions[0]);
    append(PRS_META_BASE + offsetof(struct prs_meta, files), meta->files, meta->file_count * sizeof meta->files[0]);
    append(PRS_META_BASE + offsetof(struct prs_meta, text), meta->text, meta->text_used);
}

/* An epoch with `value` in the bytes that the tests look at. */
static void commit(uint8_t value)
{
    static uint8_t page[PRS_PAGE] __attribute__((aligned(64)));
    bool full;
    cr_assert_eq(prs_store_begin(&store, 1 << 20, store.epoch == 0, &full), 0);
    if (full) {
        append_meta();
    }
    append(SMALL + 100, &value, 1);
    append(STACK + 7 * PRS_PAGE + 8, &value, 1);
    memset(page, value, sizeof page);
    cr_assert_geq(prs_store_page(&store, LARGE + 3 * PRS_PAGE, page, false), 0);
    cr_assert_eq(prs_store_commit(&store), 0);
}

static void make_checkpoint(void)
{
    cr_assert_eq(prs_store_reset(&store), 0);
    cr_assert_eq(prs_store_set_state(&store, PRS_POOL_RUNNING), 0);
    make_meta();
    commit(1);
}

static uint8_t byte_at(struct image *image, uint64_t address)
{
    uint8_t byte = 0xEE;
    cr_assert(image_read(image, address, &byte, 1), "nothing at %lx", address);
    return byte;
}

static void load(struct image *image)
{
    int error = image_load(image, pool);
    cr_assert_eq(error, 0, "image_load: %d %s", error, prs_detail());
}

TestSuite(image_read, .init = setup, .fini = remove_files);

Test(image_read, every_kind_of_region_is_read)
{
    struct image image;
    make_checkpoint();
    commit(2);
    load(&image);
    cr_assert_not_null(image.meta);
    cr_assert_eq(image.store.epoch, store.epoch);
    cr_assert_eq(byte_at(&image, SMALL + 100), 2);
    cr_assert_eq(byte_at(&image, SMALL + 101), 0);
    cr_assert_eq(byte_at(&image, STACK + 7 * PRS_PAGE + 8), 2);
    cr_assert_not(image.large_read);
    cr_assert_eq(byte_at(&image, LARGE + 3 * PRS_PAGE + 5), 2);
    cr_assert(image.large_read);
    cr_assert_eq(byte_at(&image, LARGE + 4 * PRS_PAGE), 0, "a page without content reads as zero");
    cr_assert_eq(byte_at(&image, FILE_AT + 12 * 341 + 10), '1', "line 341 of the file");
    uint8_t byte;
    cr_assert_not(image_read(&image, SMALL + 16 * PRS_PAGE, &byte, 1), "address space without memory");
    cr_assert_not(image_read(&image, 0x1234, &byte, 1), "no region");
    cr_assert_null(image_region(&image, LARGE - 1));
    cr_assert_eq(image_region(&image, LARGE)->kind, PRS_REGION_LARGE);
    cr_assert_null(image_region(&image, STACK + 8 * PRS_PAGE));
    image_close(&image);
}

Test(image_read, a_read_may_cross_pages_and_regions)
{
    struct image image;
    uint8_t bytes[2 * PRS_PAGE];
    make_checkpoint();
    load(&image);
    cr_assert(image_read(&image, LARGE + 3 * PRS_PAGE - 8, bytes, 16));
    cr_assert(bytes[7] == 0 && bytes[8] == 1);
    cr_assert(image_read(&image, FILE_AT + 2 * PRS_PAGE, bytes, PRS_PAGE + 16), "from the file into its neighbour");
    cr_assert(bytes[12000 - 2 * PRS_PAGE - 1] == '\n' && bytes[12000 - 2 * PRS_PAGE] == 0, "behind the end of the file come zeros");
    cr_assert_not(image_read(&image, SMALL + 2 * PRS_PAGE - 8, bytes, 16), "half of it is nowhere");
    image_close(&image);
}

Test(image_read, a_file_that_was_changed_is_not_read)
{
    struct image image;
    uint8_t byte;
    make_checkpoint();
    int fd = open(text_file, O_WRONLY | O_CLOEXEC);
    cr_assert_eq(pwrite(fd, "x", 1, 0), 1);
    struct timespec times[2] = {{0, UTIME_OMIT}, {1, 0}};
    cr_assert_eq(futimens(fd, times), 0);
    close(fd);
    load(&image);
    cr_assert_not(image_read(&image, FILE_AT, &byte, 1));
    image_close(&image);
    unlink(text_file);
    load(&image);
    cr_assert_not(image_read(&image, FILE_AT, &byte, 1));
    image_close(&image);
}

Test(image_read, what_was_loaded_stays_while_the_program_goes_on)
{
    int ready[2];
    cr_assert_eq(pipe(ready), 0);
    make_checkpoint();
    pid_t holder = fork(); /* locks the pool as a running program does */
    if (holder == 0) {
        struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
        int fd = open(pool, O_RDWR | O_CLOEXEC);
        _exit(fcntl(fd, F_SETLK, &lock) != 0 || write(ready[1], "x", 1) != 1 || pause() == 0);
    }
    char byte;
    cr_assert_eq(read(ready[0], &byte, 1), 1);
    struct image image;
    load(&image);
    cr_assert_eq(image.owner, holder);
    cr_assert(image_current(&image));
    commit(5);
    commit(6);
    cr_assert_not(image_current(&image));
    cr_assert_eq(byte_at(&image, SMALL + 100), 1, "small memory is of the epoch that was loaded");
    image_close(&image);
    load(&image);
    cr_assert_eq(byte_at(&image, SMALL + 100), 6);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    image_close(&image);
    load(&image);
    cr_assert_eq(image.owner, 0);
    image_close(&image);
}

Test(image_read, looking_changes_nothing)
{
    struct image image;
    struct stat before, after;
    make_checkpoint();
    uint8_t *copy = malloc(store.length);
    memcpy(copy, map, store.length);
    cr_assert_eq(stat(pool, &before), 0);
    load(&image);
    byte_at(&image, LARGE + 3 * PRS_PAGE);
    image_close(&image);
    cr_assert_eq(stat(pool, &after), 0);
    cr_assert(memcmp(copy, map, store.length) == 0);
    free(copy);
    cr_assert(before.st_mtim.tv_sec == after.st_mtim.tv_sec && before.st_mtim.tv_nsec == after.st_mtim.tv_nsec);
}

Test(image_read, a_pool_without_a_checkpoint_has_no_meta)
{
    struct image image;
    load(&image);
    cr_assert_null(image.meta);
    image_close(&image);
}

Test(image_read, what_is_no_pool_is_said_to_be_none)
{
    struct image image;
    cr_assert_eq(image_load(&image, "/nonexistent/pool"), PROSPER_E_NOT_A_POOL);
    image_close(&image);
    cr_assert_eq(image_load(&image, "/dev/null"), PROSPER_E_NOT_A_POOL);
    image_close(&image);
    cr_assert_eq(image_load(&image, text_file), PROSPER_E_NOT_A_POOL);
    image_close(&image);
}

Test(image_read, damaged_meta_is_refused)
{
    struct image image;
    make_meta();
    cr_assert_eq(prs_store_reset(&store), 0);
    cr_assert_eq(prs_store_set_state(&store, PRS_POOL_RUNNING), 0);
    meta->regions[1].start = meta->regions[0].start; /* no longer ascending */
    commit(1);
    cr_assert_eq(image_load(&image, pool), PROSPER_E_DAMAGED);
    image_close(&image);
}

Test(image_read, another_version_of_meta_is_named_and_not_called_damage)
{
    struct image image;
    static const int wanted[] = {PROSPER_E_OTHER_LIBRARY, PROSPER_E_VERSION};
    for (unsigned i = 0; i < 2; ++i) {
        make_meta();
        cr_assert_eq(prs_store_reset(&store), 0);
        cr_assert_eq(prs_store_set_state(&store, PRS_POOL_RUNNING), 0);
        meta->version = PRS_META_VERSION - 1 + 2 * i;
        uint32_t regions = meta->region_count;
        commit(1);
        bool full;
        uint32_t elsewhere = UINT32_MAX; /* where this version has a count, another has something else */
        cr_assert_eq(prs_store_begin(&store, 1 << 20, false, &full), 0);
        append(PRS_META_BASE + offsetof(struct prs_meta, region_count), &elsewhere, sizeof elsewhere);
        cr_assert_eq(prs_store_commit(&store), 0);
        cr_assert_eq(image_load(&image, pool), wanted[i], "%s", prs_detail());
        image_close(&image);
        meta->region_count = regions;
    }
}

/* ---- what the command knows of ELF files, tried on this very program ---- */

static uint64_t code_bias(const struct elf_file *elf, uint64_t within)
{
    char line[512];
    uint64_t start, end, offset, linked = 0;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) == 3 && within >= start && within < end) {
            break;
        }
    }
    fclose(maps);
    cr_assert(elf_code_address(elf, offset, &linked));
    return start - linked;
}

Test(elf_file, functions_of_this_program_are_named)
{
    struct elf_file elf;
    uint64_t start;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    fstat(fd, &status);
    const uint8_t *bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    cr_assert(elf_open(&elf, bytes, (uint64_t)status.st_size));
    uint64_t at = (uint64_t)&image_load, bias = code_bias(&elf, at);
    cr_assert_str_eq(elf_function(&elf, at + 5 - bias, &start), "image_load");
    cr_assert_eq(start, at - bias);
    cr_assert_null(elf_function(&elf, 1, &start));
    cr_assert(elf_needs(&elf, "libcriterion.so"));
    cr_assert_not(elf_needs(&elf, "libprosper.so"));
    cr_assert(elf_defines(&elf, "image_load"));
    cr_assert_not(elf_defines(&elf, "no_such_function"));
    uint64_t address, offset, size;
    cr_assert(elf_unwind_header(&elf, &address, &offset, &size));
    cr_assert_eq(bytes[offset], 1, "version of the table");
}

Test(elf_file, damaged_files_are_survived)
{
    struct elf_file elf;
    int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct stat status;
    fstat(fd, &status);
    uint64_t size = (uint64_t)status.st_size, start, offset;
    uint8_t *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    cr_assert_not(elf_open(&elf, bytes, 0));
    cr_assert_not(elf_open(&elf, (const uint8_t *)"#!/bin/sh", 9));
    uint64_t sections = ((const Elf64_Ehdr *)(const void *)bytes)->e_shoff;
    uint32_t random = 1;
    for (int i = 0; i < 3000; i++) { /* headers at the beginning, section headers at the end */
        random = random * 1664525u + 1013904223u;
        uint64_t place = (i & 1) != 0 ? (random >> 8) % 1024 : sections + (random >> 8) % (size - sections);
        uint8_t old = bytes[place];
        bytes[place] = (uint8_t)(random >> 3);
        if (elf_open(&elf, bytes, size)) {
            (void)elf_function(&elf, 0x5000, &start);
            (void)elf_needs(&elf, "libc");
            (void)elf_unwind_header(&elf, &start, &offset, &start);
        }
        bytes[place] = old;
    }
    for (uint64_t cut = 0; cut < 4096; cut += 8) { /* and cut short, at the very end of mapped memory */
        uint8_t *room = mmap(NULL, 2 * PRS_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        mprotect(room + PRS_PAGE, PRS_PAGE, PROT_NONE);
        uint8_t *at = room + PRS_PAGE - cut;
        memcpy(at, bytes, cut);
        if (elf_open(&elf, at, cut)) {
            (void)elf_function(&elf, 0x5000, &start);
            (void)elf_unwind_header(&elf, &start, &offset, &start);
        }
        munmap(room, 2 * PRS_PAGE);
    }
}

Test(json, text_of_any_bytes_becomes_valid_json)
{
    char *out = NULL;
    size_t size;
    struct json json = {.out = open_memstream(&out, &size)};
    json_open(&json, NULL, '{');
    json_text(&json, "a\"b", "back\\slash\n\xc3\xa4\xff\xc0\x80");
    json_open(&json, "list", '[');
    json_number(&json, NULL, 18446744073709551615ul);
    json_text(&json, NULL, NULL);
    json_flag(&json, NULL, true);
    json_close(&json, ']');
    json_hex(&json, "at", 0x7fffabcd);
    json_close(&json, '}');
    fclose(json.out);
    cr_assert_str_eq(out, "{\"a\\\"b\":\"back\\\\slash\\u000a\xc3\xa4\\u00ff\\u00c0\\u0080\",\"list\":[18446744073709551615,null,true],"
                          "\"at\":\"0x7fffabcd\"}");
    free(out);
}
