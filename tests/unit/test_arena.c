#include "arena.h"
#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE 0x310000000000ul

Test(arena, memory_comes_zeroed_from_the_bottom_up)
{
    struct prs_arena arena = {BASE, BASE + (64 << 20)};
    uint8_t *first = prs_arena_take(&arena, 100), *second = prs_arena_take(&arena, 5000), *third = prs_arena_take(&arena, 4096);
    cr_assert_eq((uint64_t)first, BASE);
    cr_assert_eq(second, first + 4096);
    cr_assert_eq(third, second + 8192);
    for (unsigned i = 0; i < 5000; ++i) {
        cr_assert_eq(second[i], 0);
    }
    memset(second, 1, 5000);
    cr_assert_eq(third[0], 0);
}

Test(arena, nothing_is_given_beyond_the_end)
{
    struct prs_arena arena = {BASE, BASE + 3 * 4096};
    cr_assert_null(prs_arena_take(&arena, 4 * 4096));
    cr_assert_not_null(prs_arena_take(&arena, 3 * 4096));
    cr_assert_null(prs_arena_take(&arena, 1));
    cr_assert_null(prs_arena_take(&arena, ~0ul));
    cr_assert_null(prs_arena_take(&arena, 0));
}

Test(arena, a_mapping_that_is_there_is_never_replaced)
{
    char *there = mmap((void *)(BASE + 4096), 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    cr_assert_eq((uint64_t)there, BASE + 4096);
    *there = 42;
    struct prs_arena arena = {BASE, BASE + (1 << 20)};
    cr_assert_null(prs_arena_take(&arena, 8192));
    cr_assert_eq(arena.next, BASE, "a failure takes nothing");
    cr_assert_eq(*there, 42);
    cr_assert_not_null(prs_arena_take(&arena, 4096));
}

Test(arena, without_a_base_the_kernel_chooses)
{
    struct prs_arena arena = {0, 0};
    char *a = prs_arena_take(&arena, 1), *b = prs_arena_take(&arena, 1);
    cr_assert(a != NULL && b != NULL && a != b);
    cr_assert_eq(arena.next, 0);
}

Test(arena, a_huge_reservation_costs_nothing)
{
    struct prs_arena arena = {BASE, BASE + (1ul << 41)};
    char *at = prs_arena_take(&arena, 1ul << 40);
    cr_assert_not_null(at);
    at[1ul << 39] = 1;
}

Test(arena, a_fork_child_has_none_of_it)
{
    struct prs_arena arena = {0, 0};
    char *at = prs_arena_take(&arena, 4096);
    *at = 1;
    pid_t child = fork();
    if (child == 0) {
        unsigned char there;
        _exit(mincore(at, 4096, &there) == 0); /* ENOMEM: no mapping */
    }
    int status;
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
