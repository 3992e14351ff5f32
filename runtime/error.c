/* error.c - names and texts of the error codes, and the detail of the last failure. Normal context (start, tools). */
#include "error.h"
#include "log.h"
#include <string.h>

static char detail[PRS_DETAIL_MAX];

int prs_fail(int code, const char *format, ...)
{
    __builtin_va_list args;
    __builtin_va_start(args, format);
    prs_vformat(detail, sizeof detail, format, args);
    __builtin_va_end(args);
    return code;
}

const char *prs_detail(void) { return detail; }

const char *prs_error_name(int code)
{
    switch (code) {
#define PRS_ERROR(name, number, text) \
    case number: return "PROSPER_E_" #name;
#include "errors.def"
#undef PRS_ERROR
    default: break;
    }
    const char *name = code < 0 && code > -4096 ? strerrorname_np(-code) : NULL;
    return name != NULL ? name : "PROSPER_E_INTERNAL";
}

const char *prs_error_text(int code)
{
    switch (code) {
#define PRS_ERROR(name, number, text) \
    case number: return text;
#include "errors.def"
#undef PRS_ERROR
    default: break;
    }
    const char *text = code < 0 && code > -4096 ? strerrordesc_np(-code) : NULL;
    return text != NULL ? text : "unknown error";
}
