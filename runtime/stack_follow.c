/* stack_follow.c - what the ways of the stack that listen to stores do at each one: the call of __prosper_store that ends up here is a *hook*.
 *
 * INVARIANT W1: with an image, between hooks, prs_p.stack.mirror == the image's open state. Both get the same bytes, read from the program's memory once: a handler of the
 *               program's may store to them meanwhile.
 * INVARIANT W2: no checkpoint is taken while a hook is at work; it is taken at the hook's end.
 *
 * A handler of the program's may interrupt a hook. Its own stores are then left to the comparison at the checkpoint. It may also never come back (longjmp): the hook is
 * *left*. That shows by the stack pointer, which has outlived the hook's frame (prim.h), or by the word that the hook has there, which is no longer what it was. What it was about is then
 * brought over again, before anything else is, and W1 holds. As long as neither shows, checkpoints wait.
 *
 * Context: hooks, in all code of the program's; prs_stack_at_work in the checkpoint's handler. In a child of fork nothing is done: the pool is not there.
 */
#include "hold.h"
#include "stack_area.h"
#include "stack_way.h"
#include "state.h"

#define PIECE 256u
#define FRAME_WORD 0x9d3c5a7e61b2f048ul /* with a number added, what a hook has in its frame */

static void bring_over(uint64_t address, uint64_t end)
{
    struct prs_stack_state *stack = &prs_p.stack;
    uint8_t bytes[PIECE];
    for (uint64_t length; address < end; address += length) {
        length = end - address < PIECE ? end - address : PIECE;
        prs_stack_move(bytes, (const void *)address, length);
        if (stack->area.image->write(&stack->area, address, bytes, (uint32_t)length) != 0) {
            return; /* the comparison finds it, and says so */
        }
        prs_stack_pass(&stack->area, PRS_FAULT_stack_followed);
        prs_stack_move(stack->shadow + (address - stack->area.low), bytes, length);
    }
}

void prs_stack_bring_over_again(void) { bring_over(prs_p.stack.at_work_on.start, prs_p.stack.at_work_on.end); }

/* Memory outside of the stack may be gone, so the word is looked at only there. */
static bool is_left(uint64_t sp)
{
    const struct prs_stack_state *stack = &prs_p.stack;
    uint64_t frame = stack->busy;
    bool here = stack->low <= frame && frame < stack->high;
    return (here && *(const volatile uint64_t *)frame != FRAME_WORD + stack->hooks) || prs_frame_is_outlived(frame, sp);
}

bool prs_stack_at_work(uint64_t sp)
{
    if (prs_p.stack.busy == 0) {
        return false;
    }
    if (!is_left(sp)) {
        return true;
    }
    prs_p.stack.way->left();
    prs_p.stack.busy = 0;
    prs_p.stack.postponed = false; /* whoever asks is about to take the checkpoint that waited */
    return false;
}

bool prs_stack_enter(volatile uint64_t *frame_word)
{
    struct prs_stack_state *stack = &prs_p.stack;
    if (!prs_p.active) {
        return false;
    }
    bool left = stack->busy != 0 && is_left((uint64_t)frame_word + 1); /* there are no two at one place */
    if (stack->busy != 0 && !left) {
        return false;
    }
    *frame_word = FRAME_WORD + ++stack->hooks;
    stack->busy = (uint64_t)frame_word;
    prs_stack_order();
    if (left) {
        stack->way->left();
    }
    return true;
}

void prs_stack_leave(volatile uint64_t *frame_word)
{
    struct prs_stack_state *stack = &prs_p.stack;
    prs_stack_order();
    stack->busy = 0;
    *frame_word = 0;
    prs_stack_order();
    if (__builtin_expect(stack->postponed, 0)) {
        stack->postponed = false;
        prs_checkpoint_here();
    }
}

void prs_stack_follow(uint64_t address, uint64_t bytes, uint64_t sp)
{
    (void)sp;
    const struct prs_stack_area *area = &prs_p.stack.area;
    uint64_t end = bytes < area->high - address ? address + bytes : area->high;
    volatile uint64_t frame_word;
    address = address > area->low ? address : area->low;
    if (address < end && prs_stack_enter(&frame_word)) {
        prs_p.stack.at_work_on = (struct prs_range){address, end};
        prs_stack_order();
        bring_over(address, end);
        prs_stack_leave(&frame_word);
    }
}

#define FOLLOWS(way, name) const struct prs_stack_way prs_stack_way_##way = {.number = PRS_STACK_##name, .needs_stores = true, .on_store = prs_stack_follow, .left = prs_stack_bring_over_again}
FOLLOWS(flush, FLUSH);
FOLLOWS(undo, UNDO);
FOLLOWS(redo, REDO);
FOLLOWS(romulus, ROMULUS);
