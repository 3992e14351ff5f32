/* imports.h - does instrumented code import functions whose writes nobody knows? */
#ifndef PRS_IMPORTS_H
#define PRS_IMPORTS_H

#include <stdbool.h>
#include <stdint.h>

/* Is that a function of readers.def, or of readers_cxx.def? */
bool prs_imports_reads_only(const char *name);
/* Of readers_cxx.def? */
bool prs_imports_reads_only_cxx(const char *name);
#define PRS_TRUST_MAX 256u /* as long as an option may be */
/* Looks through what each instrumented object imports; NULL, or which one imports what ("./app calls deflate of libz.so.1, whose writes are not known"; a static text).
 * to_trust gets the names of the objects that such imports are of, as for trust=, without those that cannot be trusted (PRS_TRUST_MAX bytes). As of the last scan of
 * coverage.h. Start, normal context. */
const char *prs_imports_unknown(char *to_trust);

#endif
