/* imports.c - what instrumented objects import from code without marks.
 *
 * Marks say what instrumented code stores. What libc stores for it is said by stand-ins (interpose/writers.def), of which there is one for each function that
 * somebody thought of. So the question is turned round: whatever an instrumented object imports must be known not to write (readers.def), or have a stand-in, or be
 * instrumented itself, or of an object that the user vouches for (coverage.h, trust). An import of a function that has a stand-in, under its own name, is a sign of code that the pass has not seen (an archive).
 * What is asked of libstdc++ itself (by the version of the import: libprosper_cxx's functions have one of their own) must be in readers_cxx.def, objects too, since they have virtual functions.
 * And no instrumented object may export what libstdc++ has as well: libstdc++'s own calls would go there, and get memory of instrumented code.
 * Context: start; dlsym, dl_iterate_phdr.
 */
#include "imports.h"
#include "coverage.h"
#include "log.h"
#include <dlfcn.h>
#include <link.h>
#include <string.h>

static const char *const readers[] = {
#define PRS_READERS(names) names,
#include "readers.def"
#undef PRS_READERS
};

static bool matches(const char *word, size_t length, const char *name)
{
    if (word[length - 1] != '*') {
        return strlen(name) == length && memcmp(word, name, length) == 0;
    }
    return strncmp(word, name, length - 1) == 0 && (name[length - 1] == '\0' || ((name[length - 1] == 'f' || name[length - 1] == 'l') && name[length] == '\0'));
}

static const char *const readers_cxx[] = {
#define PRS_CXX_READERS(patterns) patterns,
#include "readers_cxx.def"
#undef PRS_CXX_READERS
};

static bool is_of_name(char c) { return ('a' <= c && c <= 'z') || ('0' <= c && c <= '9') || c == '_'; }

static bool matches_pattern(const char *pattern, size_t length, const char *name)
{
    for (; length != 0; --length, ++pattern) {
        if (*pattern == '*' || *pattern == '+') {
            bool any = *pattern == '*';
            for (;; ++name) {
                if (matches_pattern(pattern + 1, length - 1, name)) {
                    return true;
                }
                if (*name == '\0' || (!any && !is_of_name(*name))) {
                    return false;
                }
            }
        }
        if (*name == '\0' || (*pattern != '?' && *pattern != *name)) {
            return false;
        }
        ++name;
    }
    return *name == '\0';
}

bool prs_imports_reads_only_cxx(const char *name)
{
    for (unsigned i = 0; i < sizeof readers_cxx / sizeof readers_cxx[0]; ++i) {
        for (const char *word = readers_cxx[i]; *word != '\0'; word += strspn(word, " ")) {
            size_t length = strcspn(word, " ");
            if (matches_pattern(word, length, name)) {
                return true;
            }
            word += length;
        }
    }
    return false;
}

bool prs_imports_reads_only(const char *name)
{
    if (name[0] == '_' && (name[1] == 'Z' || name[1] == '_') && prs_imports_reads_only_cxx(name)) {
        return true;
    }
    for (unsigned i = 0; i < sizeof readers / sizeof readers[0]; ++i) {
        for (const char *word = readers[i]; *word != '\0'; word += strspn(word, " ")) {
            size_t length = strcspn(word, " ");
            if (matches(word, length, name)) {
                return true;
            }
            word += length;
        }
    }
    return false;
}

/* The number of symbols, of which the hash table alone knows. */
static uint64_t symbol_count(const uint32_t *hash, const uint32_t *gnu_hash)
{
    if (hash != NULL) {
        return hash[1];
    }
    if (gnu_hash == NULL) {
        return 0;
    }
    uint32_t buckets = gnu_hash[0], first = gnu_hash[1], last = 0;
    const uint32_t *bucket = gnu_hash + 4 + gnu_hash[2] * 2, *chain = bucket + buckets;
    for (uint32_t i = 0; i < buckets; ++i) {
        last = bucket[i] > last ? bucket[i] : last;
    }
    if (last < first) {
        return first; /* exports nothing: what comes before is imported */
    }
    while ((chain[last - first] & 1) == 0) {
        ++last;
    }
    return last + 1;
}

