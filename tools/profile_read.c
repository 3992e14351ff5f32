/* profile_read.c - reads a profile's file, checks what it says of itself; the program may be running and counting. */
#define _GNU_SOURCE
#include "profile_read.h"
#include "error.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static int take(int fd, uint64_t offset, uint64_t bytes, void *out)
{
    for (uint64_t done = 0; done < bytes;) {
        ssize_t count = pread(fd, (char *)out + done, bytes - done, (off_t)(offset + done));
        if (count <= 0) {
            return count < 0 ? -errno : -EIO;
        }
        done += (uint64_t)count;
    }
    return 0;
}

static int take_area(int fd, const struct profile *profile, enum prs_profile_area area, void **out)
{
    uint64_t bytes = prs_profile_item(area) * profile->head->used[area];
    *out = calloc(1, bytes + 1);
    return *out == NULL ? -ENOMEM : take(fd, prs_profile_offset(area), bytes, *out);
}

static int take_all(int fd, struct profile *profile, const char *path)
{
    static const uint32_t most[PRS_AREAS] = {PRS_PROFILE_SITES, PRS_PROFILE_PAGES, PRS_PROFILE_GRANULES, PRS_PROFILE_WORDS};
    struct prs_profile *head = profile->head = calloc(1, sizeof *head);
    if (head == NULL) {
        return -ENOMEM;
    }
    if (take(fd, 0, sizeof *head, head) != 0 || head->id.magic != PRS_PROFILE_MAGIC) {
        return prs_fail(PROSPER_E_USAGE, "%s is not a profile", path);
    }
    if (head->id.version != PRS_PROFILE_VERSION || head->id.size != sizeof *head) {
        return prs_fail(PROSPER_E_VERSION, "%s is another version's profile", path);
    }
    for (unsigned area = 0; area < PRS_AREAS; area++) {
        if (head->used[area] > most[area]) {
            return prs_fail(PROSPER_E_USAGE, "%s is a damaged profile", path);
        }
    }
    head->text[PRS_PROFILE_TEXT - 1] = '\0';
    head->module_count = head->module_count < PRS_PROFILE_MODULES ? head->module_count : PRS_PROFILE_MODULES;
    for (uint32_t i = 0; i < head->module_count; i++) {
        head->modules[i].path = head->modules[i].path < PRS_PROFILE_TEXT ? head->modules[i].path : PRS_PROFILE_TEXT - 1;
    }
    int error = take_area(fd, profile, PRS_AREA_SITES, (void **)&profile->sites);
    error = error != 0 ? error : take_area(fd, profile, PRS_AREA_PAGES, (void **)&profile->pages);
    return error != 0 ? error : take_area(fd, profile, PRS_AREA_WORDS, (void **)&profile->words);
}

int profile_read(struct profile *profile, const char *path)
{
    *profile = (struct profile){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return prs_fail(-errno, "%s", path);
    }
    int error = take_all(fd, profile, path);
    close(fd);
    return error;
}

void profile_close(struct profile *profile)
{
    free(profile->head);
    free(profile->sites);
    free(profile->pages);
    free(profile->words);
    *profile = (struct profile){0};
}
