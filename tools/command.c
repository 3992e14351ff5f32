/* command.c - refusals, flags and text for people. Ordinary process, single-threaded. */
#include "command.h"
#include <stdarg.h>
#include <string.h>

#define NAME_MAX_LETTERS 62u

int command_refuse(int code)
{
    const char *detail = prs_detail();
    fflush(stdout);
    fprintf(stderr, "prosper: %s: %s%s", prs_error_name(code), prs_error_text(code), detail[0] != '\0' ? ": " : "");
    print_text(stderr, detail);
    putc('\n', stderr);
    return COMMAND_REFUSED;
}

int command_usage(const char *format, ...)
{
    char detail[PRS_DETAIL_MAX];
    va_list list;
    va_start(list, format);
    vsnprintf(detail, sizeof detail, format, list);
    va_end(list);
    return command_refuse(prs_fail(PROSPER_E_USAGE, "%s", detail));
}

/* Letters to insert, delete or replace; words longer than the table are cut. */
static unsigned distance(const char *a, const char *b)
{
    unsigned row[NAME_MAX_LETTERS + 1];
    unsigned length_a = (unsigned)strnlen(a, NAME_MAX_LETTERS), length_b = (unsigned)strnlen(b, NAME_MAX_LETTERS);
    for (unsigned j = 0; j <= length_b; j++) {
        row[j] = j;
    }
    for (unsigned i = 1; i <= length_a; i++) {
        unsigned corner = row[0]; /* the cell up and left */
        row[0] = i;
        for (unsigned j = 1; j <= length_b; j++) {
            unsigned replace = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            unsigned shift = 1 + (row[j] < row[j - 1] ? row[j] : row[j - 1]);
            row[j] = replace < shift ? replace : shift;
        }
    }
    return row[length_b];
}

const char *nearest_word(const char *word, const char *const *words, unsigned count)
{
    const char *best = words[0];
    for (unsigned i = 1; i < count; i++) {
        if (distance(word, words[i]) < distance(word, best)) {
            best = words[i];
        }
    }
    return best;
}

static int unknown_flag(const char *command, const struct flag *flags, unsigned count, const char *word)
{
    const char *names[32];
    char name[NAME_MAX_LETTERS + 1];
    for (unsigned i = 0; i < count && i < 32; i++) {
        names[i] = flags[i].name;
    }
    snprintf(name, sizeof name, "%.*s", (int)strcspn(word, "="), word);
    const char *nearest = nearest_word(name, names, count);
    command_usage("%s has no flag '%s'; the nearest is '%s' ('%s --help' lists them)", command, name, nearest, command);
    return FLAGS_BAD;
}

int flags_next(const char *command, const struct flag *flags, unsigned count, int argc, char **argv, int *at, const char **value)
{
    *value = NULL;
    if (*at >= argc || argv[*at][0] != '-' || argv[*at][1] == '\0') {
        return FLAGS_END;
    }
    const char *word = argv[(*at)++];
    if (strcmp(word, "--") == 0) {
        return FLAGS_END;
    }
    size_t length = strcspn(word, "=");
    for (unsigned i = 0; i < count; i++) {
        if (strlen(flags[i].name) != length || strncmp(flags[i].name, word, length) != 0) {
            continue;
        }
        *value = word[length] == '=' ? word + length + 1 : NULL;
        if (flags[i].kind == FLAG_PLAIN && *value != NULL) {
            command_usage("%s takes no value", flags[i].name);
            return FLAGS_BAD;
        }
        if (flags[i].kind == FLAG_VALUE && *value == NULL) {
            if (*at >= argc) {
                command_usage("%s needs a value (%s)", flags[i].name, flags[i].value);
                return FLAGS_BAD;
            }
            *value = argv[(*at)++];
        }
        return (int)i;
    }
    return unknown_flag(command, flags, count, word);
}

void flags_help(const struct flag *flags, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        char left[80];
        const char *value = flags[i].value;
        switch (flags[i].kind) {
        case FLAG_PLAIN:
            snprintf(left, sizeof left, "%s", flags[i].name);
            break;
        case FLAG_VALUE:
            snprintf(left, sizeof left, "%s %s", flags[i].name, value);
            break;
        case FLAG_OPTIONAL:
            snprintf(left, sizeof left, "%s[=%s]", flags[i].name, value);
            break;
        }
        printf("  %-20s %s\n", left, flags[i].help);
    }
}

void print_text(FILE *out, const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        putc(c < 32 || c == 127 ? '?' : c, out);
    }
}

static char *text_buffer(void)
{
    static char buffers[8][32];
    static unsigned next;
    return buffers[next++ % 8];
}

const char *text_bytes(uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    char *buffer = text_buffer();
    double value = (double)bytes;
    unsigned unit = 0;
    while (value >= 1024 && unit < 4) {
        value /= 1024;
        unit++;
    }
    snprintf(buffer, 32, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return buffer;
}

const char *text_duration(uint64_t ns)
{
    char *buffer = text_buffer();
    double seconds = (double)ns / 1e9;
    if (seconds < 1) {
        snprintf(buffer, 32, "%.0f ms", seconds * 1e3);
    } else if (seconds < 120) {
        snprintf(buffer, 32, "%.1f s", seconds);
    } else if (seconds < 7200) {
        snprintf(buffer, 32, "%.0f min", seconds / 60);
    } else if (seconds < 172800) {
        snprintf(buffer, 32, "%.1f hours", seconds / 3600);
    } else {
        snprintf(buffer, 32, "%.0f days", seconds / 86400);
    }
    return buffer;
}

const char *text_part(uint64_t millionths)
{
    char *buffer = text_buffer();
    snprintf(buffer, 32, "%g %%", (double)millionths / 1e4);
    return buffer;
}
