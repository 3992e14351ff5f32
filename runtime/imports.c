/* imports.c - what instrumented objects import from code without marks.
 *
 * Marks say what instrumented code stores. What libc stores for it is said by stand-ins (interpose/writers.def), of which there is one for each function that
 * somebody thought of. So the question is turned round: whatever an instrumented object imports must be known not to write (readers.def), or have a stand-in, or be
 * instrumented itself. An import of a function that has a stand-in, under its own name, is a sign of code that the pass has not seen (an archive).
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

bool prs_imports_reads_only(const char *name)
{
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

static const char *unknown_of(const ElfW(Dyn) *dynamic)
{
    const ElfW(Sym) *symbols = NULL;
    const char *strings = NULL;
    const uint32_t *hash = NULL, *gnu_hash = NULL;
    for (; dynamic->d_tag != DT_NULL; ++dynamic) {
        uint64_t value = dynamic->d_un.d_val; /* ld.so has added the base to the pointers */
        switch (dynamic->d_tag) {
        case DT_SYMTAB: symbols = (const ElfW(Sym) *)value; break;
        case DT_STRTAB: strings = (const char *)value; break;
        case DT_HASH: hash = (const uint32_t *)value; break;
        case DT_GNU_HASH: gnu_hash = (const uint32_t *)value; break;
        default: break;
        }
    }
    uint64_t count = symbols != NULL && strings != NULL ? symbol_count(hash, gnu_hash) : 0;
    for (uint64_t i = 1; i < count; ++i) {
        const char *name = strings + symbols[i].st_name;
        unsigned kind = ELF64_ST_TYPE(symbols[i].st_info);
        if (symbols[i].st_shndx != SHN_UNDEF || name[0] == '\0' || kind == STT_OBJECT || kind == STT_TLS || strncmp(name, "__prosper_", 10) == 0 ||
            prs_imports_reads_only(name)) {
            continue;
        }
        void *found = dlsym(RTLD_DEFAULT, name);
        if (found != NULL && !prs_coverage_noted((uint64_t)found)) {
            return name;
        }
    }
    return NULL;
}

struct search {
    const char *object, *name;
};

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct search *search = context;
    const ElfW(Dyn) *dynamic = NULL;
    bool instrumented = false;
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_DYNAMIC) {
            dynamic = (const ElfW(Dyn) *)start;
        } else if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            instrumented |= prs_coverage_noted(start);
        }
    }
    search->name = instrumented && dynamic != NULL ? unknown_of(dynamic) : NULL;
    search->object = info->dlpi_name;
    return search->name != NULL;
}

const char *prs_imports_unknown(void)
{
    static char text[256];
    struct search search = {NULL, NULL};
    if (dl_iterate_phdr(visit, &search) == 0) {
        return NULL;
    }
    prs_format(text, sizeof text, "%s calls %s, whose writes are not known", search.object != NULL && search.object[0] != '\0' ? search.object : "the program", search.name);
    return text;
}
