/* resumable.c - is a checkpoint this command's, and what is executed to go on from it.
 *
 * META has passed prs_meta_check. Context: stage 0, normal; library part, so that the fuzzers reach it.
 */
#include "resumable.h"
#include "error.h"
#include "log.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int compare_arguments(const struct prs_meta *meta, int argc, char **argv)
{
    const char *old = meta->text + meta->argv;
    bool same = (int)meta->argc == argc;
    for (int i = 0; same && i < argc; ++i) {
        same = strcmp(old, argv[i]) == 0;
        old += strlen(old) + 1;
    }
    if (same) {
        return 0;
    }
    char was[200] = "", now[200] = "";
    size_t at = 0;
    old = meta->text + meta->argv;
    for (uint32_t i = 0; i < meta->argc; ++i, old += strlen(old) + 1) {
        at += prs_format(was + at, sizeof was - at, " %s", old);
    }
    at = 0;
    for (int i = 0; i < argc; ++i) {
        at += prs_format(now + at, sizeof now - at, " %s", argv[i]);
    }
    return prs_fail(PROSPER_E_OTHER_ARGUMENTS, "it runs '%s', this is '%s' (--fresh starts over)", was + (was[0] == ' '), now + (now[0] == ' '));
}

int prs_resumable_check(const struct prs_meta *meta, const struct prs_options *options, int argc, char **argv)
{
    if (meta->left_out != 0) {
        return prs_fail(PROSPER_E_LEFT_OUT, "it was taken with heap=none (--fresh starts over)");
    }
    if (meta->stdin_consumed != 0 && options->stdin_policy == PRS_STDIN_REFUSE) {
        return prs_fail(PROSPER_E_STDIN_CONSUMED, "standard input was a pipe or socket");
    }
    return compare_arguments(meta, argc, argv);
}

static char **strings(const char *text, uint32_t count)
{
    char **list = calloc((size_t)count + 1, sizeof *list);
    for (uint32_t i = 0; list != NULL && i < count; ++i) {
        list[i] = (char *)text;
        text += strlen(text) + 1;
    }
    return list;
}

int prs_resumable_command(const struct prs_meta *meta, char *path, char ***arguments, char ***environment)
{
    *arguments = strings(meta->text + meta->argv, meta->argc);
    *environment = strings(meta->text + meta->envp, meta->envc);
    strcpy(path, meta->text + meta->exec_path);
    return *arguments != NULL && *environment != NULL ? 0 : -ENOMEM;
}
