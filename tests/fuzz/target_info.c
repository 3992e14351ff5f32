/* target_info.c - fuzz target `info`: any bytes as a file that `prosper info` is asked about, in every form of the answer, with the backtrace.
 * The JSON must be one line of brackets that close, and no byte in any answer may steer a terminal. */
#include "../../tools/info.c"
#include "target.h"

static void check_text(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        target_must((c >= 32 && c != 127) || c == '\n', "a control character in the answer");
    }
}

static void check_json(const char *text, size_t length)
{
    bool quoted = false;
    int depth = 0;
    check_text(text, length);
    for (size_t i = 0; i < length; i++) {
        if (quoted && text[i] == '\\') {
            i++;
        } else if (text[i] == '"') {
            quoted = !quoted;
        } else if (!quoted) {
            depth += (text[i] == '{' || text[i] == '[') - (text[i] == '}' || text[i] == ']');
            target_must(text[i] != '\n' || (depth == 0 && i + 1 == length), "JSON of several lines");
        }
    }
    target_must(!quoted && depth == 0, "JSON that does not end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct info info;
    struct image_bytes bytes;
    size_t length;
    if (!sparse_decode(data, size, &bytes)) {
        return 0;
    }
    (void)target_arena();
    info = (struct info){.path = sparse_file(&bytes)};
    if (take(&info) == 0) {
        target_catch_output();
        info_print_text(&info, true);
        const char *text = target_output(&length);
        check_text(text, length);
        target_catch_output();
        info_print_json(&info, true);
        text = target_output(&length);
        check_json(text, length);
    }
    image_close(&info.image);
    return 0;
}
