/* victim_things.c - what cannot be restored yet, one of each. Exit status 77 where this system does not give it. */
#define _GNU_SOURCE
#include "victim_things.h"
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/filter.h>
#include <linux/io_uring.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void *in_thread(void *argument)
{
    usleep(1000);
    return argument;
}

static void must(int result)
{
    if (result < 0) {
        perror("victim");
        exit(9);
    }
}

static void start_thread(void)
{
    pthread_t handle;
    if (pthread_create(&handle, NULL, in_thread, NULL) != 0 || pthread_join(handle, NULL) != 0)
        exit(9);
}

static void open_pipe(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        exit(9);
}

static void open_socket(void) { must(socket(AF_UNIX, SOCK_STREAM, 0)); }
static void open_epoll(void) { must(epoll_create1(0)); }
static void open_eventfd(void) { must(eventfd(0, 0)); }
static void open_inotify(void) { must(inotify_init()); }
static void open_terminal(void) { must(posix_openpt(O_RDWR | O_NOCTTY)); }
static void open_deleted(void)
{
    must(open("deleted", O_RDWR | O_CREAT, 0600));
    must(unlink("deleted"));
}

static void share_memory(void)
{
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
        exit(9);
}

static void map_file_shared(void)
{
    int fd = open("mapped", O_RDWR | O_CREAT, 0600);
    must(fd);
    must(ftruncate(fd, 4096));
    if (mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED)
        exit(9);
    close(fd);
}

static void attach_segment(void)
{
    int id = shmget(IPC_PRIVATE, 4096, IPC_CREAT | 0600);
    must(id);
    if (shmat(id, NULL, 0) == (void *)-1)
        exit(9);
    must(shmctl(id, IPC_RMID, NULL));
}

static void make_timer(void)
{
    timer_t timer;
    struct sigevent event = {.sigev_notify = SIGEV_NONE};
    must(timer_create(CLOCK_MONOTONIC, &event, &timer));
}

static void open_ring(void)
{
    struct io_uring_params parameters;
    memset(&parameters, 0, sizeof parameters);
    if (syscall(SYS_io_uring_setup, 4, &parameters) < 0)
        exit(77);
}

static void set_up_asynchronous(void)
{
    aio_context_t context = 0;
    if (syscall(SYS_io_setup, 4, &context) < 0)
        exit(77);
}

static void filter_calls(void)
{
    struct sock_filter allow = {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW};
    struct sock_fprog program = {1, &allow};
    must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void change_root(void)
{
    if (chroot("/") != 0)
        exit(77);
}

static void change_namespace(void)
{
    if (unshare(CLONE_NEWUTS) != 0)
        exit(77);
}

static void change_user(void)
{
    if (seteuid(65534) != 0)
        exit(77);
}

static const struct {
    const char *name;
    void (*get)(void);
} things[] = {
    {"thread", start_thread},     {"pipe", open_pipe},           {"socket", open_socket},         {"epoll", open_epoll},     {"eventfd", open_eventfd},
    {"inotify", open_inotify},    {"terminal", open_terminal},   {"deleted", open_deleted},       {"shared", share_memory},  {"file", map_file_shared},
    {"segment", attach_segment},  {"timer", make_timer},         {"io_uring", open_ring},         {"aio", set_up_asynchronous}, {"filter", filter_calls},
    {"root", change_root},        {"namespace", change_namespace}, {"credentials", change_user},
};

void get_thing(const char *name)
{
    for (unsigned i = 0; i < sizeof things / sizeof things[0]; i++)
        if (strcmp(things[i].name, name) == 0) {
            things[i].get();
            return;
        }
    exit(2);
}
