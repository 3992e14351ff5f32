/* json.c - JSON on a stream. Bytes that are not UTF-8 (paths may hold any) become \u00XX, so the output is valid in every case. */
#include "json.h"
#include <string.h>

/* Length of the well-formed UTF-8 sequence at text, 0 if there is none. */
static unsigned sequence(const unsigned char *text)
{
    unsigned char first = text[0];
    unsigned length = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
    for (unsigned i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    bool bad = (text[0] == 0xE0 && text[1] < 0xA0) || (text[0] == 0xED && text[1] > 0x9F) || (text[0] == 0xF0 && text[1] < 0x90) ||
               (text[0] == 0xF4 && text[1] > 0x8F);
    return bad ? 0 : length;
}

static void quoted(FILE *out, const char *value)
{
    const unsigned char *text = (const unsigned char *)value;
    putc('"', out);
    while (*text != '\0') {
        unsigned length = sequence(text);
        if (length == 0 || *text < 32 || *text == 127) {
            fprintf(out, "\\u%04x", *text++);
        } else if (*text == '"' || *text == '\\') {
            fprintf(out, "\\%c", *text++);
        } else {
            fwrite(text, 1, length, out);
            text += length;
        }
    }
    putc('"', out);
}

static void key_of(struct json *json, const char *key)
{
    if (json->comma) {
        putc(',', json->out);
    }
    json->comma = true;
    if (key != NULL) {
        quoted(json->out, key);
        putc(':', json->out);
    }
}

void json_open(struct json *json, const char *key, char bracket)
{
    key_of(json, key);
    putc(bracket, json->out);
    json->comma = false;
}

void json_close(struct json *json, char bracket)
{
    putc(bracket, json->out);
    json->comma = true;
}

void json_text(struct json *json, const char *key, const char *value)
{
    key_of(json, key);
    if (value == NULL) {
        fputs("null", json->out);
    } else {
        quoted(json->out, value);
    }
}

void json_number(struct json *json, const char *key, uint64_t value)
{
    key_of(json, key);
    fprintf(json->out, "%lu", value);
}

void json_hex(struct json *json, const char *key, uint64_t value)
{
    key_of(json, key);
    fprintf(json->out, "\"0x%lx\"", value);
}

void json_flag(struct json *json, const char *key, bool value)
{
    key_of(json, key);
    fputs(value ? "true" : "false", json->out);
}
