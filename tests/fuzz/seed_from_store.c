/* seed_from_store.c - seeds that no program leaves behind so small: pools of a few pages, made through the store itself.
 *
 * Usage: seed_from_store DIRECTORY
 */
#include "fields.h"
#include "store_fixture.h"
#include <stdio.h>

#define PAGES 0x100000000000ul

static const char *directory;

static void save(const struct fixture *f, const char *name)
{
    static uint8_t encoded[256u << 10];
    char path[4096];
    struct image_bytes image;
    uint8_t head[16] = SPARSE_MAGIC;
    memcpy(head + 8, &f->length, 8);
    if (!sparse_decode(head, sizeof head, &image) || !sparse_touch(&image, 0, f->length)) {
        abort();
    }
    memcpy(image.bytes, f->bytes, f->length);
    size_t bytes = sparse_encode(&image, encoded, sizeof encoded);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *out = fopen(path, "wb");
    if (bytes == 0 || out == NULL || fwrite(encoded, 1, bytes, out) != bytes || fclose(out) != 0) {
        fprintf(stderr, "%s cannot be written\n", path);
        exit(1);
    }
}

static const void *line_page(unsigned lines, uint8_t value)
{
    static uint8_t page[PRF_PAGE] __attribute__((aligned(64)));
    memset(page, 0, sizeof page);
    for (unsigned i = 0; i < lines; i++) {
        page[64 * (i * 7 % 64)] = value;
    }
    return page;
}

static void must(int result)
{
    if (result < 0) {
        fprintf(stderr, "seed_from_store: %d %s\n", result, prs_detail());
        exit(1);
    }
}

/* Pages that keep lines in both slots, one that became zero, one that is gone. */
static void some_epochs(struct fixture *f, unsigned count)
{
    bool full;
    for (unsigned i = 0; i < count; i++) {
        must(prs_store_begin(&f->store, 256, false, &full));
        must(prs_store_append(&f->store, 0x7ffffffde000, "small memory", 13));
        must(prs_store_append(&f->store, 0x7ffffffde100 + i, &i, sizeof i));
        int result = 0;
        for (uint64_t page = 0; page < 6 && result >= 0; page++) {
            result = prs_store_page(&f->store, PAGES + page * 4096 * 1000, line_page((unsigned)(page + i * 5) % 64, (uint8_t)(1 + i)), false);
        }
        if (result < 0) { /* no slots are left: given up, and what comes next makes room */
            prs_store_abort(&f->store);
            continue;
        }
        if (i % 3 == 2) {
            must(prs_store_page_drop(&f->store, PAGES));
        }
        must(prs_store_commit(&f->store));
    }
}

int main(int argc, char **argv)
{
    struct fixture f;
    bool full;
    directory = argc == 2 ? argv[1] : ".";
    fixture_open(&f, 65536, 24, 8);
    save(&f, "store-empty");
    some_epochs(&f, 5);
    save(&f, "store-pages");
    must(prs_store_set_state_because(&f.store, PRS_POOL_LEFT, "a second thread"));
    save(&f, "store-left");
    must(prs_store_begin(&f.store, 256, false, &full));
    must(prs_store_append(&f.store, 0x1000, "never committed", 16));
    must(prs_store_page(&f.store, PAGES + 4096, line_page(3, 9), false));
    must(prs_store_page(&f.store, PAGES + 4096 * 1000, line_page(3, 9), false));
    save(&f, "store-interrupted");
    prs_store_abort(&f.store);
    must(prs_store_set_state(&f.store, PRS_POOL_FINISHED));
    memset(f.bytes + FIXTURE_ROOT + PRF_RECORD_AT((f.store.epoch & 1) ^ 1, 0), 0x55, 40); /* a torn copy */
    save(&f, "store-torn");
    fixture_close(&f);
    fixture_open(&f, 8192, 6, 0); /* areas that are soon full, slots that run short */
    some_epochs(&f, 5);
    save(&f, "store-narrow");
    fixture_close(&f);
    fixture_format_room(&f, 8192, 6, 0, fixture_extension_bytes(9) + fixture_extension_bytes(20) + fixture_extension_bytes(5));
    must(fixture_restart(&f));
    must(fixture_extend(&f.store, 9));
    some_epochs(&f, 3);
    must(fixture_extend(&f.store, 20));
    some_epochs(&f, 4);
    save(&f, "store-grown");
    must(fixture_extend(&f.store, 5)); /* one that no record counts */
    must(prs_store_begin(&f.store, 256, false, &full));
    for (uint64_t page = 0; page < 20 && prs_store_page(&f.store, PAGES + page * 4096, line_page(5, 7), false) >= 0; page++) {
    }
    save(&f, "store-growing");
    fixture_close(&f);
    fixture_sums = true;
    fixture_open(&f, 65536, 24, 8);
    some_epochs(&f, 5);
    save(&f, "store-sums");
    fixture_close(&f);
    fixture_format_room(&f, 8192, 6, 0, fixture_extension_bytes(9));
    must(fixture_restart(&f));
    must(fixture_extend(&f.store, 9));
    some_epochs(&f, 4);
    save(&f, "store-sums-grown");
    return 0;
}
