/* profile_cmd.c - `prosper profile FILE`, and what `prosper run --profile` prints at the end: which frames, allocation sites and variables made the bytes of the checkpoints. */
#include "profile_cmd.h"
#include "command.h"
#include "profile_names.h"
#include <string.h>

#define ROWS_SHOWN 10u

static void print_head(FILE *out, const struct prs_profile *head, uint64_t bytes)
{
    uint64_t checkpoints = head->checkpoints - (head->full_epochs < head->checkpoints ? head->full_epochs : 0);
    fprintf(out, "prosper: profile: %lu checkpoints", head->checkpoints);
    if (head->lives > 1) {
        fprintf(out, " in %lu lives", head->lives);
    }
    fprintf(out, ", %s in all, %s each\n", text_bytes(bytes), text_bytes(bytes / (checkpoints != 0 ? checkpoints : 1)));
}

static void print_foot(FILE *out, const struct prs_profile *head, const struct names_result *result)
{
    if (head->full_epochs != 0) {
        fprintf(out, "Besides, %lu of them began the log anew with a copy of all small memory (%s).\n", head->full_epochs, text_bytes(head->full_bytes));
    }
    if (!result->symbolizer) {
        fprintf(out, "No source lines: llvm-symbolizer is not installed (Debian: llvm-19).\n");
    } else if (!result->lines) {
        fprintf(out, "No source lines: nothing here was compiled with -g.\n");
    }
    if (result->stripped) {
        fprintf(out, "Addresses as linked stand for functions without a name: their file was stripped.\n");
    }
}

int profile_print(FILE *out, const char *path)
{
    struct profile profile;
    struct rows rows = {0};
    struct names_result result;
    int error = profile_read(&profile, path);
    error = error != 0 ? error : profile_names(&profile, &rows, &result);
    if (error == 0) {
        const struct prs_profile *head = profile.head;
        rows_rank(&rows);
        print_head(out, head, rows.bytes);
        if (rows.count > 0) {
            rows_print(out, &rows, ROWS_SHOWN, head->checkpoints > head->full_epochs ? head->checkpoints - head->full_epochs : 1);
        }
        print_foot(out, head, &result);
    }
    rows_free(&rows);
    profile_close(&profile);
    return error;
}

int command_profile(int argc, char **argv)
{
    static const struct flag flags[] = {{"--help", FLAG_PLAIN, NULL, "this text"}};
    const char *value;
    int at = 1, flag = flags_next("prosper profile", flags, 1, argc, argv, &at, &value);
    if (flag == FLAGS_BAD) {
        return COMMAND_REFUSED;
    }
    if (flag == 0) {
        printf("prosper profile file\n\nShows a profile that option profile=file has made, or is making: who made the bytes of the checkpoints.\n\n");
        flags_help(flags, 1);
        return 0;
    }
    if (at + 1 != argc) {
        return command_usage("prosper profile needs one file");
    }
    int error = profile_print(stdout, argv[at]);
    return error != 0 ? command_refuse(error) : 0;
}
