/* options.h - run-time options, from PROSPER_OPTIONS ("key=value:key=value") and `prosper run`'s flags. */
#ifndef PRS_OPTIONS_H
#define PRS_OPTIONS_H

#include <stdint.h>

#define PRS_OPTION_TEXT_MAX 256

enum prs_tracker { PRS_TRACKER_AUTO, PRS_TRACKER_MARKS, PRS_TRACKER_PAGES, PRS_TRACKER_FULL, PRS_TRACKER_COPY,
                   PRS_TRACKER_UNIT /* after parsing: auto, and stack=unit */, PRS_TRACKER_TURNS };
enum prs_stack { PRS_STACK_AUTO, PRS_STACK_COMPARE, PRS_STACK_COPY, PRS_STACK_PAGES, PRS_STACK_MPROTECT, PRS_STACK_UNIT, PRS_STACK_FLUSH, PRS_STACK_UNDO,
                 PRS_STACK_REDO, PRS_STACK_ROMULUS, PRS_STACK_SSP, PRS_STACK_WAYS };
enum prs_unit_policy_option { PRS_UNIT_POLICY_ACCUMULATE, PRS_UNIT_POLICY_LOAD };
enum prs_checksum { PRS_CHECKSUM_AUTO, PRS_CHECKSUM_PAGES };
enum prs_heap { PRS_HEAP_ALL, PRS_HEAP_NONE, PRS_HEAP_PAGES };
enum prs_flush { PRS_FLUSH_AUTO, PRS_FLUSH_ALWAYS };
enum prs_pages_kind { PRS_PAGES_AUTO, PRS_PAGES_UFFD, PRS_PAGES_SOFTDIRTY };
enum prs_durability { PRS_DURABILITY_PROCESS, PRS_DURABILITY_POWER };
enum prs_stdin_policy { PRS_STDIN_REFUSE, PRS_STDIN_NEW };
enum prs_stdio_policy { PRS_STDIO_SAME, PRS_STDIO_NEW };

struct prs_options {
#define PRS_TYPE_DURATION uint64_t
#define PRS_TYPE_INTERVAL uint64_t
#define PRS_TYPE_PART uint64_t
#define PRS_TYPE_SIZE uint64_t
#define PRS_TYPE_NUMBER uint64_t
#define PRS_TYPE_FLAG uint64_t
#define PRS_TYPE_CHOICE uint64_t
#define PRS_DECLARE_TEXT(field) char field[PRS_OPTION_TEXT_MAX];
#define PRS_DECLARE_DURATION(field) uint64_t field;
#define PRS_DECLARE_INTERVAL(field) uint64_t field;
#define PRS_DECLARE_PART(field) uint64_t field;
#define PRS_DECLARE_SIZE(field) uint64_t field;
#define PRS_DECLARE_NUMBER(field) uint64_t field;
#define PRS_DECLARE_FLAG(field) uint64_t field;
#define PRS_DECLARE_CHOICE(field) uint64_t field;
#define PRS_OPTION(kind, field, key, initial, help) PRS_DECLARE_##kind(field)
#include "options.def"
#undef PRS_OPTION
};

void prs_options_defaults(struct prs_options *options);
/* Text as in PROSPER_OPTIONS. PROSPER_E_OPTION with a detail that names the nearest key. Normal context. */
int prs_options_parse(struct prs_options *options, const char *text);
void prs_options_help(int fd);      /* the table, as text */
void prs_options_markdown(int fd);  /* the table, as docs/options.md has it */

#endif
