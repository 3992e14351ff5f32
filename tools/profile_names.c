/* profile_names.c - from the addresses of a profile to functions, variables, source lines.
 *
 *   frames   the function of the unwind entry, by symbol table, with the line where it begins
 *   sites    up the chain of callers, past libraries and the C++ library's templates, to the first function of the program's own; the line of its call
 *   words    the variable of the symbol table, with the line of its declaration
 *
 * All source lines are asked for in one go, first for nothing but what can reach the table: the sites with the most bytes.
 */
#define _GNU_SOURCE
#include "profile_names.h"
#include "demangle.h"
#include "elf_file.h"
#include "error.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SITES_NAMED 2000u
#define QUERIES_MAX 40000u

struct module {
    const char *path, *name; /* name: behind the last slash */
    struct elf_file elf;
    uint64_t bias, start, end;
    bool system, lines;
};

struct names {
    const struct profile *profile;
    struct rows *rows;
    struct module *modules;
    uint32_t module_count;
    struct source_query *queries; /* sorted by module's path and address once asked */
    uint64_t query_count;
    bool asked;
    char here[PATH_MAX];
    struct names_result *result;
};

/* ---- what is whose ---- */

static bool begins(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

bool names_is_system(const char *path)
{
    static const char *const names[] = {"libc.so", "libm.so", "ld-linux", "libstdc++.so", "libc++.so", "libc++abi.so", "libgcc_s.so", "libpthread.so", "libdl.so", "librt.so",
                                        "libprosper.so", "libmimalloc.so"};
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (begins(name, names[i])) {
            return true;
        }
    }
    return false;
}

bool names_is_library_code(const char *function, const char *file)
{
    char name[ROW_NAME_MAX];
    function_name(function, name, sizeof name);
    return begins(name, "std::") || begins(name, "__gnu_cxx::") || begins(name, "operator new") || strstr(file, "/include/c++/") != NULL ||
           strstr(file, "/c++/v1/") != NULL;
}

int names_choose(const struct source_query *query)
{
    for (unsigned i = 0; i < query->count; i++) {
        if (!names_is_library_code(query->place[i].function, query->place[i].file)) {
            return (int)i;
        }
    }
    return -1;
}

/* ---- objects ---- */

static void open_module(struct module *module, const struct prs_profile *head, uint32_t number)
{
    struct stat status;
    module->path = head->text + head->modules[number].path;
    const char *slash = strrchr(module->path, '/');
    module->name = slash != NULL ? slash + 1 : module->path;
    module->start = head->modules[number].start;
    module->end = module->start + PRS_PAGE;
    module->system = names_is_system(module->path);
    int fd = open(module->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return;
    }
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0) {
        void *map = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        uint64_t start, end;
        if (map != MAP_FAILED && elf_open(&module->elf, map, (uint64_t)status.st_size) && elf_extent(&module->elf, &start, &end)) {
            module->bias = module->start - start;
            module->end = module->start + (end - start);
            module->lines = elf_has_section(&module->elf, ".debug_info");
        } else {
            module->elf.bytes = NULL;
            module->end = module->start + (uint64_t)status.st_size;
        }
    }
    close(fd);
}

static struct module *module_of(const struct names *names, uint64_t address)
{
    for (uint32_t i = names->module_count; i-- > 0;) { /* the latest: it may stand where one was unloaded */
        if (address >= names->modules[i].start && address < names->modules[i].end) {
            return &names->modules[i];
        }
    }
    return NULL;
}

/* ---- questions ---- */

static void ask(struct names *names, const struct module *module, uint64_t address, bool data)
{
    if (module != NULL && module->elf.bytes != NULL && !module->system && names->query_count < QUERIES_MAX) {
        names->queries[names->query_count++] = (struct source_query){.object = module->path, .address = address - module->bias, .data = data};
    }
}