/* The tables of an object that say what it imports and exports. */
struct tables {
    const ElfW(Sym) *symbols;
    const char *strings;
    const ElfW(Half) *versions; /* of each symbol */
    const ElfW(Verneed) *needed;
    uint64_t count, needed_count;
};

static struct tables tables_of(const ElfW(Dyn) *dynamic, uint64_t base)
{
    struct tables tables = {NULL, NULL, NULL, NULL, 0, 0};
    const uint32_t *hash = NULL, *gnu_hash = NULL;
    for (; dynamic->d_tag != DT_NULL; ++dynamic) {
        uint64_t value = dynamic->d_un.d_val; /* ld.so has added the base to the pointers that it uses itself */
        switch (dynamic->d_tag) {
        case DT_SYMTAB: tables.symbols = (const ElfW(Sym) *)value; break;
        case DT_STRTAB: tables.strings = (const char *)value; break;
        case DT_HASH: hash = (const uint32_t *)value; break;
        case DT_GNU_HASH: gnu_hash = (const uint32_t *)value; break;
        case DT_VERSYM: tables.versions = (const ElfW(Half) *)value; break;
        case DT_VERNEED: tables.needed = (const ElfW(Verneed) *)(base + value); break;
        case DT_VERNEEDNUM: tables.needed_count = value; break;
        default: break;
        }
    }
    tables.count = tables.symbols != NULL && tables.strings != NULL ? symbol_count(hash, gnu_hash) : 0;
    return tables;
}

/* The library of which symbol i asks a version; "": none. A symbol that was copied into the program counts as asked for. */
static const char *asked_of(const struct tables *tables, uint64_t i)
{
    const ElfW(Verneed) *need = tables->needed;
    unsigned version = tables->versions != NULL ? tables->versions[i] & 0x7fff : 0;
    for (uint64_t n = 0; version > 1 && need != NULL && n < tables->needed_count; ++n) {
        const ElfW(Vernaux) *one = (const ElfW(Vernaux) *)((const char *)need + need->vn_aux);
        for (unsigned k = 0; k < need->vn_cnt; ++k) {
            if (one->vna_other == version) {
                return tables->strings + need->vn_file;
            }
            one = (const ElfW(Vernaux) *)((const char *)one + one->vna_next);
        }
        need = (const ElfW(Verneed) *)((const char *)need + need->vn_next);
    }
    return "";
}

static bool is_library(const char *path, const char *name)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash != NULL ? slash + 1 : path, name, strlen(name)) == 0;
}

/* Without it the objects that libstdc++ hands out have functions without marks. */
static bool has_library_cxx(void) { return dlvsym(RTLD_DEFAULT, "__cxa_demangle", "PROSPER_CXX_1") != NULL; }

/* Is that an import whose writes are not known? *owner: the object that has it, or NULL. */
static bool is_unknown(const struct tables *tables, uint64_t i, const struct prs_coverage_object **owner)
{
    const ElfW(Sym) *symbol = &tables->symbols[i];
    const char *name = tables->strings + symbol->st_name;
    unsigned kind = ELF64_ST_TYPE(symbol->st_info);
    *owner = NULL;
    if (is_library(asked_of(tables, i), "libstdc++.so")) {
        return !prs_imports_reads_only_cxx(name) || !has_library_cxx();
    }
    if (symbol->st_shndx != SHN_UNDEF || name[0] == '\0' || kind == STT_OBJECT || kind == STT_TLS || strncmp(name, "__prosper_", 10) == 0 || prs_imports_reads_only(name)) {
        return false;
    }
    void *found = dlsym(RTLD_DEFAULT, name);
    *owner = found != NULL ? prs_coverage_at((uint64_t)found) : NULL;
    return found != NULL && (*owner == NULL || !((*owner)->has_note || (*owner)->trusted));
}

