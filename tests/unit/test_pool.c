/* Real files through the real libpmemobj, in the directory that the test runs in. */
#include "store_fixture.h"
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MB (1ull << 20)

static char directory[64], pool[128], temporary[140];

static void setup(void)
{
    strcpy(directory, "pool-test-XXXXXX");
    cr_assert_not_null(mkdtemp(directory));
    snprintf(pool, sizeof pool, "%s/a.pool", directory);
    snprintf(temporary, sizeof temporary, "%s.new", pool);
}

static void teardown(void)
{
    chmod(directory, 0700);
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", directory);
    cr_assert_eq(system(command), 0);
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static void write_file(const char *path, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    cr_assert_geq(fd, 0);
    cr_assert_eq(write(fd, bytes, length), (ssize_t)length);
    close(fd);
}

static void patch(const char *path, off_t at, const void *bytes, size_t length)
{
    int fd = open(path, O_WRONLY);
    cr_assert_eq(pwrite(fd, bytes, length, at), (ssize_t)length);
    close(fd);
}

static uint32_t digest(const char *path)
{
    static uint8_t buffer[1 << 16];
    int fd = open(path, O_RDONLY);
    uint32_t sum = 0;
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;) {
        sum = prs_crc32c(sum, buffer, (size_t)got);
    }
    close(fd);
    return sum;
}

static void open_pool(struct fixture *f)
{
    int fd = open(pool, O_RDWR);
    cr_assert_geq(fd, 0);
    f->length = (uint64_t)lseek(fd, 0, SEEK_END);
    f->bytes = mmap(NULL, f->length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    cr_assert_neq(f->bytes, MAP_FAILED);
    close(fd);
    cr_assert_eq(fixture_restart(f), 0, "%s", prs_detail());
}

TestSuite(pool, .init = setup, .fini = teardown, .timeout = 100);

Test(pool, a_new_pool_is_whole_private_reserved_and_empty)
{
    cr_assert_eq(prs_pool_create(pool, 48 * MB, 0, false), 0, "%s", prs_detail());
    cr_assert_not(exists(temporary));
    struct stat status;
    cr_assert_eq(stat(pool, &status), 0);
    cr_assert_eq(status.st_size, 48 * MB);
    cr_assert_eq(status.st_mode & 0777, 0600);
    cr_assert_geq((uint64_t)status.st_blocks * 512, 48 * MB, "the disk space is reserved, not promised");
    cr_assert_eq(prs_pool_check(pool), 0, "%s", prs_detail());
    struct fixture f;
    open_pool(&f);
    cr_assert_eq(f.store.epoch, 0);
    cr_assert_eq(prs_store_state(&f.store), PRS_POOL_EMPTY);
    struct prs_store_use use;
    prs_store_usage(&f.store, &use);
    cr_assert_eq(use.log_bytes, 8 * MB);
    cr_assert_gt(use.slots * 4096, 24 * MB, "what is not log or overhead is slots");
}

Test(pool, content_survives_checks_by_libpmemobj)
{
    static uint8_t page[4096] __attribute__((aligned(64))) = "page content", out[4096] __attribute__((aligned(64)));
    bool created, full;
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0, "%s", prs_detail());
    cr_assert(created);
    for (unsigned epoch = 1; epoch < 5; ++epoch) {
        struct fixture f;
        open_pool(&f);
        cr_assert_eq(f.store.epoch, epoch - 1);
        cr_assert_eq(prs_store_begin(&f.store, 100, false, &full), 0);
        page[100 * epoch] = (uint8_t)epoch;
        cr_assert_eq(prs_store_page(&f.store, 0x7000000, page, false), epoch == 1 ? 64 : 1);
        cr_assert_eq(prs_store_append(&f.store, epoch, "x", 1), 0);
        cr_assert_eq(prs_store_commit(&f.store), 0);
        cr_assert_eq(munmap(f.bytes, f.length), 0);
        uint32_t before = digest(pool);
        cr_assert_eq(prs_pool_prepare(pool, 99 * MB, 0, false, &created), 0, "%s", prs_detail());
        cr_assert_not(created);
        cr_assert_eq(digest(pool), before, "a check changes no byte");
    }
    struct fixture f;
    open_pool(&f);
    cr_assert(prs_store_page_read(&f.store, 0x7000000, out));
    cr_assert_eq(memcmp(page, out, 4096), 0);
}

