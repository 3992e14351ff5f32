/* Where a process or a machine may die: between any two instructions of an epoch, and at any moment with any set of unfenced lines lost.
 * The content must be that of the epoch before or of the epoch itself, whole, and the pool must go on working from there. */
#include "store_cuts.h"

/* ---- every instruction ---- */

static void child_part(struct fixture *f, const struct content *epochs, unsigned count)
{
    cr_assert_eq(fixture_restart(f), 0);
    ptrace(PTRACE_TRACEME, 0, NULL, NULL);
    raise(SIGSTOP);
    for (unsigned i = 0; i < count; ++i) {
        if (i == count / 2) { /* one that is given up */
            (void)write_all(&f->store, &epochs[0], false);
            prs_store_abort(&f->store);
        }
        if (write_all(&f->store, &epochs[i], i == 2) != 0) {
            _exit(1);
        }
        prs_store_commit(&f->store);
    }
    _exit(0);
}

Test(store_cuts, a_kill_between_any_two_instructions_leaves_a_whole_epoch)
{
    enum { EPOCHS = 6 };
    static struct content epochs[EPOCHS];
    struct fixture f;
    fixture_open(&f, 8192, 20, 8);
    random_state = 20240611;
    static struct content start;
    change(&start);
    memset(start.pages[8], 0, 8192);
    cr_assert_eq(write_all(&f.store, &start, false), 0);
    cr_assert_eq(prs_store_commit(&f.store), 0);
    for (unsigned i = 0; i < EPOCHS; ++i) {
        epochs[i] = i == 0 ? start : epochs[i - 1];
        change(&epochs[i]);
        /* One page comes, changes and goes; then another takes its entry, which must not bring the first one back on its way. */
        memset(epochs[i].pages[8], 0, 8192);
        epochs[i].pages[8][70] = i < 2;
        epochs[i].pages[8][700] = i == 1;
        epochs[i].pages[9][7] = i > 2;
    }
    pid_t child = fork();
    if (child == 0) {
        child_part(&f, epochs, EPOCHS);
    }
    cr_assert_gt(step_through(&f, child, &start, epochs, EPOCHS), 500);
    fixture_close(&f);
}

/* ---- power cuts ---- */

static void power_cuts(bool sums)
{
    struct fixture f;
    fixture_sums = sums;
    fixture_format(&f, 8192, 16, 6); /* scarce: releases and housekeeping happen too */
    random_state = 77;
    medium.memory = cut_medium_over(f.bytes, f.length);
    medium.image = fixture_map(f.length);
    medium.one_in = 12;
    static struct content now, committed;
    struct prs_store store;
    cr_assert_eq(attach_apart(&store, f.bytes, f.length), 0);
    cr_assert_eq(prs_store_recover(&store), 0);
    bool want_full = false;
    unsigned commits = 0, given_up = 0;
    for (unsigned round = 0; round < 400; ++round) {
        now = committed;
        change(&now);
        medium.before = NULL; /* begin may commit an epoch of its own, which is not one of these two */
        bool full;
        int result = prs_store_begin(&store, 1000, want_full, &full);
        cr_assert_eq(result, 0);
        prs_store_abort(&store);
        medium.epoch = store.epoch;
        medium.before = &committed;
        medium.after = &now;
        result = write_all(&store, &now, want_full);
        want_full = false;
        if (result != 0) {
            cr_assert_eq(result, -ENOSPC);
            prs_store_abort(&store);
            want_full = true;
            ++given_up;
            continue;
        }
        if (below(6) == 0) {
            prs_store_abort(&store);
            ++given_up;
            continue;
        }
        cr_assert_eq(prs_store_commit(&store), 0);
        committed = now;
        ++commits;
        medium.before = medium.after = &committed;
        medium.epoch = store.epoch;
        maybe_cut("committed");
        if (round % 10 == 0) { /* the machine dies for real: goes on from what is durable */
            cut_medium_happen(&medium.memory);
            medium.before = NULL;
            cr_assert_eq(attach_apart(&store, f.bytes, f.length), 0, "%s", prs_detail());
            cr_assert_eq(prs_store_recover(&store), 0, "%s", prs_detail());
            cr_assert(equals(&store, &committed));
        }
    }
    printf("%u commits, %u given up, %lu calls of the medium, %lu cuts\n", commits, given_up, medium.calls, medium.checks);
    cr_assert_gt(medium.checks, 300);
    fixture_close(&f);
}

Test(store_cuts, a_power_cut_with_any_lines_lost_leaves_a_whole_epoch, .timeout = 300) { power_cuts(false); }

Test(store_cuts, and_with_page_checksums, .timeout = 300) { power_cuts(true); }
