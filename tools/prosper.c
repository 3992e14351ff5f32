/* prosper.c - the command: picks the subcommand. */
#include "command.h"
#include "options.h"
#include <string.h>
#include <unistd.h>

static const struct command {
    const char *name, *arguments, *help;
    int (*run)(int argc, char **argv);
} commands[] = {
    {"run", "[flags] -- cmd [args]", "run a program that survives being killed; the same line again goes on where it was", command_run},
    {"info", "pool [flags]", "what a pool holds, and where its program would go on", command_info},
    {"stat", "pool [seconds [count]]", "a running program's checkpoints, line by line", command_stat},
    {"verify", "[--repair copy] pool", "check a pool without changing it", command_verify},
    {"unit", "--trace FILE [flags]", "a trace of stores through the model of the hardware unit", command_unit},
    {"profile", "file", "who made the bytes of the checkpoints (option profile)", command_profile},
    {"options", "[--markdown]", "what PROSPER_OPTIONS understands", command_options},
};
#define COMMANDS (sizeof commands / sizeof commands[0])

int command_options(int argc, char **argv)
{
    static const struct flag flags[] = {
        {"--markdown", FLAG_PLAIN, NULL, "as docs/options.md has it"},
        {"--help", FLAG_PLAIN, NULL, "this text"},
    };
    const char *value;
    bool markdown = false;
    int at = 1, flag;
    while ((flag = flags_next("prosper options", flags, 2, argc, argv, &at, &value)) >= 0) {
        if (flag == 1) {
            printf("prosper options [--markdown]\n\n");
            flags_help(flags, 2);
            return 0;
        }
        markdown = true;
    }
    if (flag == FLAGS_BAD) {
        return COMMAND_REFUSED;
    }
    if (at < argc) {
        return command_usage("prosper options takes no argument '%s'", argv[at]);
    }
    if (markdown) {
        prs_options_markdown(STDOUT_FILENO);
    } else {
        prs_options_help(STDOUT_FILENO);
    }
    return 0;
}

static int help(void)
{
    printf("prosper - programs that survive kill -9\n\n");
    for (unsigned i = 0; i < COMMANDS; i++) {
        printf("  prosper %-8s%-24s %s\n", commands[i].name, commands[i].arguments, commands[i].help);
    }
    printf("\n'prosper <command> --help' says more.\n\n"
           "A program has to be built for it once:\n"
           "  prosper-clang -O2 app.c -o app\n"
           "  prosper run --pool app.pool -- ./app     killed at any instant ...\n"
           "  prosper run --pool app.pool -- ./app     ... goes on where it was\n\n"
           "Exit status: the program's own; %d when something was refused, with a line PROSPER_E_... on stderr.\n",
           COMMAND_REFUSED);
    return 0;
}

int main(int argc, char **argv)
{
    const char *names[COMMANDS + 2] = {"--help", "--version"};
    const char *word = argc > 1 ? argv[1] : "";
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        return help();
    }
    if (strcmp(word, "--version") == 0) {
        printf("prosper %s\n", PROSPER_VERSION_TEXT);
        return 0;
    }
    for (unsigned i = 0; i < COMMANDS; i++) {
        names[i + 2] = commands[i].name;
        if (strcmp(word, commands[i].name) == 0) {
            return commands[i].run(argc - 1, argv + 1);
        }
    }
    if (argc < 2) {
        return command_usage("a command is missing: run, info, stat, verify, profile, unit or options ('prosper --help' says more)");
    }
    const char *nearest = nearest_word(word, names, COMMANDS + 2);
    return command_usage("there is no command '%s'; the nearest is '%s' ('prosper --help' lists them)", word, nearest);
}
