/* services.c - functions of the C library that write into the program's heap, one after another. Before each, its buffers are cleared and their marks grow old; what it writes
 * must have marks of its own. Built with -D_FORTIFY_SOURCE=2, too, which calls others of the same kind. Prints what came out. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <dirent.h>
#include <err.h>
#include <fcntl.h>
#include <getopt.h>
#include <glob.h>
#include <iconv.h>
#include <poll.h>
#include <prosper/prosper.h>
#include <regex.h>
#include <search.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <syslog.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

extern char **environ;

/* All on the heap. */
struct memory {
    char text[8192], more[8192];
    wchar_t wide[512], wide_more[512];
    char *pointer;
    const void *root;
    size_t left, room;
    char *from, *to;
    int count, other;
    pid_t pid;
    mbstate_t state;
    struct pollfd poll;
    sigset_t set, one, two;
    regex_t expression;
    glob_t names;
    struct dirent **entries;
    struct in_addr address;
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int numbers[16];
    char path[64];
    struct timespec rest;
};

static struct memory *m;
static size_t size; /* not known to the compiler, so that the room is checked when the program runs */
static FILE *file;
static int fd;
static const char *source = "a line of thirty-two characters\n";

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }
static int by_text(const void *a, const void *b) { return strcmp(a, b); }
static int no_dots(const struct dirent *entry) { return entry->d_name[0] != '.'; }

/* The program ends by errx. */
static void last(void)
{
    if (prosper_checkpoint() != 0)
        abort();
}

static void print_all(const char *format, ...)
{
    char *text = NULL;
    va_list list;
    va_start(list, format);
    m->count = vasprintf(&text, format, list);
    va_end(list);
    m->pointer = text;
    va_start(list, format);
    vdprintf(fd, format, list);
    va_end(list);
    va_start(list, format);
    vfprintf(file, format, list);
    va_end(list);
}

/* %n names a place; with -D_FORTIFY_SOURCE=2 only in a format that cannot be written. */
static void printing(void) { fprintf(file, "%d%n\n", 12345, &m->count); }
/* Long enough for checkpoints before libc allocates in it, and after. */
static void printing_long(void)
{
    FILE *away = fopen("/dev/null", "w");
    fprintf(away, "%*d%.100000f%*d%n", 150000000, 1, 0.5, 150000000, 2, &m->count);
    fclose(away);
}
static void printing_to_many(void)
{
    fprintf(file, "%n%d%n%d%n%n%n", &m->numbers[0], 1, &m->other, 2, (int *)m->more, (int *)m->text, &m->count);
}
/* The same as %zn. */
static void printing_sizes(void) { print_all("%d%Zn\n", 1, (size_t *)m->path); }
static void printing_more(void) { dprintf(fd, "%s%n", "text", &m->other); }
static void printing_allocated(void) { m->count = asprintf(&m->pointer, "%d%n", 77, &m->other); }
static void printing_lists(void) { print_all("%d %s\n", 5, "five"); }
static void warning(void) { warnx("%s%n", "nothing is wrong", &m->count); }
static void logging(void) { syslog(LOG_DEBUG, "%s%n", "services", &m->other), closelog(); }
static void reading_unlocked(void) { rewind(file), m->left = fread_unlocked(m->text, 1, size, file); }
static void reading_line(void) { rewind(file), m->from = fgets_unlocked(m->text, (int)size, file); }
static void polling(void) { m->poll = (struct pollfd){fd, POLLIN, 0}, m->count = poll(&m->poll, size / size, 0); }
static void names_of_links(void) { m->left = (size_t)readlink("/proc/self/cwd", m->text, size); }
static void names_of_links_at(void) { m->left = (size_t)readlinkat(AT_FDCWD, "/proc/self/exe", m->more, size); }
static void names_of_directories(void) { m->pointer = getcwd(m->text, size), m->from = realpath("/usr/../usr/./bin", m->more); }
static void configuration(void) { m->left = confstr(_CS_PATH, m->text, size); }
static void name_of_host(void) { m->count = gethostname(m->text, size); }
static void clearing(void) { memset(m->text, 7, 100), explicit_bzero(m->text, size / 100); }
static void wide_copies(void)
{
    wmemset(m->wide, L'w', size / 64);
    wmemcpy(m->wide_more, L"copied text", size / 512);
    wmemmove(m->wide + 200, m->wide, size / 64);
    wcscpy(m->wide_more + 100, L"a string");
    wcscat(m->wide_more + 100, L" and more");
    wcsncpy(m->wide_more + 200, L"part of it", size / 1024);
    wcsncat(m->wide_more + 300, L"part of this", size / 1024);
}
static void wide_conversions(void)
{
    mbstowcs(m->wide, source, size / 64);
    wcstombs(m->text, L"to bytes", size / 64);
    m->count = wctomb(m->more, L'x');
    m->left = wcrtomb(m->more + 100, L'y', &m->state);
    m->room = mbrlen("z", 1, &m->state);
}
static void unlimited(void)
{
    const char *from = source;
    const wchar_t *wide_from = L"to bytes";
    memset(&m->state, 0, sizeof m->state);
    m->left = mbstowcs(m->wide, source, SIZE_MAX);
    m->room = wcstombs(m->text, L"to bytes", SIZE_MAX);
    mbsrtowcs(m->wide_more, &from, SIZE_MAX, &m->state);
    wcsrtombs(m->more, &wide_from, SIZE_MAX, &m->state);
    m->pointer = memccpy(m->more + 4096, source, '-', SIZE_MAX);
}
static void converting(void)
{
    iconv_t how = iconv_open("UCS-4LE", "UTF-8");
    m->from = (char *)source, m->left = strlen(source), m->to = m->text, m->room = sizeof m->text;
    m->count = (int)iconv(how, &m->from, &m->left, &m->to, &m->room);
    iconv_close(how);
}
static void patterns(void)
{
    regmatch_t *found = (regmatch_t *)m->numbers;
    m->count = regcomp(&m->expression, "th[a-z]*-(two)", REG_EXTENDED);
    m->other = regexec(&m->expression, source, 2, found, 0);
    regfree(&m->expression);
}
static void file_names(void)
{
    m->count = glob("/usr/*", 0, NULL, &m->names);
    globfree(&m->names);
    m->other = scandir("/usr", &m->entries, no_dots, alphasort);
    for (int i = 0; i < m->other; i++)
        free(m->entries[i]);
    free(m->entries);
}
static void trees(void)
{
    tsearch("key", (void **)&m->root, by_text);
    tsearch("another", (void **)&m->root, by_text);
    m->count = tfind("key", (void **)&m->root, by_text) != NULL;
    tdelete("another", (void **)&m->root, by_text);
    tdelete("key", (void **)&m->root, by_text);
}
static void tables(void)
{
    int key = 4711;
    m->left = 3;
    lsearch(&key, m->numbers, &m->left, sizeof(int), by_value);
}
static void addresses(void) { m->count = inet_aton("127.0.0.1", &m->address), inet_ntop(AF_INET, &m->address, m->text, 64); }
static void sets(void)
{
    sigemptyset(&m->one), sigaddset(&m->one, SIGUSR1), sigemptyset(&m->two), sigaddset(&m->two, SIGUSR2);
    sigorset(&m->set, &m->one, &m->two), sigandset(&m->one, &m->set, &m->two);
}
static void programs(void)
{
    char *arguments[] = {(char *)"true", NULL};
    posix_spawn_file_actions_init(&m->actions);
    posix_spawn_file_actions_addopen(&m->actions, 7, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&m->actions, 7, 8);
    posix_spawn_file_actions_addclose(&m->actions, 7);
    posix_spawnattr_init(&m->attributes);
    posix_spawnattr_setsigmask(&m->attributes, &m->one);
    m->count = posix_spawnp(&m->pid, "true", &m->actions, &m->attributes, arguments, environ);
    waitpid(m->pid, &m->other, 0);
    posix_spawn_file_actions_destroy(&m->actions);
    posix_spawnattr_destroy(&m->attributes);
    m->pid = 1; /* not the same in every run */
}
static void nothing(int signo) { (void)signo; }
static void sleeping(void)
{
    struct sigaction action = {.sa_handler = nothing};
    sigaction(SIGALRM, &action, NULL);
    ualarm(5000, 0);
    m->count = thrd_sleep(&(struct timespec){.tv_sec = 5}, &m->rest);
}
static void numbers(void) { gcvt(3.25, 6, m->text); }
static void arguments(void)
{
    char *words[] = {(char *)"program", (char *)"-set", (char *)"word", NULL};
    const struct option names[] = {{"set", no_argument, &m->count, 42}, {0}};
    optind = 0;
    while (getopt_long_only(3, words, "", names, &m->other) >= 0)
        ;
}

