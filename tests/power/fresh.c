/* fresh.c - of every so many states (--fresh N) one is written to a file and opened by a process of its own, with the store as it is shipped and not as it is recorded here
 * (process/power_reader.c): what that reads has to be what was read here.
 */
#include "power.h"
#include "process/digest.h"
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

uint64_t fresh_every, fresh_opened;
static char reader[4096], path[4096];

void fresh_begin(const char *program)
{
    const char *slash = strrchr(program, '/');
    int length = slash == NULL ? 0 : (int)(slash - program) + 1;
    const char *directory = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp";
    snprintf(reader, sizeof reader, "%.*spower_reader", length, program);
    snprintf(path, sizeof path, "%s/power-state-%d", directory, (int)getpid());
}

static void write_state(void)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        fail("%s: %s", path, strerror(errno));
    }
    for (uint64_t at = 0; at < pool_length;) {
        ssize_t count = write(fd, image.bytes + at, pool_length - at);
        if (count <= 0) {
            unlink(path);
            fail("%s: %s", path, strerror(errno));
        }
        at += (uint64_t)count;
    }
    close(fd);
}

/* What the process says. */
static void ask(char answer[2 * DIGEST_BYTES])
{
    extern char **environ;
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    char *arguments[] = {reader, path, by_pages ? (char *)"1" : (char *)"0", NULL};
    if (pipe2(ends, O_CLOEXEC) != 0) {
        fail("pipe: %s", strerror(errno));
    }
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    int error = posix_spawn(&pid, reader, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (error != 0) {
        unlink(path);
        fail("%s: %s", reader, strerror(error));
    }
    size_t have = 0;
    for (ssize_t count; (count = read(ends[0], answer + have, 2 * DIGEST_BYTES - 1 - have)) > 0;) {
        have += (size_t)count;
    }
    answer[have] = '\0';
    close(ends[0]);
    int status;
    waitpid(pid, &status, 0);
    unlink(path);
    if (status != 0) {
        fail("a process of its own ends with status %x: %s", (unsigned)status, answer);
    }
}

void fresh_open(char said[DIGEST_BYTES])
{
    char answer[2 * DIGEST_BYTES];
    write_state();
    ask(answer);
    answer[strcspn(answer, "\n")] = '\0';
    snprintf(said, DIGEST_BYTES, "%s", answer);
    ++fresh_opened;
}

void fresh_compare(const char said[DIGEST_BYTES], bool refused)
{
    char here[DIGEST_BYTES] = "refused";
    if (!refused) {
        digest_of(&image.store, here);
    }
    if (strcmp(said, here) != 0) {
        fail("a process of its own reads: %s; and not: %s", said, here);
    }
}