Test(pool, a_small_pool_can_be_filled_to_the_last_slot)
{
    static uint8_t page[4096] __attribute__((aligned(64)));
    bool full;
    cr_assert_eq(prs_pool_create(pool, 32 * MB, 0, false), 0, "%s", prs_detail());
    struct fixture f;
    open_pool(&f);
    struct prs_store_use use;
    prs_store_usage(&f.store, &use);
    cr_assert_eq(prs_store_begin(&f.store, 100, false, &full), 0);
    for (uint64_t i = 0; i <= use.slots; ++i) {
        memcpy(page, &i, 8);
        page[9] = 1;
        cr_assert_eq(prs_store_page(&f.store, 0x7000000 + i * 4096, page, false), i < use.slots ? 64 : -ENOSPC);
    }
    cr_assert_eq(prs_store_commit(&f.store), 0);
    cr_assert_eq(prs_pool_check(pool), 0, "the last slot is inside of our object");
    cr_assert_eq(fixture_restart(&f), 0);
    for (uint64_t i = 0; i < use.slots; ++i) {
        cr_assert(prs_store_page_read(&f.store, 0x7000000 + i * 4096, page));
        cr_assert_eq(memcmp(page, &i, 8), 0);
    }
}

Test(pool, sizes_out_of_bounds_are_refused)
{
    cr_assert_eq(prs_pool_create(pool, 31 * MB, 0, false), PROSPER_E_OPTION);
    cr_assert_eq(prs_pool_create(pool, 1ull << 60, 0, false), PROSPER_E_OPTION);
    cr_assert_not(exists(pool));
    cr_assert_not(exists(temporary));
}

Test(pool, a_pool_that_exists_is_never_replaced)
{
    write_file(pool, "precious", 8);
    cr_assert_eq(prs_pool_create(pool, 32 * MB, 0, false), PROSPER_E_IN_USE);
    bool created;
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), PROSPER_E_NOT_A_POOL);
    struct stat status;
    cr_assert_eq(stat(pool, &status), 0);
    cr_assert_eq(status.st_size, 8);
}

Test(pool, no_space_is_said_and_leaves_nothing_behind)
{
    bool created;
    struct rlimit limit = {40 * MB, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    cr_assert_eq(prs_pool_prepare(pool, 64 * MB, 0, false, &created), PROSPER_E_NO_SPACE, "%s", prs_detail());
    cr_assert_not(created);
    cr_assert_not(exists(pool));
    cr_assert_not(exists(temporary));
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0, "%s", prs_detail());
}

Test(pool, an_absent_directory_is_an_errno)
{
    bool created;
    cr_assert_eq(prs_pool_prepare("no/such/directory/a.pool", 32 * MB, 0, false, &created), -ENOENT);
}

Test(pool, files_of_other_kinds_are_not_pools)
{
    write_file(pool, "", 0);
    cr_assert_eq(prs_pool_check(pool), PROSPER_E_NOT_A_POOL);
    write_file(pool, "PMEMOBJ\0 and not much else", 26);
    cr_assert_eq(prs_pool_check(pool), PROSPER_E_TRUNCATED);
    static char text[20000];
    memset(text, 'a', sizeof text);
    write_file(pool, text, sizeof text);
    cr_assert_eq(prs_pool_check(pool), PROSPER_E_NOT_A_POOL);
    memcpy(text, "PMEMOBJ", 8);
    write_file(pool, text, sizeof text);
    cr_assert_eq(prs_pool_check(pool), PROSPER_E_NOT_A_POOL, "another layout");
    cr_assert_eq(prs_pool_check(directory), PROSPER_E_NOT_A_POOL);
    cr_assert_eq(prs_pool_check("/dev/null"), PROSPER_E_NOT_A_POOL);
    cr_assert_eq(prs_pool_check("/no/such"), -ENOENT);
    unlink(pool);
    cr_assert_eq(mkfifo(pool, 0600), 0);
    cr_assert_eq(prs_pool_check(pool), PROSPER_E_NOT_A_POOL, "and does not wait for somebody to open the other end");
}

