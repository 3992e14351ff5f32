/* unit_cmd.c - `prosper unit`: a trace of stores through the software model of Prosper's hardware unit.
 *
 * Exit status 0; 1: the result could not be written; 125: bad command line, or no trace that can be read to its end.
 */
#include "command.h"
#include "unit_report.h"
#include <string.h>

enum { TRACE, GRANULARITY, INTERVAL, ENTRIES, HWM, LWM, POLICY, REPLACE, BELOW, PARTIAL, JSON, HELP, FLAGS };
static const struct flag flags[FLAGS] = {
    [TRACE] = {"--trace", FLAG_VALUE, "FILE", "the trace: Prosper's own format or NemOS's, as it is or compressed by xz"},
    [GRANULARITY] = {"--granularity", FLAG_VALUE, "G", "bytes of a granule: a power of two, 8 to 4096 (8)"},
    [INTERVAL] = {"--interval-ms", FLAG_VALUE, "T", "length of an interval; 0: the whole trace is one (0)"},
    [ENTRIES] = {"--entries", FLAG_VALUE, "N", "entries of the table, 1 to 64 (16)"},
    [HWM] = {"--hwm", FLAG_VALUE, "H", "high watermark, 1 to 32 granules (24)"},
    [LWM] = {"--lwm", FLAG_VALUE, "L", "low watermark, 0 to 32 granules (8)"},
    [POLICY] = {"--policy", FLAG_VALUE, "P", "accumulate-and-apply (what the original does) or load-and-update"},
    [REPLACE] = {"--replace", FLAG_VALUE, "R", "which entry leaves a full table without a low one: oldest, or newest (oldest)"},
    [BELOW] = {"--below", FLAG_VALUE, "B", "granules below the stack pointer at the end of an interval: drop or keep (drop)"},
    [PARTIAL] = {"--partial", FLAG_PLAIN, NULL, "a truncated trace counts as far as it goes"},
    [JSON] = {"--json", FLAG_PLAIN, NULL, "one JSON object, with a list of the intervals"},
    [HELP] = {"--help", FLAG_PLAIN, NULL, "this text"},
};

static bool number(int flag, const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;
    bool good = *text != '\0';
    for (; *text >= '0' && *text <= '9' && sum <= max; text++) {
        sum = sum * 10 + (uint64_t)(*text - '0');
    }
    if (!good || *text != '\0' || sum < min || sum > max) {
        command_usage("%s takes a number from %lu to %lu", flags[flag].name, min, max);
        return false;
    }
    *value = sum;
    return true;
}

static bool word(int flag, const char *text, const char *const names[2], bool *second)
{
    *second = strcmp(text, names[1]) == 0;
    if (!*second && strcmp(text, names[0]) != 0) {
        command_usage("%s takes %s or %s, not '%s'", flags[flag].name, names[0], names[1], text);
        return false;
    }
    return true;
}

static bool take_flag(int flag, const char *text, struct replay_options *options)
{
    uint64_t value = 0;
    bool second = false, good = true;
    switch (flag) {
    case TRACE:
        options->path = text;
        return true;
    case GRANULARITY:
        good = number(flag, text, 8, 4096, &value);
        if (good && (value & (value - 1)) != 0) {
            command_usage("%s takes a power of two, not %lu", flags[flag].name, value);
            return false;
        }
        options->granularity = (uint32_t)value;
        return good;
    case INTERVAL:
        good = number(flag, text, 0, UINT32_MAX, &value);
        options->interval_ns = value * 1000000;
        return good;
    case ENTRIES:
        good = number(flag, text, 1, PRS_UNIT_ENTRIES_MAX, &value);
        options->table.entries = (uint32_t)value;
        return good;
    case HWM:
        good = number(flag, text, 1, PRS_UNIT_WORD_BITS, &value);
        options->table.high = (uint32_t)value;
        return good;
    case LWM:
        good = number(flag, text, 0, PRS_UNIT_WORD_BITS, &value);
        options->table.low = (uint32_t)value;
        return good;
    case POLICY:
        good = word(flag, text, unit_policies, &second);
        options->table.policy = second ? PRS_UNIT_LOAD : PRS_UNIT_ACCUMULATE;
        return good;
    case REPLACE:
        good = word(flag, text, unit_replacements, &second);
        options->table.replace = second ? PRS_UNIT_NEWEST : PRS_UNIT_OLDEST;
        return good;
    case BELOW:
        good = word(flag, text, unit_belows, &second);
        options->below = second ? PRS_UNIT_KEEP : PRS_UNIT_DROP;
        return good;
    default:
        options->partial = true;
        return true;
    }
}

static int help(void)
{
    printf("prosper unit --trace FILE [flags]\n\n"
           "Sends the stores of a trace through a software model of Prosper's hardware unit, and says which granules of\n"
           "the stack were dirty, and what the unit's table did. Exit status: 0, or %d when something was refused.\n\n",
        COMMAND_REFUSED);
    flags_help(flags, FLAGS);
    return 0;
}

int command_unit(int argc, char **argv)
{
    struct replay_options options = {.granularity = 8, .table = prs_unit_original};
    struct replay_result result;
    const char *value;
    bool json = false;
    int at = 1, flag;
    while ((flag = flags_next("prosper unit", flags, FLAGS, argc, argv, &at, &value)) >= 0) {
        if (flag == HELP) {
            return help();
        }
        if (flag == JSON) {
            json = true;
        } else if (!take_flag(flag, value, &options)) {
            return COMMAND_REFUSED;
        }
    }
    if (flag == FLAGS_BAD) {
        return COMMAND_REFUSED;
    }
    if (at < argc) {
        return command_usage("prosper unit takes no argument '%s'", argv[at]);
    }
    if (options.path == NULL) {
        return command_usage("prosper unit needs --trace FILE");
    }
    int error = replay(&options, &result);
    if (error != 0) {
        return command_refuse(error);
    }
    if (json) {
        unit_report_json(&options, &result);
    } else {
        unit_report_text(&options, &result);
    }
    replay_free(&result);
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}
