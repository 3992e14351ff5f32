/* verify_cmd.c - `prosper verify`: every checksum and invariant of a pool, without changing it.
 *
 * Exit status 0: sound; 1: findings, each a sentence on stdout; 125: no pool, or one that cannot be read at all.
 */
#include "command.h"
#include "image_read.h"
#include "layout.h"
#include "meta_load.h"
#include <string.h>

struct findings {
    unsigned count;
    const struct prs_meta *meta;
};

static void report(void *context, const char *sentence)
{
    struct findings *findings = context;
    findings->count++;
    print_text(stdout, sentence);
    putchar('\n');
}

/* Pages belong to regions of large memory (with stack=ssp, to the stack too), all of them: a restore would put others nowhere. */
static int check_page(void *context, uint64_t page)
{
    struct findings *findings = context;
    const struct image only_meta = {.meta = (struct prs_meta *)(uintptr_t)findings->meta};
    const struct prs_region *region = image_region(&only_meta, page);
    if (page % PRS_PAGE != 0 || ((region == NULL || region->kind != PRS_REGION_LARGE) && !prs_meta_stack_page(findings->meta, page))) {
        char sentence[96];
        snprintf(sentence, sizeof sentence, "page %lx is kept but lies in no region of large memory", page);
        report(findings, sentence);
    }
    return 0;
}

/* What prs_meta_check leaves to the eye: nothing that would be used as an index, but signs of damage all the same. */
static void check_meta(const struct prs_meta *meta, struct findings *findings)
{
    uint32_t stacks = 0;
    for (uint32_t i = 0; i < meta->region_count; i++) {
        stacks += meta->regions[i].kind == PRS_REGION_STACK;
        if ((meta->regions[i].protection & ~7u) != 0) {
            report(findings, "a region has a protection that does not exist");
        }
    }
    if (stacks == 0) {
        report(findings, "there is no stack among the regions");
    }
    for (uint32_t i = 1; i < meta->descriptor_count; i++) {
        if (meta->descriptors[i].number <= meta->descriptors[i - 1].number) {
            report(findings, "the descriptor table is not in ascending order");
        }
    }
    if (meta->stack_limit_soft > meta->stack_limit_hard) {
        report(findings, "the stack limit is above its hard limit");
    }
}

static int verify(const char *path)
{
    struct image image;
    struct findings findings = {0};
    int error = image_open(&image, path);
    if (error != 0) {
        if (error != PROSPER_E_DAMAGED) {
            return command_refuse(error);
        }
        report(&findings, prs_detail()[0] != '\0' ? prs_detail() : prs_error_text(error));
        return 1;
    }
    if (image.owner != 0) {
        return command_refuse(prs_fail(PROSPER_E_IN_USE, "%s: process %d (verify wants a pool that lies still)", path, image.owner));
    }
    (void)prs_store_verify(&image.store, report, &findings);
    uint64_t epoch = image.store.epoch;
    enum prs_pool_state state = prs_store_state(&image.store);
    image_close(&image);
    if (findings.count == 0 && epoch > 0 && state != PRS_POOL_EMPTY) {
        error = image_load(&image, path);
        if (error != 0) {
            report(&findings, prs_detail()[0] != '\0' ? prs_detail() : prs_error_text(error));
        } else {
            findings.meta = image.meta;
            check_meta(image.meta, &findings);
            prs_store_page_each(&image.store, check_page, &findings);
        }
    }
    if ((error = prs_pool_check(path)) != 0) { /* libpmemobj's own structures */
        report(&findings, prs_detail()[0] != '\0' ? prs_detail() : prs_error_text(error));
    }
    if (findings.count > 0) {
        printf("%u finding%s in %s\n", findings.count, findings.count == 1 ? "" : "s", path);
        return 1;
    }
    printf("%s is sound: epoch %lu\n", path, epoch);
    return 0;
}

int command_verify(int argc, char **argv)
{
    static const struct flag flags[] = {{"--help", FLAG_PLAIN, NULL, "this text"}};
    const char *value;
    int at = 1;
    int flag = flags_next("prosper verify", flags, 1, argc, argv, &at, &value);
    if (flag == FLAGS_BAD) {
        return COMMAND_REFUSED;
    }
    if (flag == 0) {
        printf("prosper verify pool\n\n"
               "Checks every checksum and invariant of a pool that no program is using, and never changes it.\n"
               "Each finding is a line. Exit status: 0 sound, 1 findings, %d not a pool or not readable.\n\n",
               COMMAND_REFUSED);
        flags_help(flags, 1);
        return 0;
    }
    if (at + 1 != argc) {
        return command_usage("prosper verify takes one pool");
    }
    return verify(argv[at]);
}
