/* test_stores.c - who is told of a store: each listener of those with a byte in its range, and nobody else. */
#include "state.h"
#include "stores.h"
#include <criterion/criterion.h>
#include <stdint.h>

union prs_private_pages prs_private_pages; /* nothing else of a persistent process is in here */
void __prosper_store(void *address, uint64_t bytes);

static struct {
    uint64_t count, address, bytes, sp;
} heard[PRS_STORES_LISTENERS];

static void hear(unsigned who, uint64_t address, uint64_t bytes, uint64_t sp)
{
    heard[who].count++;
    heard[who].address = address;
    heard[who].bytes = bytes;
    heard[who].sp = sp;
}
static void by_trace(uint64_t address, uint64_t bytes, uint64_t sp) { hear(PRS_STORES_TRACE, address, bytes, sp); }
static void by_stack(uint64_t address, uint64_t bytes, uint64_t sp) { hear(PRS_STORES_STACK, address, bytes, sp); }

/* How many are told of it. */
static uint64_t told(uint64_t address, uint64_t bytes)
{
    uint64_t before = heard[0].count + heard[1].count;
    __prosper_store((void *)address, bytes);
    return heard[0].count + heard[1].count - before;
}

Test(stores, nobody_listens_at_first)
{
    cr_assert(told(0, 8) == 0 && told(1000, 8) == 0 && told(UINT64_MAX - 7, 8) == 0 && told(0, 0) == 0 && told(1000, UINT64_MAX) == 0);
}

Test(stores, a_byte_in_the_range_is_enough)
{
    prs_stores_listen(PRS_STORES_STACK, 1000, 2000, by_stack);
    cr_assert(told(1000, 8) == 1 && told(1992, 8) == 1 && told(1999, 1) == 1 && told(1500, 1) == 1);
    cr_assert(told(993, 8) == 1 && told(1999, 8) == 1, "over its ends");
    cr_assert(told(500, 5000) == 1 && told(0, 1001) == 1, "around it");
    cr_assert(told(992, 8) == 0 && told(2000, 8) == 0 && told(0, 1000) == 0 && told(UINT64_MAX - 7, 8) == 0, "beside it");
    cr_assert(told(1500, 0) == 0 && told(1000, 0) == 0, "no bytes are no store");
    cr_assert(told(1234, 56) == 1 && heard[PRS_STORES_STACK].address == 1234 && heard[PRS_STORES_STACK].bytes == 56);
}

Test(stores, the_stack_pointer_is_the_callers)
{
    prs_stores_listen(PRS_STORES_STACK, 0, UINT64_MAX, by_stack);
    cr_assert_eq(told(1000, 8), 1);
    uint64_t here = (uint64_t)__builtin_frame_address(0);
    cr_assert(heard[PRS_STORES_STACK].sp < here && here - heard[PRS_STORES_STACK].sp < 1024 && heard[PRS_STORES_STACK].sp % 16 == 0);
}

Test(stores, each_listener_has_its_own_range)
{
    prs_stores_listen(PRS_STORES_STACK, 1000, 2000, by_stack);
    prs_stores_listen(PRS_STORES_TRACE, 5000, 6000, by_trace);
    cr_assert(told(1500, 8) == 1 && heard[PRS_STORES_STACK].count == 1);
    cr_assert(told(5500, 8) == 1 && heard[PRS_STORES_TRACE].count == 1);
    cr_assert(told(3000, 8) == 0 && told(1900, 4000) == 2);
    prs_stores_listen(PRS_STORES_TRACE, 0, UINT64_MAX, by_trace);
    cr_assert(told(1500, 8) == 2 && told(3000, 8) == 1);
}

Test(stores, who_has_left_hears_nothing)
{
    prs_stores_listen(PRS_STORES_STACK, 1000, 2000, by_stack);
    prs_stores_listen(PRS_STORES_TRACE, 0, UINT64_MAX, by_trace);
    prs_stores_listen(PRS_STORES_TRACE, 0, 0, NULL);
    cr_assert(told(1500, 8) == 1 && told(3000, 8) == 0 && heard[PRS_STORES_TRACE].count == 0);
    prs_stores_listen(PRS_STORES_STACK, 2000, 1000, by_stack);
    cr_assert(told(1500, 8) == 0 && prs_p.stores.size == 0);
}

/* As after a restore between two instructions: the range is still there for whoever has read it, the function is not. */
Test(stores, a_listener_without_a_function_is_none)
{
    prs_stores_listen(PRS_STORES_STACK, 1000, 2000, by_stack);
    prs_p.stores.listeners[PRS_STORES_STACK].on = NULL;
    cr_assert_eq(told(1500, 8), 0);
}
