/* Images of the stack (stack=flush, undo, redo, romulus): what is committed can be read, whatever was written since; bytes from elsewhere are refused. */
#include "stack_image_fixture.h"

Test(stack_image, random_stores_are_read_back_at_each_commit)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK)), *other = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK], last[STACK];
        memset(content, 0, STACK);
        struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
        begin(&area);
        for (unsigned round = 0; round < 3000; ++round) {
            memcpy(last, content, STACK);
            for (unsigned n = below(round % 50 == 0 ? 800 : 30); n > 0; --n) {
                cr_assert_eq(store(&area, content), 0);
            }
            struct prs_stack_area reader = area_over(image, bytes, &prs_media_none, other);
            cr_assert_eq(image->attach(&reader), 0, "%s: %s", names[way], prs_detail());
            expect(&reader, last, names[way]);
            cr_assert_eq(image->prepare(&area), 0);
            expect(&reader, last, names[way]);
            commit(&area, bytes);
            expect(&area, content, names[way]);
            if (round % 100 == 99) { /* dies in the middle of the next state, twice in a row */
                for (unsigned again = 0; again < 2; ++again) {
                    memcpy(last, content, STACK);
                    for (unsigned n = below(60); n > 0; --n) {
                        (void)store(&area, last);
                    }
                    area = area_over(image, bytes, &prs_media_none, tables);
                    cr_assert_eq(image->attach(&area), 0, "%s: %s", names[way], prs_detail());
                    cr_assert_eq(image->recover(&area), 0, "%s: %s", names[way], prs_detail());
                    expect(&area, content, names[way]);
                }
            }
        }
    }
}

Test(stack_image, all_of_the_stack_can_be_written_in_one_state_and_in_any_order)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK];
        struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
        begin(&area);
        for (unsigned round = 0; round < 4; ++round) {
            for (unsigned i = 0, at = 0; i < STACK; ++i, at = (at + 8 * 389 + (i % 1024 == 0)) % STACK) { /* every byte alone, never two of a granule in turn */
                content[at] = (uint8_t)(i * 7 + round);
                cr_assert_eq(image->write(&area, LOW + at, content + at, 1), 0, "%s is full", names[way]);
            }
            cr_assert_eq(image->prepare(&area), 0);
            commit(&area, bytes);
            expect(&area, content, names[way]);
        }
    }
}

Test(stack_image, a_new_beginning_knows_nothing_of_the_one_before)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint8_t *bytes = fixture_map(length_of(image)), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK], ignored[STACK];
        for (unsigned round = 0; round < 300; ++round) {
            struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
            begin(&area);
            memset(content, 0, STACK);
            for (unsigned states = below(3); states > 0; --states) {
                for (unsigned n = below(20); n > 0; --n) {
                    (void)store(&area, content);
                }
                cr_assert_eq(image->prepare(&area), 0);
                commit(&area, bytes);
            }
            expect(&area, content, names[way]);
            for (unsigned deaths = below(3); deaths > 0; --deaths) { /* leftovers of the open state, of different lengths */
                cr_assert_eq(image->recover(&area), 0);
                for (unsigned n = below(20); n > 0; --n) {
                    (void)store(&area, ignored);
                }
                area = area_over(image, bytes, &prs_media_none, tables);
                cr_assert_eq(image->attach(&area), 0, "%s: %s", names[way], prs_detail());
                expect(&area, content, names[way]);
            }
        }
    }
}

/* ---- untrusted bytes ---- */

