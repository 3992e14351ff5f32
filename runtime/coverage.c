/* coverage.c - reads the notes that the pass left.
 *
 * A linked object holds one note for each module that was instrumented; a module without instrumentation leaves none, so an object with a note
 * may still contain foreign code from an archive. Who relies on marks alone must know that an object is covered in whole.
 *
 * TRUST. An object that the user names (option trust) counts as covered although it is not: that it writes into no memory that marks are relied upon for is the user's
 * word. INVARIANT: only what it writes elsewhere is taken on trust. What it allocates itself stays with pages, because code that has no marks is no covered caller
 * (prs_coverage_code), whatever is trusted.
 * Context: start, dlopen; normal context (dl_iterate_phdr). Nothing durable.
 */
#include "coverage.h"
#include "log.h"
#include <errno.h>
#include <link.h>
#include <prosper/abi.h>
#include <string.h>

static void read_notes(struct prs_coverage_object *object, const unsigned char *at, uint64_t bytes, uint64_t alignment)
{
    uint64_t unit = alignment == 8 ? 8 : 4;
    while (bytes >= 12) {
        ElfW(Nhdr) header;
        memcpy(&header, at, sizeof header);
        uint64_t name = (header.n_namesz + unit - 1) / unit * unit;
        uint64_t description = (header.n_descsz + unit - 1) / unit * unit;
        if (name > bytes - 12 || description > bytes - 12 - name) {
            return;
        }
        struct prs_note note;
        if (header.n_namesz == sizeof note.name && header.n_descsz == 16 && header.n_type == PRS_NOTE_TYPE &&
            memcmp(at + 12, PRS_NAME_NOTE_OWNER, sizeof note.name) == 0) {
            memcpy(&note, at, sizeof note);
            object->mode = !object->has_note || note.mode < object->mode ? note.mode : object->mode;
            object->flags |= note.flags;
            object->version = note.version;
            object->has_note = true;
            ++object->modules;
        }
        at += 12 + name + description;
        bytes -= 12 + name + description;
    }
}

/* ---- trust ---- */

static const char *trust = "", *program = ""; /* names with commas between them; the program's path */

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

static bool in_list(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (; *list != '\0'; list += strcspn(list, ","), list += *list == ',') {
        if (strcspn(list, ",") == length && length != 0 && memcmp(list, name, length) == 0) {
            return true;
        }
    }
    return false;
}

void prs_coverage_trust(const char *list, const char *path)
{
    trust = list;
    program = path;
}

const char *prs_coverage_name(const struct prs_coverage_object *object) { return last_part(object->name[0] != '\0' ? object->name : program); }

