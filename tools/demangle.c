/* demangle.c - the C++ library's own demangler, when it is there; the command itself is C. */
#define _GNU_SOURCE
#include "demangle.h"
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void demangle(char *name, size_t size)
{
    typedef char *demangler(const char *, char *, size_t *, int *);
    static demangler *function;
    static bool tried;
    if (!tried) {
        void *library = dlopen("libstdc++.so.6", RTLD_LAZY);
        void *found = library != NULL ? dlsym(library, "__cxa_demangle") : NULL;
        memcpy(&function, &found, sizeof function);
        tried = true;
    }
    int status = -1;
    char *readable = function != NULL && strncmp(name, "_Z", 2) == 0 ? function(name, NULL, NULL, &status) : NULL;
    if (readable != NULL && status == 0) {
        strncpy(name, readable, size - 1);
        name[size - 1] = '\0';
    }
    free(readable);
}

/* Behind "operator" its own brackets are no template's and no arguments'. */
static size_t operator_length(const char *at)
{
    static const char *const words[] = {"operator()", "operator<<=", "operator>>=", "operator<=>", "operator->*", "operator<<", "operator>>", "operator<=",
                                        "operator>=", "operator->", "operator<", "operator>"};
    for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strncmp(at, words[i], strlen(words[i])) == 0) {
            return strlen(words[i]);
        }
    }
    return 0;
}

void function_name(const char *readable, char *out, size_t size)
{
    static const char anonymous[] = "(anonymous namespace)";
    size_t used = 0;
    int depth = 0;
    for (const char *at = readable; *at != '\0'; at++) {
        size_t whole = strncmp(at, anonymous, sizeof anonymous - 1) == 0 ? sizeof anonymous - 1 : operator_length(at);
        if (whole != 0) {
            for (size_t i = 0; i < whole && depth == 0 && used < size - 1; i++) {
                out[used++] = at[i];
            }
            at += whole - 1;
        } else if (*at == '<') {
            depth++;
        } else if (*at == '>') {
            depth -= depth > 0;
        } else if (depth > 0 || (*at == ' ' && at[1] == '<')) { /* operator< <int> */
        } else if (*at == '(' && used > 0) {
            break;
        } else if (*at == ' ' && (used < 8 || strncmp(out + used - 8, "operator", 8) != 0)) {
            used = 0; /* what stood before was the type of the result */
        } else if (used < size - 1) {
            out[used++] = *at;
        }
    }
    out[used] = '\0';
}
