/* symbolizer.c - one run of llvm-symbolizer for all addresses: questions in one file, answers in another, so nothing can block.
 *
 * An answer is lines up to an empty one. Code: pairs "function", "file:line:column". Data: "name", "start size", "file:line". "??" stands for what is not known.
 */
#define _GNU_SOURCE
#include "symbolizer.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char *line(char **text)
{
    char *start = *text, *end = strchr(start, '\n');
    if (end == NULL) {
        *text = start + strlen(start);
    } else {
        *end = '\0';
        *text = end + 1;
    }
    return start;
}

/* "file:line:column", "file:line": the line stays. */
static void cut_column(char *place, bool column)
{
    char *colon = strrchr(place, ':');
    if (column && colon != NULL) {
        *colon = '\0';
        colon = strrchr(place, ':');
    }
    if (place[0] == '?' || colon == NULL || strcmp(colon, ":0") == 0 || strcmp(colon, ":?") == 0) {
        place[0] = '\0';
    }
}

void symbolizer_parse(struct source_query *query, char **text)
{
    query->count = 0;
    while (**text != '\0') {
        char *first = line(text);
        if (first[0] == '\0') {
            break;
        }
        if (**text == '\0' || **text == '\n') {
            continue; /* a function without a place: cut off */
        }
        char *second = line(text);
        if (query->data) {
            second = **text != '\n' && **text != '\0' ? line(text) : second + strlen(second);
        }
        cut_column(second, !query->data);
        bool nothing = first[0] == '?' && second[0] == '\0';
        if (!nothing && query->count < SYMBOLIZER_INLINED) {
            query->place[query->count++] = (struct source_place){first, second};
        }
    }
}

static bool run(int in, int out)
{
    static char *const words[] = {"llvm-symbolizer", "--output-style=LLVM", "--inlines", "--demangle", NULL};
    pid_t child = fork();
    if (child == 0) {
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
        dup2(in, 0);
        dup2(out, 1);
        dup2(null, 2);
        unsetenv("DEBUGINFOD_URLS"); /* a profile is no reason to ask a network */
        execvp("llvm-symbolizer-19", words);
        execvp("llvm-symbolizer", words);
        _exit(127);
    }
    int status = -1;
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static char *whole(FILE *file)
{
    if (fseek(file, 0, SEEK_END) != 0) {
        return NULL;
    }
    long size = ftell(file);
    char *text = size >= 0 ? malloc((size_t)size + 1) : NULL;
    if (text != NULL) {
        rewind(file);
        text[fread(text, 1, (size_t)size, file)] = '\0';
    }
    return text;
}

bool symbolizer_ask(struct source_query *queries, uint64_t count)
{
    FILE *in = tmpfile(), *out = tmpfile();
    char *text = NULL;
    if (in != NULL && out != NULL) {
        for (uint64_t i = 0; i < count; i++) {
            fprintf(in, "%s \"%s\" 0x%lx\n", queries[i].data ? "DATA" : "CODE", queries[i].object, queries[i].address);
        }
        rewind(in);
        fflush(in);
        if (run(fileno(in), fileno(out))) {
            text = whole(out);
        }
    }
    if (in != NULL) {
        fclose(in);
    }
    if (out != NULL) {
        fclose(out);
    }
    if (text == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < count; i++) {
        symbolizer_parse(&queries[i], &text);
    }
    return true;
}
