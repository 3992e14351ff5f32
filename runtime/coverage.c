/* coverage.c - reads the notes that the pass left.
 *
 * A linked object holds one note for each module that was instrumented; a module without instrumentation leaves none, so an object with a note
 * may still contain foreign code from an archive. Who relies on marks alone must know that an object is covered in whole.
 * Context: start, dlopen; normal context (dl_iterate_phdr). Nothing durable.
 */
#include "coverage.h"
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

/* Their writes into the program's memory are known: writers.def, the allocator's range, or none. */
static bool is_known(const char *path)
{
    static const char *const known[] = {"libprosper.so", "libmimalloc.so", "libc.so.6", "ld-linux-x86-64.so.2", "linux-vdso.so", "libm.so.6"};
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; ++i) {
        if (strncmp(name, known[i], strlen(known[i])) == 0) {
            return true;
        }
    }
    return false;
}

static struct prs_coverage found;

bool prs_coverage_any_marks(void)
{
    prs_coverage_scan(&found);
    for (unsigned i = 0; i < found.count; ++i) {
        if ((found.objects[i].flags & PRS_FLAG_MARKS) != 0) {
            return true;
        }
    }
    return !found.complete;
}

bool prs_coverage_all(void)
{
    if (prs_coverage_scan(&found) < 0) {
        return false;
    }
    for (unsigned i = 0; i < found.count; ++i) {
        const struct prs_coverage_object *object = &found.objects[i];
        if (object->end == 0 || is_known(object->name)) {
            continue;
        }
        if (!object->has_note || object->mode != PRS_MODE_ALL || (object->flags & ~(uint32_t)PRS_FLAG_MARKS) != 0 || object->version != PRS_ABI_VERSION) {
            return false;
        }
    }
    return true;
}