Test(stack_image, damaged_bytes_are_refused_or_read_within_bounds)
{
    for (unsigned way = 0; way < WAYS; ++way) {
        image_pointer image = prs_stack_image_of(ways[way]);
        uint64_t length = length_of(image);
        uint8_t *bytes = fixture_map(length), *damaged = fixture_map(length), *tables = fixture_map(image->tables_bytes(STACK));
        static uint8_t content[STACK], found[STACK];
        memset(content, 0, STACK);
        unsigned refused = 0;
        for (unsigned round = 0; round < 4000; ++round) {
            struct prs_stack_area area = area_over(image, bytes, &prs_media_none, tables);
            if (round % 50 == 0) {
                begin(&area);
                for (unsigned n = 0; n < 30; ++n) {
                    (void)store(&area, content);
                }
                cr_assert_eq(image->prepare(&area), 0);
                commit(&area, bytes);
                if (round % 100 == 0) {
                    uint64_t next = area.committed + 1; /* committed, and died before it was opened */
                    (void)store(&area, content);
                    cr_assert_eq(image->prepare(&area), 0);
                    memcpy(bytes, &next, 8);
                } else {
                    (void)store(&area, content); /* an open state */
                }
            }
            memcpy(damaged, bytes, length);
            for (unsigned n = 1 + below(4); n > 0; --n) {
                uint64_t at = below(3) == 0 ? AHEAD + below(128) : below(2) == 0 ? AHEAD + below((uint32_t)(length - AHEAD)) : AHEAD + STACK + below(4096 + 640);
                at = at < length ? at : AHEAD;
                damaged[at] = (uint8_t)below(256);
            }
            area = area_over(image, damaged, &prs_media_none, tables);
            int error = image->attach(&area);
            cr_assert(error == 0 || error == PROSPER_E_DAMAGED, "%s: %d", names[way], error);
            refused += error != 0;
            if (error == 0) {
                cr_assert_eq(image->each(&area, apply, found), 0);
                cr_assert_eq(image->recover(&area), 0);
            }
        }
        cr_assert(ways[way] == PRS_STACK_FLUSH || ways[way] == PRS_STACK_UNDO || refused > 10, "%s: %u refused", names[way], refused);
    }
}

/* The checksums fit, what they cover does not. */
Test(stack_image, places_outside_of_the_stack_are_refused)
{
    uint8_t line[64], *tables = fixture_map(1 << 20);
    image_pointer undo = &prs_stack_undo_image, redo = &prs_stack_redo_image;
    uint8_t *bytes = fixture_map(length_of(undo));
    struct prs_stack_area area = area_over(undo, bytes, &prs_media_none, tables);
    begin(&area);
    cr_assert_eq(undo->write(&area, LOW, "12345678", 8), 0);
    uint8_t *entry = bytes + AHEAD + STACK;
    for (unsigned granule = STACK / 32 - 1; granule <= STACK / 32; ++granule) {
        memcpy(entry + 8, &granule, 4);
        uint32_t crc = prs_crc32c(prs_crc32c(0, entry, 12), entry + 16, 32);
        memcpy(entry + 12, &crc, 4);
        cr_assert_eq(undo->attach(&area), granule == STACK / 32 ? PROSPER_E_DAMAGED : 0);
    }
    bytes = fixture_map(length_of(redo));
    area = area_over(redo, bytes, &prs_media_none, tables);
    begin(&area);
    cr_assert_eq(redo->write(&area, LOW, "12345678", 8), 0);
    cr_assert_eq(redo->prepare(&area), 0);
    area.committed = 1;
    cr_assert_eq(redo->attach(&area), 0, "%s", prs_detail());
    uint8_t *first = bytes + AHEAD + 4096 + STACK;
    for (unsigned place = STACK / 8; place <= STACK / 8 + 1; ++place) {
        memcpy(first + 40, &place, 4);
        uint64_t sequence = 1;
        uint32_t crc = prs_crc32c(prs_crc32c(0, &sequence, 8), first, 60);
        memcpy(first + 60, &crc, 4);
        cr_assert_eq(redo->attach(&area), place > STACK / 8 ? PROSPER_E_DAMAGED : 0);
    }
    uint64_t head[3] = {1, 1ull << 40, 0};
    uint32_t crc = prs_crc32c(0, head, 16);
    memcpy(line, head, 24);
    memcpy(line + 20, &crc, 4);
    memcpy(bytes + AHEAD + 64, line, 24);
    cr_assert_eq(redo->attach(&area), PROSPER_E_DAMAGED);
}
