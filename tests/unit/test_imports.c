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
                                   "recv", "qsort", "dlvsym", "process_vm_readv", "readv", "random_r", "strtok", "wcstok", "asprintf", "modf", "remquo", "lgamma_r",
                                   "confstr", "thrd_sleep", "err", "errx", "verr", "verrx"};
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; ++i) {
        cr_assert(!prs_imports_reads_only(unknown[i]), "%s", unknown[i]);
    }
}

/* C++: mangled names, of which a pattern must not take in more than was meant. */
Test(imports, functions_of_libstdcxx_are_known_by_pattern)
{
    const char *const known[] = {"_Znwm", "_ZdlPvm", "__cxa_throw", "_ZSt20__throw_length_errorPKc", "_ZSt24__throw_out_of_range_fmtPKcz", "_ZSt4cout", "_ZNSt8ios_base4InitC1Ev", "_ZNSt8ios_base3decE", "_ZNSt5ctypeIcE2idE"};
    const char *const unknown[] = {"_ZNSt8ios_baseC2Ev", "_ZNSt8ios_base7failureB5cxx11C1ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE", "_ZNSt6localeC1EPKc", "_ZNKSt6locale4nameB5cxx11Ev",
                                   "_ZNSt7__cxx118time_getIcSt19istreambuf_iteratorIcSt11char_traitsIcEEE2idE", "_ZTISt12system_error", "_ZTVSt13runtime_error", "_ZNSt3_V215system_categoryEv",
                                   "_ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm", "_ZNSs6appendEPKc", "_ZNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEE9_M_appendEPKcm", "__cxa_demangle",
                                   "_ZSt17current_exceptionv", "_ZNSt6thread4joinEv"};
    for (unsigned i = 0; i < sizeof known / sizeof known[0]; ++i) {
        cr_assert(prs_imports_reads_only(known[i]), "%s", known[i]);
    }
    for (unsigned i = 0; i < sizeof unknown / sizeof unknown[0]; ++i) {
        cr_assert(!prs_imports_reads_only(unknown[i]), "%s", unknown[i]);
    }
}
