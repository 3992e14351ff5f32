/* prosper-clang.c - clang with the pass and the runtime: a drop-in for CC and CXX.
 *
 *   prosper-clang, prosper-clang++    by the name it is called by; [--prosper-track=stack|all|stores] [--prosper-report]; everything else is clang's
 *
 * --prosper-track=stack (the default): nothing in the program is marked: the stack is compared, the heap goes by pages. all: every store that may reach the
 * heap is marked. stores: as stack, and a call tells each store (prosper run --trace).
 *
 * What is added depends on what the command does:
 *   compiles                 -fpass-plugin=…/ProsperPass.so, loaded once more with -load so that cc1 knows the pass's own options
 *   links                    -L… -rpath -lprosper, in front: libprosper's functions must come first in symbol lookup
 *   links C++ in mode all    -lprosper_cxx, too: libstdc++'s functions with marks. Not with another C++ library, or none
 *   links with -flto         lld and --load-pass-plugin= too; the pass then runs in the link (its options are in the bitcode)
 *   neither (-E, -M, --version, -print-…, no input)    nothing
 * A link that takes in code which the pass has not seen (prosper-clang-inputs.c) gets one more object, uncovered.o, whose note says so.
 * INVARIANT: additions stand between --start-no-unused-arguments and its end, so that -Werror never meets one of them.
 * Plugin and runtime are found in ../lib beside this program. PROSPER_CC and PROSPER_CXX name other compilers.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* vasprintf */
#endif
#include "prosper-clang-inputs.h"
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef PROSPER_CLANG
#define PROSPER_CLANG "clang-19"
#define PROSPER_CLANGXX "clang++-19"
#endif
#define RESPONSE_DEPTH_MAX 10

struct list {
    char **at;
    size_t count;
};

struct command {
    bool informs;      /* prints something about the compiler and ends */
    bool no_link;      /* stops before the linker */
    bool no_code;      /* stops before code is generated */
    bool relocatable;  /* -r */
    bool is_static;
    bool lto;
    bool cxx_library; /* links libprosper_cxx: C++ in mode all, with libstdc++ */
    bool has_input;
    bool has_code;     /* an input that is no header: headers alone are precompiled */
    const char *language; /* of the last -x */
    const char *linker; /* of the last -fuse-ld= */
    const char *track;
    bool report;
    struct list words; /* response files expanded */
};

