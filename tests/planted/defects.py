"""defects - each planted defect (runtime/planted.def) and the checks that must notice it (layers.py). The number behind `random` is the stated effort, in programs; the other
checks are one build and one run. `QUICK` are the ones of the sample."""

# A part of moments.c or moments_loops.c: how often it does its thing, and the plan under which it is run.
GAP = "moments gap 20 step=37 -O2"
RESTORED = "moments gap 20 chain=37,die=2 -O2"
FAULT = "moments fault 3 step=11 -O2"
SORTING = "moments sorting 20 step=61 -O2"
COPIES = "moments copies 30 step=197 -O2"
READING = "moments reading 10 step=17 -O2"
GIVEN = "moments given 10 step=61 -O2"
DROPPED = "moments dropped 2 step=397 -O2"
DROPPING = "moments dropped 2 step=61 -O2"
MOVED = "moments dropped 8 step=4999 -O2"
STRIPS = "moments strips 1 step=1999 -O2"
STRIPS_BY_PAGES = "moments strips 1 step=1999,pages=1 -O2"
CALLS = "moments calls 10 step=37 -O2"
HOISTED = "moments hoisted 1 step=23 -O2"
STACK = "moments stack 8 step=997 -O2"
LEAVES = "moments leaves 20 step=13 -O2"
LEAVES_RESTORED = "moments leaves 20 chain=101,die=1 -O2"
ORDER = "order forms.c -O2"
ORDER_WIDE = "order forms.c -O3 -march=x86-64-v4"
POWER = "power 20000"
POWER_RARE = "power 300000"
POWER_RAREST = "power 3000000"
PAGES = "pages 50000"
PAGES_RARE = "pages 200000"

DEFECTS = {
    # the pass
    "mark_behind": [ORDER, CALLS, "random 6"],
    "across_call": [ORDER, CALLS],
    "soft_arithmetic": [ORDER],
    "around_loop": [ORDER],
    "join_or": [ORDER, CALLS],
    "span_72": [ORDER, CALLS],
    "one_line": [ORDER, CALLS],
    "gap_long": [ORDER],
    "hoist_over_calls": [ORDER, CALLS],
    "hoist_over_phi": [HOISTED, "random 12"],
    "base_moves": [HOISTED],
    "short_hoisted": [ORDER],
    "wide_short": [ORDER],
    "index_least": [HOISTED, "random 12"],
    "wild_uncut": [HOISTED, "random 12"],
    "release_early": [ORDER, CALLS],
    "release_at_loop": [ORDER],
    "strip_short": [STRIPS],
    "strip_once": [STRIPS],
    "arguments_skipped": [ORDER, GAP],
    "atomics_skipped": [ORDER, "random 6 atomics"],
    "copy_short": [ORDER, "random 4 library"],
    "lane_skipped": [ORDER_WIDE],
    "writer_left": ["random 4 library"],
    # the runtime
    "red_zone": [LEAVES, LEAVES_RESTORED],
    "deep_page": [STACK],
    "page_of_run": [STRIPS_BY_PAGES, "random 6"],
    "long_unseen": [COPIES, "random 6"],
    "suspects_dropped": [GAP, "random 6"],
    "evidence_early": [GAP, "random 6"],
    "handlers_ignored": [FAULT],
    "restored_by_marks": [RESTORED],
    "window_unlisted": [SORTING],
    "window_popped": [SORTING],
    "read_unseen": [READING],
    "print_unmarked": [COPIES],
    "given_forgotten": [GIVEN],
    "lost_forgotten": [DROPPED],
    "losing_silent": [DROPPING],
    "moved_unseen": [MOVED],
    "gone_kept": [DROPPED],
    "coverage_ignored": ["reports"],
    "owner_once": ["died 1"],
    "change_once": ["between"],
    "time_of_two": ["between -DCLOCKS"],
    # the store
    "stack_word_unflushed": [POWER_RAREST],
    "same_unflushed": [POWER_RARE],
    "stack_unflushed": [POWER],
    "sum_unflushed": [POWER],
    "sum_left": [POWER_RARE],
    "word_unflushed": [POWER],
    "lines_unflushed": [POWER],
    "log_unflushed": [POWER],
    "data_unfenced": [POWER, PAGES],
    "record_first": [POWER],
    "copies_at_once": [POWER],
    "copy_left_out": [POWER],
    "record_unchecked": [POWER],
    "word_in_place": [POWER],
    "word_backwards": [POWER],
    "address_early": [POWER],
    "slot_early": [POWER],
    "calm_early": [POWER_RARE],
    "calm_trusted": [POWER_RARE],
    "area_early": [POWER],
    "abort_unflushed": [POWER],
    "recovery_keeps": [POWER],
    "beyond_kept": [POWER_RAREST],
    "extension_late": [POWER_RARE],
    "cleared_unflushed": [POWER_RAREST],
    "root_unflushed": [POWER_RARE],
    "repair_left_out": [POWER],
    "marks_at_once": [POWER],
    "reasons_at_once": [POWER_RAREST],
    "sweep_left_out": [PAGES],
    "zeros_at_once": [PAGES],
    "sweep_early": [PAGES],
    "recovery_unswept": [PAGES],
    "swept_at_once": [PAGES_RARE],
    "flag_left_out": [PAGES_RARE],
    "sweep_unfenced": [PAGES],
}
QUICK = ("mark_behind", "across_call", "around_loop", "join_or", "span_72", "one_line", "gap_long", "short_hoisted", "release_early", "red_zone", "deep_page",
         "suspects_dropped", "restored_by_marks", "window_unlisted", "window_popped", "owner_once")