static bool is_library(const char *path, const char *const *names, unsigned count)
{
    for (unsigned i = 0; i < count; ++i) {
        if (strncmp(last_part(path), names[i], strlen(names[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Nobody's word is taken for these: they write wherever they are told, and what they do write is in the lists (imports.c). */
static bool is_of_lists(const char *path)
{
    static const char *const names[] = {"libprosper.so", "libmimalloc.so", "libc.so.6", "ld-linux-x86-64.so.2", "linux-vdso.so", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1"};
    return is_library(path, names, sizeof names / sizeof names[0]);
}

/* Their writes into the program's memory are known: what may be imported from them is (imports.c), and the allocator's range. */
static bool is_known(const char *path)
{
    static const char *const names[] = {"libz.so.1"};
    return is_of_lists(path) || is_library(path, names, sizeof names / sizeof names[0]);
}

static int visit(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct prs_coverage *out = context;
    if (out->count == PRS_COVERAGE_MAX) {
        out->complete = false;
        return 1;
    }
    struct prs_coverage_object *object = &out->objects[out->count];
    memset(object, 0, sizeof *object);
    const char *name = info->dlpi_name != NULL ? info->dlpi_name : "";
    size_t length = strlen(name);
    if (length >= sizeof object->name) {
        name += length - sizeof object->name + 1;
    }
    strcpy(object->name, name);
    for (unsigned i = 0; i < info->dlpi_phnum; ++i) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];
        uint64_t start = info->dlpi_addr + header->p_vaddr;
        if (header->p_type == PT_LOAD && (header->p_flags & PF_X) != 0) {
            object->start = object->end == 0 || start < object->start ? start : object->start;
            object->end = start + header->p_memsz > object->end ? start + header->p_memsz : object->end;
        } else if (header->p_type == PT_NOTE) {
            read_notes(object, (const unsigned char *)start, header->p_memsz, header->p_align);
        }
    }
    object->trusted = !is_of_lists(object->name) && in_list(trust, prs_coverage_name(object));
    ++out->count;
    return 0;
}

int prs_coverage_scan(struct prs_coverage *out)
{
    out->count = 0;
    out->complete = true;
    dl_iterate_phdr(visit, out);
    return out->complete ? (int)out->count : -E2BIG;
}

static struct prs_coverage found;

bool prs_coverage_has(unsigned flag)
{
    prs_coverage_scan(&found);
    for (unsigned i = 0; i < found.count; ++i) {
        if ((found.objects[i].flags & flag) != 0) {
            return true;
        }
    }
    return !found.complete;
}

bool prs_coverage_any_marks(void) { return prs_coverage_has(PRS_FLAG_MARKS); }

/* All of its code has marks, but for single stores. */
static bool is_marking(const struct prs_coverage_object *object)
{
    return object->has_note && object->mode == PRS_MODE_ALL && object->version == PRS_ABI_VERSION && (object->flags & PRS_FLAG_UNCOVERED) == 0;
}

static const char *gap_of(const struct prs_coverage_object *object)
{
    if (!object->has_note) {
        return "was not compiled with the pass";
    }
    if (object->mode != PRS_MODE_ALL) {
        return "was compiled with --prosper-track=stack";
    }
    if (object->version != PRS_ABI_VERSION) {
        return "was compiled for another version of the runtime";
    }
    if ((object->flags & PRS_FLAG_OPAQUE_ASM) != 0) {
        return "has inline assembly that may write anywhere";
    }
    if ((object->flags & PRS_FLAG_UNCOVERED) != 0) {
        return "has code that the pass left out, or has not seen";
    }
    return (object->flags & PRS_FLAG_OPAQUE_STORE) != 0 ? "has stores that the pass cannot name" : NULL;
}

/* Is it uncovered, and nobody has vouched for it? */
static const char *gap_left(const struct prs_coverage_object *object)
{
    return object->end == 0 || object->trusted || is_known(object->name) ? NULL : gap_of(object);
}

const char *prs_coverage_gap(void)
{
    static char text[PRS_COVERAGE_NAME_MAX + 128];
    const struct prs_coverage_object *first = NULL;
    unsigned more = 0;
    if (prs_coverage_scan(&found) < 0) {
        return "there are more loaded objects than can be looked at";
    }
    for (unsigned i = 0; i < found.count; ++i) {
        const struct prs_coverage_object *object = &found.objects[i];
        if (gap_left(object) != NULL) {
            more += first != NULL;
            first = first != NULL ? first : object;
        }
    }
    if (first == NULL) {
        return NULL;
    }
    unsigned long length = prs_format(text, sizeof text, "%s %s", first->name[0] != '\0' ? first->name : "the program", gap_left(first));
    if (more != 0) {
        prs_format(text + length, sizeof text - length, ", and %u more %s without marks", more, more == 1 ? "object is" : "objects are");
    }
    return text;
}

void prs_coverage_to_trust(const char *imports, char *out, unsigned long size)
{
    unsigned long length = prs_format(out, size, "%s", imports);
    for (unsigned i = 0; i < found.count && length < size; ++i) {
        const struct prs_coverage_object *object = &found.objects[i];
        bool whole = object->has_note && (object->flags & PRS_FLAG_UNCOVERED) != 0; /* its own memory would be without marks as well */
        if (gap_left(object) != NULL && !whole && (object->name[0] != '\0' || is_marking(object)) && !in_list(out, prs_coverage_name(object))) {
            length += prs_format(out + length, size - length, "%s%s", length != 0 ? "," : "", prs_coverage_name(object));
        }
    }
    if (length + 1 >= size) {
        out[0] = '\0';
    }
}

bool prs_coverage_all(void) { return prs_coverage_gap() == NULL; }

bool prs_coverage_asked(void)
{
    for (unsigned i = 0; i < found.count; ++i) {
        if (found.objects[i].has_note && found.objects[i].mode == PRS_MODE_ALL) {
            return true;
        }
    }
    return false;
}

bool prs_coverage_code(uint32_t i, uint64_t *start, uint64_t *end)
{
    if (i >= found.count) {
        return false;
    }
    const struct prs_coverage_object *object = &found.objects[i];
    bool any = is_marking(object) && !is_known(object->name);
    *start = any ? object->start : 0;
    *end = any ? object->end : 0;
    return true;
}

const struct prs_coverage_object *prs_coverage_at(uint64_t address)
{
    for (unsigned i = 0; i < found.count; ++i) {
        if (found.objects[i].start <= address && address < found.objects[i].end) {
            return &found.objects[i];
        }
    }
    return NULL;
}

bool prs_coverage_noted(uint64_t address)
{
    const struct prs_coverage_object *object = prs_coverage_at(address);
    return object != NULL && object->has_note;
}

bool prs_coverage_may_be_trusted(const struct prs_coverage_object *object) { return !is_of_lists(object->name); }