static int by_address(const void *a, const void *b)
{
    const struct source_query *x = a, *y = b;
    if (x->object != y->object) {
        return x->object < y->object ? -1 : 1;
    }
    if (x->data != y->data) {
        return x->data ? 1 : -1;
    }
    return x->address != y->address ? (x->address < y->address ? -1 : 1) : 0;
}

static void sort_queries(struct names *names)
{
    if (names->query_count == 0) {
        return;
    }
    qsort(names->queries, names->query_count, sizeof *names->queries, by_address);
    uint64_t kept = 0;
    for (uint64_t i = 1; i < names->query_count; i++) {
        if (by_address(&names->queries[kept], &names->queries[i]) != 0) {
            names->queries[++kept] = names->queries[i];
        }
    }
    names->query_count = kept + 1;
}

static struct source_query *answer(const struct names *names, const struct module *module, uint64_t address, bool data)
{
    struct source_query key = {.object = module->path, .address = address - module->bias, .data = data};
    struct source_query *found = names->asked ? bsearch(&key, names->queries, names->query_count, sizeof key, by_address) : NULL;
    return found != NULL && found->count > 0 ? found : NULL;
}

/* A path below the current directory without it. */
static const char *place(struct names *names, const char *file)
{
    size_t length = strlen(names->here);
    names->result->lines |= file[0] != '\0';
    return length > 1 && strncmp(file, names->here, length) == 0 && file[length] == '/' ? file + length + 1 : file;
}

/* ---- rows ---- */

/* By symbol table; program+0x1234 where there is none. */
static void symbol_name(struct names *names, const struct module *module, uint64_t address, char out[ROW_NAME_MAX])
{
    uint64_t start;
    char whole[1024];
    const char *found = module->elf.bytes != NULL ? elf_function(&module->elf, address - module->bias, &start) : NULL;
    if (found == NULL && module->system) {
        snprintf(out, ROW_NAME_MAX, "code of %s", module->name);
        return;
    }
    if (found == NULL) {
        snprintf(out, ROW_NAME_MAX, "%s+0x%lx", module->name, address - module->bias);
        names->result->stripped |= module->elf.bytes != NULL && !elf_has_section(&module->elf, ".symtab");
        return;
    }
    snprintf(whole, sizeof whole, "%s", found);
    demangle(whole, sizeof whole);
    function_name(whole, out, ROW_NAME_MAX);
}

static int frame_row(struct names *names, const struct prs_profile_frame *frame)
{
    char name[ROW_NAME_MAX];
    const struct module *module = module_of(names, frame->function);
    if (module == NULL) {
        snprintf(name, sizeof name, "code at 0x%lx", frame->function);
        return rows_add(names->rows, ROW_STACK, name, "", frame->bytes);
    }
    struct source_query *found = answer(names, module, frame->function, false);
    symbol_name(names, module, frame->function, name);
    if (found != NULL) { /* the last: the function whose frame it is, not what was inlined into it */
        function_name(found->place[found->count - 1].function, name, sizeof name);
        return rows_add(names->rows, ROW_STACK, name, place(names, found->place[found->count - 1].file), frame->bytes);
    }
    return rows_add(names->rows, ROW_STACK, name, module->system ? module->name : "", frame->bytes);
}