static void refuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
static void refuse(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("prosper-clang: PROSPER_E_USAGE: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void add(struct list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct list *list, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    list->at = realloc(list->at, (list->count + 2) * sizeof *list->at);
    if (list->at == NULL || vasprintf(&list->at[list->count], format, arguments) < 0) {
        refuse("out of memory");
    }
    list->at[++list->count] = NULL;
    va_end(arguments);
}

static bool starts_with(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static bool is_one_of(const char *text, const char *const *list)
{
    for (; *list != NULL; ++list) {
        if (strcmp(text, *list) == 0) {
            return true;
        }
    }
    return false;
}

/* Options whose value is the next argument, so that it is not taken for an input file. */
static const char *const with_value[] = {
    "-o", "-x", "-I", "-L", "-D", "-U", "-l", "-B", "-F", "-T", "-u", "-z", "-e", "-include", "-imacros", "-isystem", "-iquote", "-idirafter", "-isysroot",
    "-iprefix", "-iwithprefix", "-iwithprefixbefore", "-cxx-isystem", "-include-pch", "-Xlinker", "-Xclang", "-Xassembler", "-Xpreprocessor", "-Xanalyzer",
    "-mllvm", "-MF", "-MT", "-MQ", "-MJ", "-arch", "-target", "--target", "--param", "-resource-dir", "--sysroot", "--config", "-rpath", "-soname",
    "-working-directory", "-fplugin", "-wrapper", "-dumpdir", NULL};
static const char *const informing[] = {"--version", "-dumpversion", "-dumpmachine", "-dumpspecs", "--help", "-help", "--autocomplete", "-cc1", "-cc1as", NULL};
static const char *const without_link[] = {"-c", "-S", "--precompile", "-emit-ast", NULL};
static const char *const tracks[] = {"stack", "all", "stores", NULL};
static const char *const without_code[] = {"-E", "-M", "-MM", "-fsyntax-only", "--analyze", "-rewrite-objc", NULL};

static bool is_header(const struct command *command, const char *path)
{
    static const char *const endings[] = {".h", ".hh", ".hp", ".hpp", ".hxx", ".h++", ".H", ".HPP", NULL};
    if (command->language != NULL && strcmp(command->language, "none") != 0) {
        return strstr(command->language, "-header") != NULL;
    }
    const char *dot = strrchr(path, '.');
    return dot != NULL && is_one_of(dot, endings);
}

static void take_input(struct command *command, const char *path)
{
    command->has_input = true;
    command->has_code |= !is_header(command, path);
}

static void scan(struct command *command, char *const *arguments, int depth);

/* The words of a response file, as clang reads them: white space separates, quotes and backslashes protect. */
static void scan_response(struct command *command, const char *path, int depth)
{
    FILE *file = depth < RESPONSE_DEPTH_MAX ? fopen(path, "r") : NULL;
    if (file == NULL) { /* clang says what is wrong; a file that really is called @name is an input */
        take_input(command, path);
        return;
    }
    char **words = NULL, *text = NULL;
    size_t count = 0, size = 0;
    ssize_t length = getdelim(&text, &size, EOF, file);
    fclose(file);
    for (char *at = text; length > 0 && *at != '\0';) {
        at += strspn(at, " \t\r\n\f\v");
        char *word = at, *to = at, quote = '\0';
        for (; *at != '\0' && (quote != '\0' || strchr(" \t\r\n\f\v", *at) == NULL); ++at) {
            if (*at == quote) {
                quote = '\0';
            } else if (quote == '\0' && (*at == '"' || *at == '\'')) {
                quote = *at;
            } else {
                at += *at == '\\' && quote != '\'' && at[1] != '\0';
                *to++ = *at;
            }
        }
        at += *at != '\0';
        *to = '\0';
        if (to > word) {
            words = realloc(words, (count + 2) * sizeof *words);
            if (words == NULL) {
                refuse("out of memory");
            }
            words[count++] = word;
            words[count] = NULL;
        }
    }
    if (words != NULL) {
        scan(command, words, depth + 1);
    }
    free(words); /* text stays: the command points into it */
}

static void scan(struct command *command, char *const *arguments, int depth)
{
    for (; *arguments != NULL; ++arguments) {
        const char *argument = *arguments;
        if (argument[0] != '@') {
            add(&command->words, "%s", argument);
        }
        if (argument[0] == '@' && argument[1] != '\0') {
            scan_response(command, argument + 1, depth);
        } else if (argument[0] != '-' || argument[1] == '\0') {
            take_input(command, argument);
        } else if (strcmp(argument, "-x") == 0 && arguments[1] != NULL) {
            command->language = *++arguments;
            add(&command->words, "%s", *arguments);
        } else if (starts_with(argument, "-x")) {
            command->language = argument + 2;
        } else if (is_one_of(argument, with_value)) {
            if (arguments[1] != NULL) {
                add(&command->words, "%s", *++arguments);
            }
        } else if (is_one_of(argument, informing) || starts_with(argument, "-print-") || starts_with(argument, "--print-")) {
            command->informs = true;
        } else if (is_one_of(argument, without_link)) {
            command->no_link = true;
        } else if (is_one_of(argument, without_code)) {
            command->no_code = true;
        } else if (strcmp(argument, "-r") == 0) {
            command->relocatable = true;
        } else if (strcmp(argument, "-static") == 0 || strcmp(argument, "--static") == 0 || strcmp(argument, "-static-pie") == 0) {
            command->is_static = true;
        } else if (strcmp(argument, "-fno-lto") == 0) {
            command->lto = false;
        } else if (strcmp(argument, "-flto") == 0 || starts_with(argument, "-flto=")) {
            command->lto = true;
        } else if (starts_with(argument, "-fuse-ld=")) {
            command->linker = argument + strlen("-fuse-ld=");
        }
    }
}

/* Does the compiler for C++ add libstdc++ to the link? */
static bool links_libstdcxx(const struct list *words)
{
    static const char *const others[] = {"-nostdlib", "-nostdlib++", "-nodefaultlibs", "-stdlib=libc++", "-static-libstdc++", NULL};
    for (size_t i = 0; i < words->count; ++i) {
        if (is_one_of(words->at[i], others)) {
            return false;
        }
    }
    return true;
}

static void find_library_directory(char *path)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (length <= 0) {
        refuse("/proc/self/exe cannot be read: %s", strerror(errno));
    }
    path[length] = '\0';
    for (int i = 0; i < 2; ++i) {
        char *slash = strrchr(path, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    if (strlen(path) + sizeof "/lib/ProsperPass.so" > PATH_MAX) {
        refuse("the path of this program is too long");
    }
    strcat(path, "/lib");
}

static bool is_lld(const char *linker)
{
    const char *slash = strrchr(linker, '/');
    return starts_with(slash != NULL ? slash + 1 : linker, "lld") || starts_with(slash != NULL ? slash + 1 : linker, "ld.lld");
}

static void add_to_cc1(struct list *list, const char *option, const char *before, const char *after)
{
    add(list, "-Xclang");
    add(list, "%s", option);
    add(list, "-Xclang");
    add(list, "%s%s", before, after);
}

static void add_compiling(struct list *list, const char *libraries, const struct command *command)
{
    add(list, "-fpass-plugin=%s/ProsperPass.so", libraries);
    add_to_cc1(list, "-load", libraries, "/ProsperPass.so");
    add_to_cc1(list, "-mllvm", "-prosper-track=", command->track);
    if (command->report) {
        add_to_cc1(list, "-mllvm", "-prosper-report", "");
    }
}

static void add_linking(struct list *list, const char *libraries, const struct command *command)
{
    bool lld = command->linker != NULL && is_lld(command->linker);
    if (command->lto && command->linker != NULL && !lld) {
        refuse("with -flto the pass runs in the link, which needs lld; -fuse-ld=%s cannot", command->linker);
    }
    if (command->lto && command->linker == NULL) {
        add(list, "-fuse-ld=lld");
    }
    if (command->lto || lld) {
        add(list, "-Wl,--load-pass-plugin=%s/ProsperPass.so", libraries);
    }
    if (!command->relocatable) {
        add(list, "-L%s", libraries);
        add(list, "-Wl,-rpath,%s", libraries);
        add(list, "-Wl,--push-state,--no-as-needed");
        add(list, "-lprosper");
        if (command->cxx_library) {
            add(list, "-lprosper_cxx");
        }
        add(list, "-Wl,--pop-state");
    }
}

int main(int argc, char **argv)
{
    struct command command = {.track = "stack"};
    struct list rest = {0}, list = {0};
    const char *slash = strrchr(argv[0], '/');
    const char *name = slash != NULL ? slash + 1 : argv[0];
    bool plus_plus = strstr(name, "++") != NULL;
    const char *compiler = getenv(plus_plus ? "PROSPER_CXX" : "PROSPER_CC");
    if (compiler == NULL || *compiler == '\0') {
        compiler = plus_plus ? PROSPER_CLANGXX : PROSPER_CLANG;
    }

    for (int i = 1; i < argc; ++i) {
        if (starts_with(argv[i], "--prosper-track=")) {
            command.track = argv[i] + strlen("--prosper-track=");
        } else if (strcmp(argv[i], "--prosper-report") == 0) {
            command.report = true;
        } else {
            add(&rest, "%s", argv[i]);
        }
    }
    if (!is_one_of(command.track, tracks)) {
        refuse("--prosper-track=%s: stack, all or stores", command.track);
    }
    if (rest.count > 0) {
        scan(&command, rest.at, 0);
    }
    add(&list, "%s", compiler);
    bool works = command.has_input && !command.informs && !command.no_code;
    bool links = works && !command.no_link && command.has_code;
    if (links && command.is_static) {
        refuse("-static: a persistent program must be linked dynamically (libprosper puts itself in front of libc)");
    }
    bool uncovered = false;
    char libraries[PATH_MAX + sizeof "/lib"];
    if (works) {
        find_library_directory(libraries);
        add(&list, "--start-no-unused-arguments");
        add_compiling(&list, libraries, &command);
        if (links) {
            command.cxx_library = plus_plus && strcmp(command.track, "all") == 0 && links_libstdcxx(&command.words);
            add_linking(&list, libraries, &command);
            struct link_inputs inputs = link_inputs_look(command.words.at, command.words.count);
            uncovered = inputs.foreign && (inputs.marked || strcmp(command.track, "all") == 0);
        }
        add(&list, "--end-no-unused-arguments");
    }
    for (size_t i = 0; i < rest.count; ++i) {
        add(&list, "%s", rest.at[i]);
    }
    if (uncovered) {
        add(&list, "-Wl,%s/prosper-uncovered.o", libraries);
    }
    execvp(compiler, list.at);
    refuse("%s: %s", compiler, strerror(errno));
}
