/* json.h - JSON on a stream: commas and quoting, nothing else. */
#ifndef PRS_JSON_H
#define PRS_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
    FILE *out;
    bool comma; /* something stands before in this object or array */
};

/* key: NULL within arrays. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *key, const char *value); /* NULL: null */
void json_number(struct json *json, const char *key, uint64_t value);
void json_hex(struct json *json, const char *key, uint64_t value); /* as a string: JSON numbers end at 2^53 */
void json_flag(struct json *json, const char *key, bool value);

#endif
