/* stores.h - who is told of the program's stores (code of --prosper-track=stores calls __prosper_store behind each; docs/abi.md).
 *
 *   prs_stores_listen(PRS_STORES_STACK, low, high, on);    from now on: on(address, bytes, sp) for each store with a byte in [low, high)
 *   prs_stores_listen(PRS_STORES_STACK, 0, 0, NULL);       no more
 *
 * `on` runs where the store was made: in any function of the program's, in its signal handlers, in a child of vfork, in any thread. It may read all memory,
 * the stored bytes too. It must not fail, store into memory of the program's, change errno, make or release marks; and it must be right when a
 * signal handler comes in the middle, with stores of its own, and never comes back (longjmp). bytes > 0; sp: the program's stack pointer at the store.
 *
 * The state is in prs_p, so not in the image: after a restore nobody listens until someone asks to. A call of `on` that a checkpoint caught
 * half-way goes on in the new process, with prs_p as it is there.
 */
#ifndef PRS_STORES_H
#define PRS_STORES_H

#include <stdint.h>

enum prs_stores_who { PRS_STORES_TRACE, PRS_STORES_STACK, PRS_STORES_LISTENERS };

typedef void prs_stores_on(uint64_t address, uint64_t bytes, uint64_t sp);

struct prs_listener {
    uint64_t low, size; /* size 0: does not listen */
    prs_stores_on *on;
};

struct prs_stores {
    uint64_t low, size; /* smallest range that holds those of all listeners; size 0: nobody listens */
    struct prs_listener listeners[PRS_STORES_LISTENERS];
};

/* high exclusive; low >= high, or on NULL: the listener leaves. Normal context or the handler of a checkpoint, the owner's thread. */
void prs_stores_listen(enum prs_stores_who who, uint64_t low, uint64_t high, prs_stores_on *on);

#endif
