/* writers_services.c - stand-ins for libc's larger services: conversion of characters, patterns, trees, names of hosts, other programs (writers.def; see writers.c).
 *
 * What such a service allocates is of libc's heap, which no marks are relied upon for; what it fills of the program's is of known size.
 * Context: any of the program's; scandir, tsearch, tdelete and lsearch call back.
 */
#include "window.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <getopt.h>
#include <glob.h>
#include <iconv.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <regex.h>
#include <search.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define ONE(result, name, parameters, arguments, place) PRS_WRITES(result, name, parameters, arguments, place, sizeof *(place))

/* Where it stands is written too, and how much is left. */
PRS_EXPORTED size_t __prosper_w_iconv(iconv_t how, char **from, size_t *left, char **to, size_t *room);
size_t __prosper_w_iconv(iconv_t how, char **from, size_t *left, char **to, size_t *room)
{
    struct prs_window target, places[4];
    prs_window_open(&target, to != NULL ? *to : NULL, to != NULL && room != NULL ? *room : 0);
    void *const place[4] = {from, left, to, room};
    for (int i = 0; i < 4; ++i) {
        prs_window_open(&places[i], place[i], 8);
    }
    size_t result = iconv(how, from, left, to, room);
    for (int i = 4; i-- > 0;) {
        prs_window_close(&places[i]);
    }
    prs_window_close(&target);
    return result;
}

PRS_WRITES_NOTHING_BACK(regfree, (regex_t *expression), (expression), expression, sizeof *expression)
typedef int (*glob_error)(const char *, int);
ONE(int, glob, (const char *pattern, int flags, glob_error error, glob_t *to), (pattern, flags, error, to), to)
PRS_WRITES_NOTHING_BACK(globfree, (glob_t *to), (to), to, sizeof *to)
typedef int (*directory_filter)(const struct dirent *);
typedef int (*directory_order)(const struct dirent **, const struct dirent **);
ONE(int, scandir, (const char *path, struct dirent ***to, directory_filter filter, directory_order order), (path, to, filter, order), to)

/* Nodes are libc's. */
typedef int (*comparison)(const void *, const void *);
ONE(void *, tsearch, (const void *key, void **root, comparison compare), (key, root, compare), root)
ONE(void *, tdelete, (const void *key, void **root, comparison compare), (key, root, compare), root)
PRS_WRITES_TWO(void *, lsearch, (const void *key, void *base, size_t *count, size_t bytes, comparison compare), (key, base, count, bytes, compare), count, sizeof *count,
               (char *)base + *count * bytes, bytes)

ONE(int, getaddrinfo, (const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **to), (node, service, hints, to), to)
PRS_WRITES_TWO(int, getnameinfo, (const struct sockaddr *address, socklen_t bytes, char *to, socklen_t room, char *service, socklen_t service_room, int flags),
               (address, bytes, to, room, service, service_room, flags), to, room, service, service_room)
ONE(int, getifaddrs, (struct ifaddrs **to), (to), to)
ONE(int, inet_aton, (const char *text, struct in_addr *to), (text, to), to)

#define FILE_ACTIONS posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes, char *const arguments[], char *const environment[]
ONE(int, posix_spawn, (pid_t *to, const char *path, const FILE_ACTIONS), (to, path, actions, attributes, arguments, environment), to)
ONE(int, posix_spawnp, (pid_t *to, const char *file, const FILE_ACTIONS), (to, file, actions, attributes, arguments, environment), to)
ONE(int, posix_spawn_file_actions_init, (posix_spawn_file_actions_t *to), (to), to)
ONE(int, posix_spawn_file_actions_destroy, (posix_spawn_file_actions_t *to), (to), to)
ONE(int, posix_spawn_file_actions_addclose, (posix_spawn_file_actions_t *to, int fd), (to, fd), to)
ONE(int, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t *to, int fd, int number), (to, fd, number), to)
ONE(int, posix_spawn_file_actions_addopen, (posix_spawn_file_actions_t *to, int fd, const char *path, int flags, mode_t mode), (to, fd, path, flags, mode), to)
ONE(int, posix_spawnattr_init, (posix_spawnattr_t *to), (to), to)
ONE(int, posix_spawnattr_destroy, (posix_spawnattr_t *to), (to), to)
ONE(int, posix_spawnattr_setsigmask, (posix_spawnattr_t *to, const sigset_t *mask), (to, mask), to)
ONE(int, posix_spawnattr_setsigdefault, (posix_spawnattr_t *to, const sigset_t *set), (to, set), to)

PRS_WRITES(size_t, mbrlen, (const char *from, size_t count, mbstate_t *state), (from, count, state), state, sizeof *state)
PRS_WRITES(wchar_t *, wcsncat, (wchar_t *to, const wchar_t *from, size_t count), (to, from, count), to + wcslen(to), (wcsnlen(from, count) + 1) * sizeof *to)
PRS_WRITES(char *, gcvt, (double number, int digits, char *to), (number, digits, to), to, (digits > 0 ? (size_t)digits : 0) + 32)
ONE(int, sigorset, (sigset_t *to, const sigset_t *left, const sigset_t *right), (to, left, right), to)
ONE(int, sigandset, (sigset_t *to, const sigset_t *left, const sigset_t *right), (to, left, right), to)
