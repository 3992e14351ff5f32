/* Pages of the file for slots that are new (write_zeros of ssp_space.c): what is written over, and what never is: a slot that an entry names, what lies outside of slots, a file of the
 * program's, and anything where a write would be a signal. The file is not the memory that the store works on, so all that is written through the descriptor can be seen. */
#include "ssp_fixture.h"
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST 700u /* slots of the two extents */
#define SECOND 300u

static uint8_t *now;

static int new_file(void)
{
    int fd = memfd_create("file", MFD_CLOEXEC);
    cr_assert_eq(ftruncate(fd, (off_t)f.length), 0);
    memset(now, 0xaa, f.length);
    cr_assert_eq(pwrite(fd, now, f.length, 0), (ssize_t)f.length);
    return fd;
}

static void open_wide(void)
{
    fixture_open(&f, 16384, FIRST, SECOND);
    now = malloc(f.length);
}

TestSuite(slots_made, .init = open_wide, .fini = teardown);

static void put_pages(unsigned from, unsigned to)
{
    begin();
    memset(page, 5, sizeof page);
    for (unsigned i = from; i < to; ++i) {
        cr_assert_eq(put_at(ADDRESS + 4096ull * i), 64);
    }
    commit();
}

static uint64_t slots_at(unsigned extent) { return f.store.v->geometry.page[extent].slots_at; }

/* Zeros in [start, end) of the file, and in [start2, end2), and nothing else was written. */
static void expect_zeros_twice(int fd, uint64_t start, uint64_t end, uint64_t start2, uint64_t end2)
{
    cr_assert_eq(pread(fd, now, f.length, 0), (ssize_t)f.length);
    for (uint64_t at = 0; at < f.length; ++at) {
        bool wanted = (at >= start && at < end) || (at >= start2 && at < end2);
        if (now[at] != (wanted ? 0 : 0xaa)) {
            cr_assert_fail("%x at %lu; zeros are wanted from %lu to %lu, and from %lu to %lu", now[at], at, start, end, start2, end2);
        }
    }
    struct stat status;
    cr_assert(fstat(fd, &status) == 0 && status.st_size == (off_t)f.length);
}

static void expect_zeros(int fd, uint64_t start, uint64_t end) { expect_zeros_twice(fd, start, end, 0, 0); }

static void expect_untouched(int fd) { expect_zeros(fd, 0, 0); }

Test(slots_made, zeros_are_written_from_the_first_new_slot_to_the_end_of_a_step)
{
    int fd = new_file();
    prs_store_file(&f.store, fd, f.length);
    put_pages(0, 1);
    uint64_t done = prs_round_up(slots_at(0) + 1, PRS_POPULATE_STEP);
    expect_zeros(fd, slots_at(0), done);
    put_pages(1, (unsigned)((done - slots_at(0)) / PRF_PAGE));
    expect_zeros(fd, slots_at(0), done);
    put_pages(600, FIRST + 1 - (unsigned)((done - slots_at(0)) / PRF_PAGE) + 600); /* one more than the first extent has */
    expect_zeros_twice(fd, slots_at(0), slots_at(0) + FIRST * (uint64_t)PRF_PAGE, slots_at(1), prs_round_up(slots_at(1) + 1, PRS_POPULATE_STEP));
}

/* A start knows nothing of what was made; slots of pages, and those that an entry names for the lines of an epoch that was interrupted, are not to be lost. */
Test(slots_made, what_an_entry_names_is_not_written_over_after_a_start)
{
    put_pages(0, 20);
    begin();
    memset(page, 5, sizeof page);
    page[64] = 6;
    cr_assert_eq(put_at(ADDRESS), 1); /* takes a slot, and is not committed */
    cr_assert_eq(fixture_restart(&f), 0);
    int fd = new_file();
    prs_store_file(&f.store, fd, f.length);
    put_pages(20, 21);
    expect_zeros(fd, slots_at(0) + 21 * PRF_PAGE, prs_round_up(slots_at(0) + 22 * PRF_PAGE, PRS_POPULATE_STEP));
    memset(page, 5, sizeof page);
    expect_page(ADDRESS);
}

Test(slots_made, the_file_that_took_the_number_of_a_closed_one_is_left_alone)
{
    int fd = new_file(), theirs = new_file(), before = dup(fd);
    prs_store_file(&f.store, fd, f.length);
    cr_assert_eq(dup2(theirs, fd), fd); /* close, and open of another */
    put_pages(0, FIRST + 1);
    expect_untouched(theirs);
    expect_untouched(before);
}

Test(slots_made, a_closed_descriptor_does_no_harm)
{
    int fd = new_file(), same = dup(fd);
    prs_store_file(&f.store, fd, f.length);
    close(fd);
    put_pages(0, FIRST + 1);
    expect_untouched(same);
}

Test(slots_made, a_write_beyond_the_programs_own_limit_is_not_tried)
{
    int fd = new_file();
    prs_store_file(&f.store, fd, f.length);
    struct rlimit limit = {slots_at(0) + 4096, RLIM_INFINITY};
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0); /* beyond it: SIGXFSZ */
    put_pages(0, FIRST + 1);
    expect_untouched(fd);
    limit.rlim_cur = RLIM_INFINITY;
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    memset(page, 5, sizeof page);
    expect_page(ADDRESS);
}

Test(slots_made, slots_of_extensions_are_not_in_this_file)
{
    int fd = new_file();
    prs_store_file(&f.store, fd, slots_at(1));
    put_pages(0, FIRST + 1);
    expect_zeros(fd, slots_at(0), slots_at(0) + FIRST * (uint64_t)PRF_PAGE);
}