Test(pool, a_shortened_pool_is_truncated_at_whatever_length)
{
    bool created;
    cr_assert_eq(prs_pool_create(pool, 32 * MB, 0, false), 0);
    static const off_t lengths[] = {32 * MB - 1, 20 * MB, 6 * MB, 1 * MB, 8192, 4096, 100, 8};
    for (unsigned i = 0; i < sizeof lengths / sizeof *lengths; ++i) {
        cr_assert_eq(truncate(pool, lengths[i]), 0);
        cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), PROSPER_E_TRUNCATED, "%ld bytes: %s", lengths[i], prs_detail());
    }
}

Test(pool, a_newer_format_is_refused_before_libpmemobj_sees_it)
{
    cr_assert_eq(prs_pool_create(pool, 32 * MB, 0, false), 0);
    struct fixture f;
    open_pool(&f);
    struct prf_root *root = (struct prf_root *)(f.bytes + f.store.v->geometry.root_at);
    root->version_major = 2;
    root->crc = prs_crc32c(0, root, offsetof(struct prf_root, crc));
    cr_assert_eq(prs_pool_check(pool), PROSPER_E_VERSION);
}

Test(pool, damage_to_libpmemobjs_own_structures_is_damage_even_if_it_dies_of_it)
{
    bool created;
    cr_assert_eq(prs_pool_create(pool, 32 * MB, 0, false), 0);
    static const off_t places[] = {100, 6140 /* pool descriptor */, 8200 /* the first lane */};
    for (unsigned i = 0; i < 3; ++i) {
        uint8_t old, bad = 0x5a;
        int fd = open(pool, O_RDONLY);
        cr_assert_eq(pread(fd, &old, 1, places[i]), 1);
        close(fd);
        patch(pool, places[i], &bad, 1);
        cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), PROSPER_E_DAMAGED, "byte %ld: %s", places[i], prs_detail());
        patch(pool, places[i], &old, 1);
    }
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0, "%s", prs_detail());
}

Test(pool, what_an_interrupted_creation_left_is_taken_over)
{
    static char begun[3000000]; /* libpmemobj has written a part of its header */
    memset(begun + 8192, 0x77, sizeof begun - 8192);
    memcpy(begun + PRF_PMEMOBJ_LAYOUT_AT, PRF_LAYOUT, sizeof PRF_LAYOUT);
    write_file(temporary, begun, sizeof begun);
    cr_assert_eq(chmod(temporary, 0600), 0);
    bool created;
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0, "%s", prs_detail());
    cr_assert(created);
    cr_assert_not(exists(temporary));
    struct stat status;
    cr_assert_eq(stat(pool, &status), 0);
    cr_assert_eq(status.st_mode & 0777, 0600);
    struct fixture f;
    open_pool(&f);
}

Test(pool, what_is_something_else_at_the_temporary_name_is_left_alone)
{
    static char somebodys[100000];
    bool created;
    struct stat status;
    for (unsigned kind = 0; kind < 2; ++kind) { /* other content; zeros, but of another mode than ours */
        memset(somebodys, kind == 0 ? 0x77 : 0, sizeof somebodys);
        write_file(temporary, somebodys, sizeof somebodys);
        cr_assert_eq(chmod(temporary, kind == 1 ? 0644 : 0600), 0);
        cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), PROSPER_E_NOT_A_POOL);
        cr_assert_eq(stat(temporary, &status), 0);
        cr_assert_eq(status.st_size, (off_t)sizeof somebodys);
        unlink(temporary);
    }
}

