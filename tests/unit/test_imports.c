#include "imports.h"
#include <criterion/criterion.h>

Test(imports, functions_that_only_read_are_known)
{
    const char *const known[] = {"malloc", "strlen", "__gmon_start__", "_Unwind_Resume", "sin", "sinf", "sinl", "dlsym", "memcpy"};
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; ++i) {
        cr_assert(prs_imports_reads_only(known[i]), "%s", known[i]);
    }
}

/* Writers of every kind: with a stand-in, without one, and names that look like known ones. */
Test(imports, functions_that_write_are_not)
{
    const char *const unknown[] = {"iconv", "read", "fread", "sprintf", "strcpy", "frexp", "sincos", "getline", "posix_spawn", "sinx", "sinff", "si", "mallo", "mallocs", "", "*",
                                   "recv", "qsort", "dlvsym", "process_vm_readv", "readv", "random_r", "strtok", "wcstok", "asprintf", "modf", "remquo", "lgamma_r"};
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; ++i) {
        cr_assert(!prs_imports_reads_only(unknown[i]), "%s", unknown[i]);
    }
}
