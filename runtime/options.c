/* options.c - one table (options.def) gives the struct, the defaults, the parser, the help and the document.
 *
 * Parsing runs in the constructor, before main, in normal context. A wrong key or value is an error and names the nearest key. */
#include "options.h"
#include "error.h"
#include "interval.h"
#include "log.h"
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

enum kind { KIND_DURATION, KIND_INTERVAL, KIND_PART, KIND_SIZE, KIND_NUMBER, KIND_FLAG, KIND_CHOICE, KIND_TEXT };

struct entry {
    enum kind kind;
    const char *key, *initial, *help;
    size_t offset;
};

static const struct entry table[] = {
#define PRS_OPTION(kind, field, key, initial, help) {KIND_##kind, key, initial, help, offsetof(struct prs_options, field)},
#include "options.def"
#undef PRS_OPTION
};

#define ENTRIES (sizeof table / sizeof table[0])

struct suffix {
    const char *text;
    uint64_t factor;
};

static const struct suffix durations[] = {{"ns", 1}, {"us", 1000}, {"ms", 1000000}, {"s", 1000000000}, {"m", 60000000000}, {"", 1000000}, {NULL, 0}};
static const struct suffix sizes[] = {{"", 1}, {"K", 1ul << 10}, {"M", 1ul << 20}, {"G", 1ul << 30}, {"T", 1ul << 40}, {NULL, 0}};
static const struct suffix plain[] = {{"", 1}, {NULL, 0}};

static int parse_number(const char *text, const struct suffix *suffixes, uint64_t *out)
{
    uint64_t value = 0;
    const char *c = text;
    for (; *c >= '0' && *c <= '9'; ++c) {
        if (value > (UINT64_MAX - 9) / 10) {
            return -1;
        }
        value = value * 10 + (uint64_t)(*c - '0');
    }
    if (c == text) {
        return -1;
    }
    for (; suffixes->text != NULL; ++suffixes) {
        if (strcmp(c, suffixes->text) == 0) {
            return __builtin_mul_overflow(value, suffixes->factor, out) ? -1 : 0;
        }
    }
    return -1;
}

/* "2%", "0.5%": millionths; no more than four digits behind the point. */
static int parse_part(const char *text, uint64_t *out)
{
    uint64_t value = 0, unit = PRS_BUDGET_ALL / 100;
    const char *c = text;
    bool point = false, digit = false;
    for (; (*c >= '0' && *c <= '9') || (*c == '.' && digit && !point); ++c) {
        if (*c == '.') {
            point = true;
            continue;
        }
        digit = true;
        unit /= point ? 10 : 1;
        value = point ? value + (uint64_t)(*c - '0') * unit : value * 10 + (uint64_t)(*c - '0') * unit;
        if (unit == 0 || value > PRS_BUDGET_ALL) {
            return -1;
        }
    }
    *out = value;
    return digit && c[-1] != '.' && strcmp(c, "%") == 0 ? 0 : -1;
}

/* The words of a CHOICE stand at the end of its help text as "a|b|c"; the value is the position. */
static int parse_choice(const char *help, const char *text, uint64_t *out)
{
    size_t length = strlen(text);
    for (const char *bar = strchr(help, '|'); bar != NULL; bar = NULL) {
        const char *word = bar;
        while (word > help && word[-1] != ' ') {
            --word;
        }
        for (uint64_t index = 0;; ++index) {
            size_t size = strcspn(word, "| (");
            if (size == length && strncmp(word, text, size) == 0) {
                *out = index;
                return 0;
            }
            bar = strchr(word, '|');
            if (bar == NULL) {
                return -1;
            }
            word = bar + 1;
        }
    }
    return -1;
}

static int set(struct prs_options *options, const struct entry *entry, const char *value)
{
    void *field = (char *)options + entry->offset;
    uint64_t number = 0;
    int bad = 0;
    switch (entry->kind) {
    case KIND_TEXT:
        if (strlen(value) >= PRS_OPTION_TEXT_MAX) {
            return prs_fail(PROSPER_E_OPTION, "%s is too long", entry->key);
        }
        strcpy(field, value);
        return 0;
    case KIND_DURATION: bad = parse_number(value, durations, &number); break;
    case KIND_INTERVAL:
        if (strcmp(value, "auto") == 0) {
            number = PRS_INTERVAL_AUTO;
        } else {
            bad = parse_number(value, durations, &number) != 0 || number == PRS_INTERVAL_AUTO;
        }
        break;
    case KIND_PART: bad = parse_part(value, &number) != 0 || number < PRS_BUDGET_MIN || number > PRS_BUDGET_MAX; break;
    case KIND_SIZE: bad = parse_number(value, sizes, &number); break;
    case KIND_NUMBER: bad = parse_number(value, plain, &number); break;
    case KIND_FLAG:
        bad = parse_number(value, plain, &number) != 0 || number > 1;
        break;
    case KIND_CHOICE: bad = parse_choice(entry->help, value, &number); break;
    }
    if (bad != 0) {
        return prs_fail(PROSPER_E_OPTION, "%s=%s is not understood (%s)", entry->key, value, entry->help);
    }
    memcpy(field, &number, sizeof number);
    return 0;
}

