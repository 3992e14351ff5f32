/* stores.c - __prosper_store, which instrumented code calls behind every store (stores.h).
 *
 * A store [address, address + bytes) has a byte in [low, low + size) if its beginning lies in the range, or the range's in it. In numbers modulo
 * 2^64: address - low < size, or low - address < bytes. Most stores are seen off by these two comparisons.
 *
 * INVARIANTS
 *   1. Nothing is read of a listener twice, its function before its size: between two instructions a restore may come, and nobody listens in the new process.
 *      A size that is not zero is of the process that the function is of, or of a later one.
 *   2. The range of all is never smaller than that of one.
 * Context: hook: called from instrumented code at any place, in handlers too; no libc, no lock, errno untouched.
 */
#include "stores.h"
#include "state.h"
#include <prosper/abi.h>
#include <stddef.h>

#define EXPORT __attribute__((visibility("default")))
EXPORT void __prosper_store(void *address, uint64_t bytes);

static inline bool overlaps(uint64_t low, uint64_t size, uint64_t address, uint64_t bytes) { return address - low < size || low - address < bytes; }

static __attribute__((noinline)) void tell(uint64_t address, uint64_t bytes, uint64_t sp)
{
    for (unsigned who = 0; who < PRS_STORES_LISTENERS; ++who) {
        const volatile struct prs_listener *listener = &prs_p.stores.listeners[who];
        prs_stores_on *on = listener->on;
        uint64_t size = listener->size;
        if (on != NULL && size != 0 && bytes != 0 && overlaps(listener->low, size, address, bytes)) {
            on(address, bytes, sp);
        }
    }
}

void __prosper_store(void *address, uint64_t bytes)
{
    if (overlaps(prs_p.stores.low, prs_p.stores.size, (uint64_t)address, bytes)) {
        tell((uint64_t)address, bytes, (uint64_t)__builtin_frame_address(0) + 2 * sizeof(uint64_t)); /* above our frame: its link and the return address */
    }
}

void prs_stores_listen(enum prs_stores_who who, uint64_t low, uint64_t high, prs_stores_on *on)
{
    struct prs_stores *stores = &prs_p.stores;
    volatile struct prs_listener *listener = &stores->listeners[who];
    bool comes = on != NULL && low < high;
    listener->size = 0;
    listener->low = comes ? low : 0;
    listener->on = comes ? on : NULL;
    uint64_t all_low = comes ? low : UINT64_MAX, all_high = comes ? high : 0;
    for (unsigned i = 0; i < PRS_STORES_LISTENERS; ++i) {
        const struct prs_listener *other = &stores->listeners[i];
        if (other->size != 0) {
            all_low = other->low < all_low ? other->low : all_low;
            all_high = other->low + other->size > all_high ? other->low + other->size : all_high;
        }
    }
    stores->low = all_low < all_high ? all_low : 0;
    stores->size = all_low < all_high ? all_high - all_low : 0;
    listener->size = comes ? high - low : 0;
}