static const struct {
    const char *name;
    void (*run)(void);
} services[] = {{"printing", printing}, {"printing long", printing_long}, {"printing to many", printing_to_many}, {"printing sizes", printing_sizes}, {"printing more", printing_more}, {"printing allocated", printing_allocated}, {"printing lists", printing_lists}, {"warning", warning},
                {"logging", logging}, {"reading unlocked", reading_unlocked}, {"reading a line", reading_line}, {"polling", polling}, {"links", names_of_links},
                {"links at", names_of_links_at}, {"directories", names_of_directories}, {"host", name_of_host}, {"configuration", configuration}, {"sleeping", sleeping}, {"clearing", clearing}, {"wide copies", wide_copies},
                {"wide conversions", wide_conversions}, {"unlimited", unlimited}, {"converting", converting}, {"patterns", patterns}, {"file names", file_names}, {"trees", trees}, {"tables", tables},
                {"addresses", addresses}, {"sets", sets}, {"programs", programs}, {"numbers", numbers}, {"arguments", arguments}};

int main(void)
{
    m = malloc(sizeof *m);
    size = (size_t)getpagesize();
    file = fopen("services.text", "w+");
    fd = m == NULL || file == NULL ? -1 : open("services.data", O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0)
        return 1;
    fputs(source, file);
    for (unsigned i = 0; i < sizeof services / sizeof services[0]; i++) {
        memset(m, i % 2 != 0 ? 0 : 3, sizeof *m);
        m->root = NULL;
        memset(&m->state, 0, sizeof m->state);
        for (int old = 0; old < 4; old++) {
            char text[32]; /* a call that ends every gap, so that marks may be dropped */
            snprintf(text, sizeof text, "%d", old);
            if (prosper_checkpoint() != 0)
                return 2;
        }
        services[i].run();
        if (prosper_checkpoint() != 0)
            return 3;
        printf("%s\n", services[i].name);
    }
    atexit(last);
    errx(0, "%s%n", "the end", &m->count);
}