static unsigned distance(const char *a, const char *b)
{
    unsigned row[64];
    size_t lb = strlen(b) < 63 ? strlen(b) : 63;
    for (unsigned j = 0; j <= lb; ++j) {
        row[j] = j;
    }
    for (unsigned i = 1; a[i - 1] != '\0'; ++i) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= lb; ++j) {
            unsigned replaced = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            unsigned shorter = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            row[j] = replaced < shorter ? replaced : shorter;
        }
    }
    return row[lb];
}

static int unknown(const char *key)
{
    const struct entry *nearest = &table[0];
    for (size_t i = 1; i < ENTRIES; ++i) {
        if (distance(key, table[i].key) < distance(key, nearest->key)) {
            nearest = &table[i];
        }
    }
    return prs_fail(PROSPER_E_OPTION, "there is no option '%s'; the nearest is '%s' (help=1 lists them)", key, nearest->key);
}

void prs_options_defaults(struct prs_options *options)
{
    memset(options, 0, sizeof *options);
    for (size_t i = 0; i < ENTRIES; ++i) {
        PRS_ASSERT((table[i].kind == KIND_PART && table[i].initial[0] == '\0') || set(options, &table[i], table[i].initial) == 0);
    }
}

static int check(const struct prs_options *options)
{
    if (options->interval_ns < 1000000) {
        return prs_fail(PROSPER_E_OPTION, "interval must be 1ms or more");
    }
    if (options->budget != 0 && options->interval_ns != PRS_INTERVAL_AUTO) {
        return prs_fail(PROSPER_E_OPTION, "budget= is for interval=auto, and the interval is fixed");
    }
    if (options->granularity == 0 || options->granularity > 4096 || (options->granularity & (options->granularity - 1)) != 0) {
        return prs_fail(PROSPER_E_OPTION, "granularity must be a power of two from 1 to 4096");
    }
    if (options->checksum == PRS_CHECKSUM_PAGES && options->stack >= PRS_STACK_FLUSH && options->stack <= PRS_STACK_ROMULUS) {
        return prs_fail(PROSPER_E_OPTION, "checksum=pages: with this stack= the stack has an image of its own, which has no checksum");
    }
    return 0;
}

int prs_options_parse(struct prs_options *options, const char *text)
{
    while (*text != '\0') {
        char pair[PRS_OPTION_TEXT_MAX + 64];
        size_t length = strcspn(text, ":");
        if (length >= sizeof pair) {
            return prs_fail(PROSPER_E_OPTION, "an option is too long");
        }
        memcpy(pair, text, length);
        pair[length] = '\0';
        text += length + (text[length] == ':');
        if (length == 0) {
            continue;
        }
        char *equals = strchr(pair, '=');
        if (equals == NULL) {
            return prs_fail(PROSPER_E_OPTION, "'%s' is not key=value", pair);
        }
        *equals = '\0';
        const struct entry *entry = NULL;
        for (size_t i = 0; i < ENTRIES && entry == NULL; ++i) {
            entry = strcmp(table[i].key, pair) == 0 ? &table[i] : NULL;
        }
        int error = entry == NULL ? unknown(pair) : set(options, entry, equals + 1);
        if (error != 0) {
            return error;
        }
    }
    if (options->tracker == PRS_TRACKER_UNIT) {
        if (options->stack != PRS_STACK_AUTO && options->stack != PRS_STACK_UNIT) {
            return prs_fail(PROSPER_E_OPTION, "tracker=unit is stack=unit, and another stack= is given");
        }
        options->tracker = PRS_TRACKER_AUTO;
        options->stack = PRS_STACK_UNIT;
    }
    return check(options);
}

static void print(int fd, const char *row, const char *a, const char *b, const char *c)
{
    char line[512];
    unsigned long length = prs_format(line, sizeof line, row, a, b, c);
    if (write(fd, line, length) < 0) {
        return;
    }
}

void prs_options_help(int fd)
{
    print(fd, "PROSPER_OPTIONS=\"key=value:key=value\"%s%s%s\n", "", "", "");
    for (size_t i = 0; i < ENTRIES; ++i) {
        char key[64];
        prs_format(key, sizeof key, "  %s=%s                              ", table[i].key, table[i].initial);
        key[26] = '\0';
        print(fd, "%s %s%s\n", key, table[i].help, "");
    }
}

void prs_options_markdown(int fd)
{
    print(fd, "# Options\n\nGenerated from `runtime/options.def` by `prosper options --markdown`.%s%s%s\n\n", "", "", "");
    print(fd, "| key | default | meaning |\n| --- | --- | --- |\n%s%s%s", "", "", "");
    for (size_t i = 0; i < ENTRIES; ++i) {
        char help[256];
        size_t out = 0;
        for (const char *c = table[i].help; *c != '\0' && out < sizeof help - 2; ++c) {
            if (*c == '|') {
                help[out++] = '\\';
            }
            help[out++] = *c;
        }
        help[out] = '\0';
        print(fd, "| `%s` | %s | %s |\n", table[i].key, table[i].initial[0] != '\0' ? table[i].initial : "(none)", help);
    }
}