/* Is that a function of the object's that libstdc++ has, too? */
static bool is_twofold(const struct tables *tables, uint64_t i, void *libstdcxx)
{
    const ElfW(Sym) *symbol = &tables->symbols[i];
    const char *name = tables->strings + symbol->st_name;
    return libstdcxx != NULL && symbol->st_shndx != SHN_UNDEF && ELF64_ST_TYPE(symbol->st_info) == STT_FUNC && name[0] == '_' && name[1] == 'Z' && dlsym(libstdcxx, name) != NULL;
}

struct search {
    void *libstdcxx; /* NULL: not loaded */
    const char *object, *name, *owner; /* of the first that was found; owner: "" not known */
    bool twofold;
    char others[PRS_TRUST_MAX]; /* objects that have unknown imports and may be trusted, with commas between them */
    unsigned long length;
};

static void add_other(struct search *search, const struct prs_coverage_object *owner)
{
    const char *name = prs_coverage_name(owner);
    if (owner->has_note || !prs_coverage_may_be_trusted(owner)) {
        return;
    }
    size_t length = strlen(name);
    for (const char *at = search->others; (at = strstr(at, name)) != NULL; at += length) {
        if ((at == search->others || at[-1] == ',') && (at[length] == ',' || at[length] == '\0')) {
            return;
        }
    }
    search->length += prs_format(search->others + search->length, sizeof search->others - search->length, "%s%s", search->length != 0 ? "," : "", name);
}

static void look(struct search *search, const char *object, const ElfW(Dyn) *dynamic, uint64_t base)
{
    struct tables tables = tables_of(dynamic, base);
    for (uint64_t i = 1; i < tables.count; ++i) {
        const struct prs_coverage_object *owner = NULL;
        bool twofold = is_twofold(&tables, i, search->libstdcxx);
        if (!twofold && !is_unknown(&tables, i, &owner)) {
            continue;
        }
        if (search->name == NULL) {
            search->object = object;
            search->name = tables.strings + tables.symbols[i].st_name;
            search->owner = owner != NULL ? prs_coverage_name(owner) : "";
            search->twofold = twofold;
        }
        if (owner != NULL) {
            add_other(search, owner);
        }
    }
}

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct search *search = context;
    const ElfW(Dyn) *dynamic = NULL;
    bool instrumented = false;
    const char *object = info->dlpi_name != NULL && info->dlpi_name[0] != '\0' ? info->dlpi_name : "the program";
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *)start;
        } else if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            instrumented |= prs_coverage_noted(start);
        }
    }
    if (instrumented && dynamic != NULL && !is_library(object, "libprosper_cxx.so")) { /* that one stands in for what it calls; tests/cxx looks at it */
        look(search, object, dynamic, info->dlpi_addr);
    }
    return 0;
}

const char *prs_imports_unknown(char *to_trust)
{
    static char text[1024];
    struct search search = {.libstdcxx = dlopen("libstdc++.so.6", RTLD_LAZY | RTLD_NOLOAD)};
    dl_iterate_phdr(visit, &search);
    if (search.libstdcxx != NULL) {
        dlclose(search.libstdcxx);
    }
    memcpy(to_trust, search.others, sizeof search.others);
    if (search.name == NULL) {
        return NULL;
    }
    if (search.libstdcxx != NULL && !has_library_cxx()) {
        prs_format(text, sizeof text, "%s calls %s without libprosper_cxx (prosper-clang++ --prosper-track=all links it)", search.object, search.name);
        return text;
    }
    if (search.twofold) {
        prs_format(text, sizeof text, "%s defines %s, which libstdc++ may call", search.object, search.name);
    } else {
        prs_format(text, sizeof text, "%s calls %s%s%s, whose writes are not known", search.object, search.name, search.owner[0] != '\0' ? " of " : "", search.owner);
    }
    return text;
}