Test(pool, a_kill_at_any_moment_of_the_creation_leaves_a_whole_pool_or_none)
{
    unsigned whole = 0, none = 0;
    bool first;
    uint64_t began = prs_now_ns();
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &first), 0);
    uint64_t takes_us = (prs_now_ns() - began) / 1000;
    unlink(pool);
    for (unsigned i = 0; i < 24; ++i) {
        pid_t child = fork();
        if (child == 0) {
            bool created;
            setpgid(0, 0);
            _exit(prs_pool_prepare(pool, 32 * MB, 0, false, &created) != 0);
        }
        cr_assert_gt(child, 0);
        setpgid(child, child);
        usleep((useconds_t)(takes_us * i / 18));
        kill(-child, SIGKILL);
        waitpid(child, NULL, 0);
        usleep(3000); /* the grandchild's locks go with it */
        if (exists(pool)) {
            ++whole;
            cr_assert_eq(prs_pool_check(pool), 0, "%s", prs_detail());
        } else {
            ++none;
            bool created;
            int result = prs_pool_prepare(pool, 32 * MB, 0, false, &created);
            for (unsigned wait = 0; result == PROSPER_E_IN_USE && wait < 100; ++wait) {
                usleep(10000);
                result = prs_pool_prepare(pool, 32 * MB, 0, false, &created);
            }
            cr_assert_eq(result, 0, "%s", prs_detail());
        }
        struct fixture f;
        open_pool(&f);
        cr_assert_eq(f.store.epoch, 0);
        munmap(f.bytes, f.length);
        unlink(pool);
    }
    printf("%u kills came too late, %u in time\n", whole, none);
    cr_assert_gt(none, 0);
}

Test(pool, two_creators_do_not_get_in_each_others_way)
{
    int fd = open(temporary, O_RDWR | O_CREAT, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    cr_assert_eq(fcntl(fd, F_OFD_SETLK, &lock), 0);
    bool created;
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), PROSPER_E_IN_USE);
    cr_assert(exists(temporary), "the other's file is left alone");
    close(fd);
    pid_t children[4];
    for (unsigned i = 0; i < 4; ++i) {
        if ((children[i] = fork()) == 0) {
            int result = prs_pool_prepare(pool, 32 * MB, 0, false, &created);
            _exit(result == 0 ? created ? 1 : 2 : result == PROSPER_E_IN_USE ? 3 : 4);
        }
    }
    unsigned outcome[5] = {0};
    for (unsigned i = 0; i < 4; ++i) {
        int status;
        waitpid(children[i], &status, 0);
        cr_assert(WIFEXITED(status) && WEXITSTATUS(status) >= 1 && WEXITSTATUS(status) <= 4);
        ++outcome[WEXITSTATUS(status)];
    }
    cr_assert_eq(outcome[1], 1, "one creates");
    cr_assert_eq(outcome[4], 0);
    cr_assert_eq(prs_pool_check(pool), 0, "%s", prs_detail());
}

Test(pool, preparing_leaves_no_trace_in_this_process)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[512];
    bool created, loaded = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        loaded |= strstr(line, "libpmemobj") != NULL;
    }
    fclose(maps);
    cr_assert_not(loaded, "not before either");
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0);
    maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) {
        loaded |= strstr(line, "libpmem") != NULL || strstr(line, "a.pool") != NULL;
    }
    fclose(maps);
    cr_assert_not(loaded);
    signal(SIGCHLD, SIG_IGN); /* then there is no exit status to wait for */
    cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0, "%s", prs_detail());
    signal(SIGCHLD, SIG_DFL);
    unsigned descriptors = 0;
    DIR *open_files = opendir("/proc/self/fd");
    while (readdir(open_files) != NULL) {
        ++descriptors;
    }
    closedir(open_files);
    for (unsigned i = 0; i < 3; ++i) {
        cr_assert_eq(prs_pool_prepare(pool, 32 * MB, 0, false, &created), 0);
    }
    open_files = opendir("/proc/self/fd");
    while (readdir(open_files) != NULL) {
        --descriptors;
    }
    closedir(open_files);
    cr_assert_eq(descriptors, 0);
}

Test(pool, network_file_systems_are_known_by_their_type)
{
    static const uint64_t local[] = {0xef53 /* ext4 */, 0x58465342 /* XFS */, 0x9123683e /* btrfs */, 0x01021994 /* tmpfs */, 0x794c7630 /* overlayfs */, 0x65735546 /* FUSE */, 0};
    for (unsigned i = 0; i < sizeof local / sizeof *local; ++i) {
        cr_assert_null(prs_pool_network_name(local[i]), "%lx", local[i]);
    }
    cr_assert_str_eq(prs_pool_network_name(0x6969), "NFS");
    cr_assert_str_eq(prs_pool_network_name((uint64_t)(int32_t)0xff534d42), "CIFS"); /* as a signed number */
    cr_assert_str_eq(prs_pool_network_name(0xfe534d42), "SMB");
    cr_assert_str_eq(prs_pool_network_name(0x01021997), "9P");
}
