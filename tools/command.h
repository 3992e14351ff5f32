/* command.h - what the subcommands of `prosper` share: refusals, flags, text for people. */
#ifndef PRS_COMMAND_H
#define PRS_COMMAND_H

#include "error.h"
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#ifndef PROSPER_VERSION_TEXT
#define PROSPER_VERSION_TEXT "0.1.0"
#endif

#define COMMAND_REFUSED 125 /* exit status of every refusal, the runtime's too */

int command_run(int argc, char **argv);
int command_info(int argc, char **argv);
int command_verify(int argc, char **argv);
int command_stat(int argc, char **argv);
int command_unit(int argc, char **argv);
int command_profile(int argc, char **argv);
int command_options(int argc, char **argv);

/* One line on stderr, "prosper: PROSPER_E_NAME: text: detail" with prs_detail(); returns COMMAND_REFUSED. */
int command_refuse(int code);
/* The same with PROSPER_E_USAGE and a detail of the caller's. */
int command_usage(const char *format, ...) __attribute__((format(printf, 1, 2)));

enum flag_kind { FLAG_PLAIN, FLAG_VALUE, FLAG_OPTIONAL };
struct flag {
    const char *name; /* "--pool" */
    enum flag_kind kind;
    const char *value, *help; /* how the help shows them */
};

/* Takes the next flag from argv[*at]: index into flags, with *value (NULL when none was given), and *at moved on. FLAGS_END at the
 * first word that is not a flag, and behind "--"; FLAGS_BAD after a refusal was printed (an unknown flag names the nearest one). */
enum { FLAGS_END = -1, FLAGS_BAD = -2 };
int flags_next(const char *command, const struct flag *flags, unsigned count, int argc, char **argv, int *at, const char **value);
void flags_help(const struct flag *flags, unsigned count);
/* Of words, the one with the fewest letters to change. */
const char *nearest_word(const char *word, const char *const *words, unsigned count);

/* Prints text from a pool: control characters, which could steer a terminal, as '?'. */
void print_text(FILE *out, const char *text);
/* "1.5 MiB" into one of a few static buffers. */
const char *text_bytes(uint64_t bytes);
/* Millionths as "2 %", "0.5 %". */
const char *text_part(uint64_t millionths);
/* "3.2 s", "5 min" ... */
const char *text_duration(uint64_t ns);

#endif
