/* convert.c - turns a CSV file into a file of JSON objects, one a line.
 *
 * Usage: convert INPUT.csv OUTPUT.json      (the first line names the fields; "quoted, ""fields""" are understood)
 *
 * How far it has come is known only to the kernel and to stdio: the offset of the input, the length of the output, and what is in the
 * buffers between. Rebuilt with prosper-clang it can be killed at any moment, and no line is lost or written twice.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIELDS_MAX = 64 };

static void die(const char *what)
{
    fprintf(stderr, "convert: %s: %s\n", what, strerror(errno));
    exit(1);
}

/* Splits a line in place; returns the number of fields. */
static int split(char *line, char **fields)
{
    int count = 0;
    char *read = line;

    while (count < FIELDS_MAX) {
        bool quoted = *read == '"';
        char *write = read;
        fields[count++] = write;
        read += quoted;
        for (; *read != '\0' && *read != '\n' && *read != '\r'; read++) {
            if (quoted && read[0] == '"' && read[1] == '"') {
                read++;
            } else if (quoted && read[0] == '"') {
                quoted = false;
                continue;
            } else if (!quoted && *read == ',') {
                break;
            }
            *write++ = *read;
        }
        bool more = *read == ',';
        *write = '\0';
        if (!more)
            break;
        read++;
    }
    return count;
}

static bool is_number(const char *text)
{
    char *end;
    if (strspn(text, "-0123456789.eE+") != strlen(text) || *text == '\0' || *text == '+' || *text == '.')
        return false;
    if (text[0] == '0' && text[1] >= '0' && text[1] <= '9')
        return false;
    strtod(text, &end);
    return *end == '\0' && end[-1] != '.';
}

static void write_text(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else if ((unsigned char)*text < ' ')
            fprintf(out, "\\u%04x", (unsigned)*text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

int main(int argc, char **argv)
{
    char *names[FIELDS_MAX];
    char *fields[FIELDS_MAX];
    char *header = NULL;
    char *line = NULL;
    size_t header_capacity = 0;
    size_t line_capacity = 0;
    long lines = 0;

    if (argc != 3) {
        fprintf(stderr, "usage: %s INPUT.csv OUTPUT.json\n", argv[0]);
        return 2;
    }
    FILE *in = fopen(argv[1], "r");
    if (in == NULL)
        die(argv[1]);
    FILE *out = fopen(argv[2], "w");
    if (out == NULL)
        die(argv[2]);
    if (getline(&header, &header_capacity, in) < 0) {
        fprintf(stderr, "convert: %s is empty\n", argv[1]);
        return 1;
    }
    int name_count = split(header, names);
    while (getline(&line, &line_capacity, in) >= 0) {
        int count = split(line, fields);
        fputc('{', out);
        for (int i = 0; i < count && i < name_count; i++) {
            fputs(i == 0 ? "" : ", ", out);
            write_text(out, names[i]);
            fputs(": ", out);
            if (is_number(fields[i]))
                fputs(fields[i], out);
            else
                write_text(out, fields[i]);
        }
        fputs("}\n", out);
        lines++;
    }
    free(header);
    free(line);
    if (ferror(in) != 0)
        die(argv[1]);
    fclose(in);
    if (fclose(out) != 0)
        die(argv[2]);
    printf("%ld lines converted\n", lines);
    return 0;
}
