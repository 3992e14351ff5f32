/* coverage.h - which loaded objects were compiled with the pass, and how (their ELF notes, abi.h). */
#ifndef PRS_COVERAGE_H
#define PRS_COVERAGE_H

#include <stdbool.h>
#include <stdint.h>

#define PRS_COVERAGE_MAX 512u
#define PRS_COVERAGE_NAME_MAX 128u

struct prs_coverage_object {
    char name[PRS_COVERAGE_NAME_MAX]; /* path, cut at the front when longer; "" for the program itself */
    uint64_t start, end;              /* executable segments, first to last */
    bool has_note;
    uint32_t mode;                    /* the weakest of its modules': PRS_MODE_* */
    uint32_t flags;                   /* PRS_FLAG_* of any of its modules */
    uint32_t version;
    uint32_t modules;                 /* notes found */
    bool trusted;                     /* the option trust names it */
};

struct prs_coverage {
    uint32_t count;
    bool complete; /* false: more than PRS_COVERAGE_MAX objects */
    struct prs_coverage_object objects[PRS_COVERAGE_MAX];
};

/* Before any scan: the objects that count as covered (file names, with commas between them), and the program's path, for its name in that list. Both texts stay the caller's. */
void prs_coverage_trust(const char *list, const char *path);
/* Start and dlopen; takes the loader's lock. The number of objects, or -E2BIG with as many as fit. */
int prs_coverage_scan(struct prs_coverage *out);
/* Every object with executable code, but for the runtime and what it brings (libc, ld.so, libmimalloc, vdso), has notes, all of mode all
 * and without flags that limit it, or is trusted. */
bool prs_coverage_all(void);
/* NULL if so; else which object is not, why, and how many others (a static text, until the next call). */
const char *prs_coverage_gap(void);
/* The list with which trust= would close the gap, behind `imports` (those that imports.h found, or ""); "" when there is none, or no room for it. As of the last scan. */
void prs_coverage_to_trust(const char *imports, char *out, unsigned long size);
/* The object whose code holds `address`, or NULL. As of the last scan. */
const struct prs_coverage_object *prs_coverage_at(uint64_t address);
/* Its file's name, without directories. */
const char *prs_coverage_name(const struct prs_coverage_object *object);
/* Not the C and C++ libraries and the runtime. */
bool prs_coverage_may_be_trusted(const struct prs_coverage_object *object);
/* The object that holds the code at `address` has notes. As of the last scan. */
bool prs_coverage_noted(uint64_t address);
/* Some object was compiled in mode all. As of the last scan. */
bool prs_coverage_asked(void);
/* Code of object i, all of which has marks (start == end: not so); false when there are no more. As of the last scan. */
bool prs_coverage_code(uint32_t i, uint64_t *start, uint64_t *end);
/* Some object has marks, so the dirty map must be reserved before its code runs. */
bool prs_coverage_any_marks(void);
/* The same for any flag of the notes (PRS_FLAG_*). */
bool prs_coverage_has(unsigned flag);

#endif