static int site_row(struct names *names, const struct prs_profile_site *site)
{
    char name[ROW_NAME_MAX], fallback[ROW_NAME_MAX] = "";
    for (unsigned i = 0; i < PRS_PROFILE_CHAIN && site->chain[i] != 0; i++) {
        uint64_t address = site->chain[i] - 1; /* the call, not what stands behind it */
        const struct module *module = module_of(names, address);
        if (module == NULL || module->system) {
            continue;
        }
        struct source_query *found = answer(names, module, address, false);
        int chosen = found != NULL ? names_choose(found) : -1;
        if (chosen >= 0) {
            function_name(found->place[chosen].function, name, sizeof name);
            return rows_add(names->rows, ROW_HEAP, name, place(names, found->place[chosen].file), site->bytes);
        }
        symbol_name(names, module, address, name);
        if (found == NULL && !names_is_library_code(name, "")) {
            return rows_add(names->rows, ROW_HEAP, name, "", site->bytes);
        }
        if (fallback[0] == '\0') {
            memcpy(fallback, name, sizeof name);
        }
    }
    const struct module *module = module_of(names, site->chain[0]);
    snprintf(name, sizeof name, "%s", fallback[0] != '\0' ? fallback : "allocated by a library");
    return rows_add(names->rows, ROW_HEAP, name, fallback[0] == '\0' && module != NULL ? module->name : "", site->bytes);
}

/* The variable around an address, remembered: neighbours are of the same one. */
struct variable {
    const struct module *module;
    uint64_t start, end; /* of the variable, or of this word where there is none */
    char name[ROW_NAME_MAX], place[ROW_PLACE_MAX];
    enum row_kind kind;
};

static void find_variable(struct names *names, uint64_t address, struct variable *variable)
{
    uint64_t start, size;
    char whole[1024];
    const struct module *module = variable->module = module_of(names, address);
    variable->start = address;
    variable->end = address + 8;
    variable->kind = ROW_OTHER;
    variable->place[0] = '\0';
    if (module == NULL) {
        snprintf(variable->name, ROW_NAME_MAX, "thread-local data, other memory");
        return;
    }
    if (module->system || module->elf.bytes == NULL) {
        snprintf(variable->name, ROW_NAME_MAX, module->system ? "data of %s" : "mapped file %s", module->name);
        return;
    }
    variable->kind = ROW_DATA;
    const char *symbol = elf_variable(&module->elf, address - module->bias, &start, &size);
    if (symbol == NULL) {
        snprintf(variable->name, ROW_NAME_MAX, "data of %s", module->name);
        return;
    }
    snprintf(whole, sizeof whole, "%s", symbol);
    demangle(whole, sizeof whole);
    function_name(whole, variable->name, ROW_NAME_MAX);
    variable->start = start + module->bias;
    variable->end = variable->start + (size > 0 ? size : 1);
    struct source_query *found = answer(names, module, variable->start, true);
    if (found != NULL) {
        snprintf(variable->place, ROW_PLACE_MAX, "%s", place(names, found->place[0].file));
    }
}

/* Calls visit for each run of words of one variable. asking: only to find out what to ask. */
static int word_rows(struct names *names, bool asking)
{
    const struct profile *profile = names->profile;
    struct variable variable = {0};
    int error = 0;
    for (uint32_t i = 0; i < profile->head->used[PRS_AREA_PAGES] && error == 0; i++) {
        const struct prs_profile_page *page = &profile->pages[i];
        bool heap = page->page >= PRS_PROGRAM_BASE && page->page < PRS_PROGRAM_END;
        if (heap || page->detail == 0 || page->detail > profile->head->used[PRS_AREA_WORDS]) {
            continue;
        }
        const uint32_t *words = profile->words + (uint64_t)PRS_WORDS_PER_PAGE * (page->detail - 1);
        for (unsigned word = 0; word < PRS_WORDS_PER_PAGE && error == 0; word++) {
            uint64_t address = page->page + 8 * word;
            if (words[word] == 0) {
                continue;
            }
            if (address < variable.start || address >= variable.end) {
                find_variable(names, address, &variable);
                if (asking) {
                    ask(names, variable.module, variable.start, true);
                }
            }
            error = asking ? 0 : rows_add(names->rows, variable.kind, variable.name, variable.place, words[word]);
        }
    }
    return error;
}

