/* Names made, moved and removed for two seconds. Every call must succeed however often the program is killed in between, and the tree that is left, as well
 * as what the program saw on the way, is the same each time. */
#include "check.h"
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static uint64_t digest = 14695981039346656037u;
static void mix(const char *text, long value)
{
    for (; *text != '\0'; ++text) {
        digest = (digest ^ (unsigned char)*text) * 1099511628211u;
    }
    digest = (digest ^ (uint64_t)value) * 1099511628211u;
}

static void write_file(const char *name, int flags, mode_t mode, int number)
{
    int fd = open(name, O_WRONLY | O_CREAT | flags, mode);
    CHECK(fd >= 0);
    char line[64];
    int length = snprintf(line, sizeof line, "%s number %d\n", name, number);
    CHECK_EQUAL(write(fd, line, (size_t)length), length);
    CHECK_EQUAL(close(fd), 0);
}

static long size_of(const char *name)
{
    struct stat status;
    return lstat(name, &status) == 0 ? (long)status.st_size : -1;
}

static void round_of(int number)
{
    char dir[64], name[96], other[96];
    snprintf(dir, sizeof dir, "tree/d%d", number % 7);
    /* What stands here is as the program left it. */
    CHECK_EQUAL(access(dir, F_OK), number < 7 ? -1 : 0);
    if (number < 7) {
        CHECK_EQUAL(mkdir(dir, 0755), 0);
    }
    snprintf(name, sizeof name, "%s/new", dir);
    CHECK_EQUAL(size_of(name), -1);
    write_file(name, O_EXCL, number % 2 ? 0444 : 0644, number);
    CHECK(size_of(name) > 0);
    int fd = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
    CHECK(fd == -1 && errno == EEXIST);

    snprintf(other, sizeof other, "%s/kept", dir);
    CHECK_EQUAL(size_of(other) == -1, number < 7);
    CHECK_EQUAL(rename(name, other), 0);
    CHECK_EQUAL(size_of(name), -1);
    CHECK_EQUAL(link(other, name), 0);
    CHECK_EQUAL(unlink(name), 0);
    CHECK(unlink(name) == -1 && errno == ENOENT);
    CHECK_EQUAL(symlink("kept", name), 0);
    CHECK(symlink("kept", name) == -1 && errno == EEXIST);
    CHECK_EQUAL(size_of(name), 4);
    CHECK_EQUAL(remove(name), 0);

    /* Written under another name while it is open, and moved. */
    snprintf(name, sizeof name, "%s/open", dir);
    FILE *stream = fopen(name, number < 7 ? "wx" : "w");
    CHECK(stream != NULL);
    fprintf(stream, "first %d\n", number);
    fflush(stream);
    snprintf(other, sizeof other, "%s/moved", dir);
    CHECK_EQUAL(rename(name, other), 0);
    fprintf(stream, "second %d\n", number);
    CHECK_EQUAL(fclose(stream), 0);
    if (number % 3 == 0) {
        CHECK_EQUAL(rename(other, name), 0);
    }

    snprintf(name, sizeof name, "%s/sub", dir);
    CHECK_EQUAL(mkdir(name, 0700), 0);
    CHECK(mkdir(name, 0700) == -1 && errno == EEXIST);
    snprintf(other, sizeof other, "%s/sub/temporary.XXXXXX", dir);
    fd = mkstemp(other);
    CHECK(fd >= 0);
    CHECK_EQUAL(close(fd), 0);
    CHECK(rmdir(name) == -1 && errno == ENOTEMPTY);
    CHECK_EQUAL(unlink(other), 0);
    CHECK_EQUAL(rmdir(name), 0);
    snprintf(name, sizeof name, "%s/fifo", dir);
    CHECK_EQUAL(mkfifo(name, 0600), 0);
    CHECK_EQUAL(unlink(name), 0);
    mix(dir, number);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void walk(const char *dir)
{
    struct dirent **entries = NULL;
    int count = scandir(dir, &entries, NULL, by_name);
    for (int i = 0; i < count; ++i) {
        char path[512];
        if (entries[i]->d_name[0] != '.') {
            snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name);
            mix(path, size_of(path) * (entries[i]->d_type != DT_DIR));
            if (entries[i]->d_type == DT_DIR) {
                walk(path);
            } else {
                char text[256] = "";
                FILE *stream = fopen(path, "r");
                while (stream != NULL && fgets(text, sizeof text, stream) != NULL) {
                    mix(text, 0);
                }
                fclose(stream);
            }
        }
        free(entries[i]);
    }
    free(entries);
}

int main(void)
{
    CHECK_EQUAL(mkdir("tree", 0755), 0);
    for (int number = 0; number < 120; ++number) {
        round_of(number);
        (void)check_spin(0.012);
    }
    walk("tree");
    printf("digest %016llx\n", (unsigned long long)digest);
    return check_end("names");
}
