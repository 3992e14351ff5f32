/* error.h - error codes and the detail that goes with them.
 * Functions return 0 or a negative code: -1 ... -4095 is -errno, PROSPER_E_* from -5000 (errors.def). */
#ifndef PRS_ERROR_H
#define PRS_ERROR_H

enum prs_error_code {
#define PRS_ERROR(name, number, text) PROSPER_E_##name = number,
#include "errors.def"
#undef PRS_ERROR
};

#define PRS_DETAIL_MAX 512
#define PRS_REFUSED 125 /* exit status of a start that is refused */

/* Detail of the last failure, in words ("file X, expected A, found B"). Plain static buffer: the runtime fails in one place at a time. */
int prs_fail(int code, const char *format, ...) __attribute__((format(printf, 2, 3))); /* stores the detail, returns code; normal context only */
const char *prs_detail(void);               /* never NULL */
const char *prs_error_name(int code);       /* "PROSPER_E_DAMAGED", or "ENOENT"-like text for -errno */
const char *prs_error_text(int code);

#endif
