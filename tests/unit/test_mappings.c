/* test_mappings.c - every change of a mapping is seen without its text. Skipped where the kernel does not answer (before Linux 6.11). */
#include "mappings.h"
#include <criterion/criterion.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ul

static struct prs_mappings noted;
static int fd;
static uint8_t *area; /* eight pages */

static bool same(void) { return prs_mappings_same(&noted, fd, NULL, 0); }

static void set_up(void)
{
    fd = open("/proc/self/maps", O_RDONLY);
    area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert((void *)area != MAP_FAILED);
    mprotect(area, PAGE, PROT_NONE); /* so that it does not become one with its neighbours */
    mprotect(area + 7 * PAGE, PAGE, PROT_NONE);
    prs_mappings_note(&noted, fd, NULL, 0);
    if (noted.count == 0) {
        cr_skip_test("no PROCMAP_QUERY here");
    }
}

TestSuite(mappings, .init = set_up);

Test(mappings, nothing_happened)
{
    area[PAGE] = 1;
    cr_assert(same());
}

Test(mappings, protection)
{
    mprotect(area + 2 * PAGE, PAGE, PROT_READ);
    cr_assert_not(same());
    mprotect(area + 2 * PAGE, PAGE, PROT_READ | PROT_WRITE);
    cr_assert(same());
}

Test(mappings, one_less_and_one_more)
{
    munmap(area + PAGE, PAGE);
    cr_assert_not(same());
    prs_mappings_note(&noted, fd, NULL, 0);
    cr_assert(same());
    cr_assert_eq(mmap(area + PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0), area + PAGE);
    cr_assert_not(same());
}

Test(mappings, another_file_and_another_offset_at_the_same_place)
{
    int one = open("/bin/sh", O_RDONLY), other = open("/proc/self/exe", O_RDONLY);
    mmap(area + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, one, 0);
    prs_mappings_note(&noted, fd, NULL, 0);
    mmap(area + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, other, 0);
    cr_assert_not(same());
    mmap(area + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, one, PAGE);
    cr_assert_not(same());
    mmap(area + 2 * PAGE, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, one, 0);
    cr_assert_not(same());
    mmap(area + 2 * PAGE, PAGE, PROT_READ, MAP_PRIVATE | MAP_FIXED, one, 0);
    cr_assert(same());
}

Test(mappings, the_last_one)
{
    /* The stack is the last, or what the kernel keeps behind it; a new one above the area is found wherever it is. */
    void *more = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(more, MAP_FAILED);
    cr_assert_not(same());
    munmap(more, PAGE);
    cr_assert(same());
}

Test(mappings, ranges_that_are_left_out)
{
    struct prs_range ours = {(uint64_t)area, (uint64_t)area + 8 * PAGE};
    prs_mappings_note(&noted, fd, &ours, 1);
    mprotect(area + 3 * PAGE, PAGE, PROT_READ);
    cr_assert(prs_mappings_same(&noted, fd, &ours, 1));
    cr_assert_not(prs_mappings_same(&noted, fd, NULL, 0));
}

Test(mappings, nothing_is_known)
{
    prs_mappings_note(&noted, -1, NULL, 0);
    cr_assert_eq(noted.count, 0);
    cr_assert_not(same());
}