static int rest_rows(struct names *names)
{
    static const char *const texts[PRS_RESTS] = {
        [PRS_REST_TABLES] = "registers, tables of files and mappings",
        [PRS_REST_STACK_ABOVE] = "stack: arguments, environment, start",
        [PRS_REST_STACK_BELOW] = "stack: below the frames",
        [PRS_REST_STACK_LOST] = "stack: frames without unwind tables",
        [PRS_REST_STACK_DEEP] = "stack: frames too deep to look at",
        [PRS_REST_NO_BLOCK] = "the allocator's own tables",
        [PRS_REST_NO_ROOM] = "not told apart: the profile is full",
    };
    int error = 0;
    for (unsigned i = 0; i < PRS_RESTS && error == 0; i++) {
        error = rows_add(names->rows, ROW_OTHER, texts[i], "", names->profile->head->rest[i]);
    }
    return error;
}

/* ---- all ---- */

static int most_bytes_first(const void *a, const void *b)
{
    const struct prs_profile_site *x = a, *y = b;
    return x->bytes != y->bytes ? (x->bytes < y->bytes ? 1 : -1) : 0;
}

static void ask_all(struct names *names, uint64_t sites)
{
    const struct prs_profile *head = names->profile->head;
    for (uint32_t i = 0; i < PRS_PROFILE_FRAMES; i++) {
        if (head->frames[i].bytes != 0) {
            ask(names, module_of(names, head->frames[i].function), head->frames[i].function, false);
        }
    }
    for (uint64_t i = 0; i < sites; i++) {
        const struct prs_profile_site *site = &names->profile->sites[i];
        for (unsigned j = 0; j < PRS_PROFILE_CHAIN && site->chain[j] != 0; j++) {
            ask(names, module_of(names, site->chain[j] - 1), site->chain[j] - 1, false);
        }
    }
    word_rows(names, true);
    sort_queries(names);
    names->asked = names->query_count > 0 && symbolizer_ask(names->queries, names->query_count);
    names->result->symbolizer = names->asked || names->query_count == 0;
}

static int all_rows(struct names *names)
{
    const struct profile *profile = names->profile;
    uint32_t used = profile->head->used[PRS_AREA_SITES], sites = used < SITES_NAMED ? used : SITES_NAMED;
    if (used > 0) {
        qsort(profile->sites, used, sizeof *profile->sites, most_bytes_first);
    }
    ask_all(names, sites);
    int error = rest_rows(names);
    for (uint32_t i = 0; i < PRS_PROFILE_FRAMES && error == 0; i++) {
        error = profile->head->frames[i].bytes != 0 ? frame_row(names, &profile->head->frames[i]) : 0;
    }
    for (uint32_t i = 0; i < used && error == 0; i++) {
        if (profile->sites[i].bytes != 0) {
            error = i < sites ? site_row(names, &profile->sites[i]) : rows_add(names->rows, ROW_HEAP, "smaller sites", "", profile->sites[i].bytes);
        }
    }
    return error != 0 ? error : word_rows(names, false);
}

int profile_names(const struct profile *profile, struct rows *rows, struct names_result *result)
{
    struct names names = {.profile = profile, .rows = rows, .module_count = profile->head->module_count, .result = result};
    *result = (struct names_result){0};
    names.modules = calloc(names.module_count + 1ul, sizeof *names.modules);
    names.queries = calloc(QUERIES_MAX, sizeof *names.queries);
    if (names.modules == NULL || names.queries == NULL) {
        free(names.modules);
        free(names.queries);
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < names.module_count; i++) {
        open_module(&names.modules[i], profile->head, i);
    }
    if (getcwd(names.here, sizeof names.here) == NULL) {
        names.here[0] = '\0';
    }
    int error = all_rows(&names) == 0 ? 0 : -ENOMEM;
    for (uint32_t i = 0; i < names.module_count; i++) {
        if (names.modules[i].elf.bytes != NULL) {
            munmap((void *)(uintptr_t)names.modules[i].elf.bytes, names.modules[i].elf.size);
        }
    }
    free(names.modules);
    free(names.queries);
    return error;
}
