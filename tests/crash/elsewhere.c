/* elsewhere.c - a library to preload: fstatfs says that every file is on NFS. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/vfs.h>

int fstatfs(int fd, struct statfs *status)
{
    int (*next)(int, struct statfs *) = (int (*)(int, struct statfs *))dlsym(RTLD_NEXT, "fstatfs");
    int result = next(fd, status);
    status->f_type = 0x6969;
    return result;
}
