/* program_find.c - which file a command is, and whether it has the runtime in it. A program without would run, be killed, and begin
 * again from the start: that is told beforehand. */
#include "program_find.h"
#include "command.h"
#include "elf_file.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <prosper/abi.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int program_find(const char *name, char *out)
{
    if (strchr(name, '/') != NULL) {
        snprintf(out, PATH_MAX, "%s", name);
    } else {
        const char *path = getenv("PATH");
        out[0] = '\0';
        for (const char *at = path != NULL ? path : "/usr/bin:/bin"; out[0] == '\0'; at += strcspn(at, ":") + 1) {
            int length = (int)strcspn(at, ":");
            struct stat status;
            snprintf(out, PATH_MAX, "%.*s%s%s", length, at, length > 0 ? "/" : "./", name);
            if (access(out, X_OK) != 0 || stat(out, &status) != 0 || !S_ISREG(status.st_mode)) {
                out[0] = '\0';
            }
            if (at[length] == '\0') {
                break;
            }
        }
    }
    if (out[0] == '\0' || access(out, F_OK) != 0) {
        command_usage("there is no program '%s'", name);
        return PROGRAM_NOT_FOUND;
    }
    if (access(out, X_OK) != 0) {
        command_usage("%s cannot be executed (%s)", out, strerror(errno));
        return PROGRAM_NOT_EXECUTABLE;
    }
    return 0;
}

static int check_content(const char *path, const uint8_t *bytes, uint64_t size)
{
    struct elf_file elf;
    if (size >= 2 && memcmp(bytes, "#!", 2) == 0) {
        return command_usage("%s is a script; name its interpreter, built with prosper-clang, as the command", path);
    }
    if (!elf_open(&elf, bytes, size)) {
        return command_usage("%s is not an x86-64 program", path);
    }
    if (elf_needs(&elf, "libprosper.so") || elf_defines(&elf, PRS_NAME_VERSION) || elf_defines(&elf, "prosper_checkpoint")) {
        return 0;
    }
    return command_usage("%s is not built with prosper-clang, so it would run without persistence", path);
}

int program_check(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) != 0) {
        if (fd >= 0) {
            close(fd);
        }
        return 0; /* may be executed but not read: then the runtime, if there is one, will do */
    }
    if (!S_ISREG(status.st_mode) || status.st_size == 0) {
        close(fd);
        return command_usage("%s is not a program", path);
    }
    void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    close(fd);
    if (map == MAP_FAILED) {
        return command_refuse(prs_fail(-errno, "%s cannot be read", path));
    }
    int result = check_content(path, map, (uint64_t)status.st_size);
    munmap(map, (size_t)status.st_size);
    return result;
}
