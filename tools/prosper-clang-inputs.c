/* prosper-clang-inputs.c - looks through what is linked for code without a note of the pass.
 *
 * The runtime relies on marks where each object has notes, and an object (a program, a library) has them as soon as one of its modules has. Assembly and archives that were
 * compiled otherwise would go unnoticed, and what they store as well. So the link looks: an object file without the note, an archive with one such
 * member, a source in assembly. The doubt is resolved against the marks: an archive counts whole, although the linker takes few of its members.
 * What the compiler adds by itself (crt1.o, libgcc, compiler-rt, libc_nonshared) is known: it stores into its own data and its arguments' results.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* memmem */
#endif
#include "prosper-clang-inputs.h"
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOTE ".note.prosper"
#define HEADER 60 /* of a member: name 16, date 12, ids 12, mode 8, size 10, end 2 */

static void look_at_object(struct link_inputs *inputs, const char *bytes, size_t length)
{
    static const char bitcode[] = "BC\xC0\xDE", wrapped[] = "\xDE\xC0\x17\x0B";
    if (length > 18 && memcmp(bytes, "\177ELF", 4) == 0 && bytes[16] == 3) {
        return; /* a shared library: the runtime looks at it */
    }
    if (length >= 4 && (memcmp(bytes, bitcode, 4) == 0 || memcmp(bytes, wrapped, 4) == 0)) {
        return; /* the pass runs in the link */
    }
    bool noted = memmem(bytes, length, NOTE, sizeof NOTE) != NULL;
    inputs->marked |= noted;
    inputs->foreign |= !noted;
}

static void look_at_archive(struct link_inputs *inputs, const char *bytes, size_t length)
{
    for (size_t at = 8; at + HEADER <= length;) {
        char digits[11] = "";
        memcpy(digits, bytes + at + 48, 10);
        size_t size = strtoul(digits, NULL, 10), start = at + HEADER;
        if (size > length - start) {
            inputs->foreign = true;
            return;
        }
        if (bytes[at] != '/' || isdigit((unsigned char)bytes[at + 1])) { /* not the symbols or the long names */
            look_at_object(inputs, bytes + start, size);
        }
        at = start + size + size % 2;
    }
}

static bool look_at_file(struct link_inputs *inputs, const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return false;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 8) {
        size_t length = (size_t)status.st_size;
        const char *bytes = mmap(NULL, length, PROT_READ, MAP_PRIVATE, fd, 0);
        if (bytes == MAP_FAILED) {
            inputs->foreign = true;
        } else {
            if (memcmp(bytes, "!<arch>\n", 8) == 0) {
                look_at_archive(inputs, bytes, length);
            } else if (memcmp(bytes, "!<thin>\n", 8) == 0) {
                inputs->foreign = true;
            } else if (memcmp(bytes, "\177ELF", 4) == 0) {
                look_at_object(inputs, bytes, length);
            } /* else a linker script: what it names are the system's */
            munmap((void *)(size_t)bytes, length);
        }
    }
    close(fd);
    return true;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text), tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

/* Parts of libc 2.34 and later: empty. */
static bool is_libcs(const char *name)
{
    static const char *const names[] = {"c", "m", "pthread", "dl", "rt", "util", "anl", "prosper", "prosper_cxx"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
        if (strcmp(name, names[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool look_in(struct link_inputs *inputs, const char *directory, const char *name, bool archives)
{
    char path[4096];
    struct stat status;
    if (name[0] == ':') {
        snprintf(path, sizeof path, "%s/%s", directory, name + 1);
        return look_at_file(inputs, path);
    }
    snprintf(path, sizeof path, "%s/lib%s.so", directory, name);
    if (!archives && stat(path, &status) == 0) {
        return true;
    }
    snprintf(path, sizeof path, "%s/lib%s.a", directory, name);
    return look_at_file(inputs, path);
}

static void look_at_library(struct link_inputs *inputs, char *const *words, size_t count, const char *name, bool archives)
{
    static const char *const standard[] = {"/usr/local/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/usr/local/lib", "/lib", "/usr/lib"};
    if (is_libcs(name)) {
        return;
    }
    for (size_t i = 0; i < count; ++i) {
        bool apart = strcmp(words[i], "-L") == 0 && i + 1 < count;
        if (strncmp(words[i], "-L", 2) == 0 && look_in(inputs, apart ? words[i + 1] : words[i] + 2, name, archives)) {
            return;
        }
    }
    for (size_t i = 0; i < sizeof standard / sizeof standard[0]; ++i) {
        if (look_in(inputs, standard[i], name, archives)) {
            return;
        }
    }
}

struct link_inputs link_inputs_look(char *const *words, size_t count)
{
    struct link_inputs inputs = {false, false};
    bool archives = false;
    for (size_t i = 0; i < count; ++i) {
        archives |= strstr(words[i], "-Bstatic") != NULL || strcmp(words[i], "-static-libstdc++") == 0;
        inputs.foreign |= strcmp(words[i], "-static-libstdc++") == 0 || strncmp(words[i], "-xassembler", 11) == 0 ||
                          (strcmp(words[i], "-x") == 0 && i + 1 < count && strncmp(words[i + 1], "assembler", 9) == 0);
    }
    for (size_t i = 0; i < count; ++i) {
        const char *word = words[i];
        if (strncmp(word, "-l", 2) == 0) {
            const char *name = word[2] != '\0' ? word + 2 : i + 1 < count ? words[i + 1] : "";
            look_at_library(&inputs, words, count, name, archives);
        } else if (word[0] != '-') {
            inputs.foreign |= ends_with(word, ".s") || ends_with(word, ".S") || ends_with(word, ".sx");
            if (ends_with(word, ".o") || ends_with(word, ".a") || ends_with(word, ".lo") || ends_with(word, ".obj")) {
                look_at_file(&inputs, word);
            }
        } else if (strncmp(word, "-Wl,", 4) == 0 && (strstr(word, ".a") != NULL || strstr(word, ".o") != NULL)) {
            char *copy = strdup(word + 4);
            for (char *rest = copy, *part; copy != NULL && (part = strsep(&rest, ",")) != NULL;) {
                look_at_file(&inputs, part);
            }
            free(copy);
        }
    }
    return inputs;
}
