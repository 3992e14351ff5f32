/* verify_cmd.c - `prosper verify`: every checksum and invariant of a pool, without changing it, and each structure that is damaged by its name.
 *
 * Exit status 0: sound; 1: findings, each a sentence on stdout; 125: no pool, or one that cannot be read at all.
 */
#include "command.h"
#include "image_read.h"
#include "layout.h"
#include "meta_load.h"
#include "repair.h"
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

/* The image behind the store: only of a pool in which nothing else is wrong. */
static void check_image(const char *path, struct findings *findings)
{
    struct image image;
    int error = image_load(&image, path);
    if (error != 0) {
        report(findings, prs_detail()[0] != '\0' ? prs_detail() : prs_error_text(error));
    } else if (image.meta != NULL) {
        findings->meta = image.meta;
        check_meta(image.meta, findings);
        prs_store_page_each(&image.store, check_page, findings);
    }
    image_close(&image);
}

static int verify(const char *path)
{
    struct image image;
    struct findings findings = {0};
    int error = image_open(&image, path);
    if ((error != 0 && (error != PROSPER_E_DAMAGED || image.map == NULL)) || image.owner != 0) {
        error = error != 0 ? error : prs_fail(PROSPER_E_IN_USE, "%s: process %d (verify wants a pool that lies still)", path, image.owner);
        image_close(&image);
        return command_refuse(error);
    }
    if (prs_store_verify(&image.store, report, &findings) == 0 && error != 0) { /* attach is stricter than it */
        report(&findings, prs_detail());
    }
    uint64_t epoch = image.store.epoch;
    bool content = error == 0 && epoch > 0 && prs_store_state(&image.store) != PRS_POOL_EMPTY;
    image_close(&image);
    if (findings.count == 0 && content) {
        check_image(path, &findings);
    }
    error = prs_pool_check_apart(path); /* libpmemobj's own structures */
    if (error == PROSPER_E_READ_ONLY) {
        printf("libpmemobj's own structures were not checked: it does not look at what it cannot write\n");
    } else if (error != 0) {
        report(&findings, prs_detail()[0] != '\0' ? prs_detail() : prs_error_text(error));
    }
    if (findings.count > 0) {
        printf("%u finding%s in ", findings.count, findings.count == 1 ? "" : "s");
        print_text(stdout, path);
        putchar('\n');
        return 1;
    }
    print_text(stdout, path);
    printf(" is sound: epoch %lu\n", epoch);
    return 0;
}

int command_verify(int argc, char **argv)
{
    enum { REPAIR, HELP, FLAGS };
    static const struct flag flags[FLAGS] = {
        [REPAIR] = {"--repair", FLAG_VALUE, "copy", "write a copy in which all is put right that can be, if that makes it whole"},
        [HELP] = {"--help", FLAG_PLAIN, NULL, "this text"},
    };
    const char *value, *copy = NULL;
    int at = 1, flag;
    while ((flag = flags_next("prosper verify", flags, FLAGS, argc, argv, &at, &value)) >= 0) {
        if (flag == HELP) {
            printf("prosper verify [--repair copy] pool\n\n"
                   "Checks every checksum and invariant of a pool that no program is using, and never changes it.\n"
                   "Each finding is a line. Exit status: 0 sound, 1 findings, %d not a pool or not readable.\n"
                   "With --repair: 0 the copy is whole, 1 that cannot be done, and there is no copy.\n\n",
                   COMMAND_REFUSED);
            flags_help(flags, FLAGS);
            return 0;
        }
        copy = value;
    }
    if (flag == FLAGS_BAD) {
        return COMMAND_REFUSED;
    }
    if (at + 1 != argc) {
        return command_usage("prosper verify takes one pool");
    }
    return copy != NULL ? repair(argv[at], copy) : verify(argv[at]);
}
