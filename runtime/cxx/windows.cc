// windows.cc - functions of libstdc++ that have no source in the headers and write a known number of bytes of the program's: stand-ins that open write windows and call libstdc++'s own.
//
// A stand-in has libstdc++'s name, with this library's version (library.map); the next one is reached by libstdc++'s version of the name (.symver). What libstdc++ allocates in between is its own: the caller
// decides, and the caller is libstdc++ (interpose/malloc.c), so it lies in the other heap and is found by pages.
// Compiled without the pass. Context: the program's calls. An exception closes the windows on its way.
#include "window.h"
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <cwchar>
#include <exception>
#include <fstream>
#include <ios>
#include <locale>
#include <random>
#include <unordered_map>

using prs_cxx::Window;

#define PRS_REAL(result, name, version, parameters)   \
    extern "C" result prs_real_##name parameters;     \
    __asm__(".symver prs_real_" #name ", " #name "@" version);
#define PRS_BEHIND(result, name, version, parameters, arguments, windows)  \
    PRS_REAL(result, name, version, parameters)                            \
    extern "C" PRS_EXPORTED result name parameters;                        \
    extern "C" result name parameters                                      \
    {                                                                      \
        windows;                                                           \
        return prs_real_##name arguments;                                  \
    }
/* Constructors and destructors have two names. */
#define PRS_ALSO(result, name, other, parameters) extern "C" PRS_EXPORTED result other parameters __attribute__((alias(#name)));

using Ios = std::ios_base;
using Bytes = unsigned char;
#define OF(Type, place) Window place##Window(static_cast<Type *>(place))

/* ---- streams and locales ---- */
PRS_BEHIND(void, _ZNSt8ios_baseC2Ev, "GLIBCXX_3.4", (void *self), (self), OF(Ios, self))
PRS_ALSO(void, _ZNSt8ios_baseC2Ev, _ZNSt8ios_baseC1Ev, (void *self))
PRS_BEHIND(void, _ZNSt8ios_baseD2Ev, "GLIBCXX_3.4", (void *self), (self), OF(Ios, self))
PRS_ALSO(void, _ZNSt8ios_baseD2Ev, _ZNSt8ios_baseD1Ev, (void *self))
PRS_BEHIND(void, _ZNSt8ios_base7_M_initEv, "GLIBCXX_3.4", (void *self), (self), OF(Ios, self))
PRS_BEHIND(void, _ZNSt8ios_base7_M_moveERS_, "GLIBCXX_3.4.21", (void *self, void *other), (self, other), OF(Ios, self); OF(Ios, other))
PRS_BEHIND(void, _ZNSt8ios_base7_M_swapERS_, "GLIBCXX_3.4.21", (void *self, void *other), (self, other), OF(Ios, self); OF(Ios, other))
PRS_BEHIND(void *, _ZNSt8ios_base13_M_grow_wordsEib, "GLIBCXX_3.4", (void *self, int index, bool isInt), (self, index, isInt), OF(Ios, self))
PRS_BEHIND(void, _ZNSt8ios_base17register_callbackEPFvNS_5eventERS_iEi, "GLIBCXX_3.4", (void *self, void *function, int index), (self, function, index),
           OF(Ios, self))
PRS_BEHIND(void, _ZNSt8ios_base20_M_dispose_callbacksEv, "GLIBCXX_3.4.6", (void *self), (self), OF(Ios, self))
PRS_BEHIND(void *, _ZNSt8ios_base5imbueERKSt6locale, "GLIBCXX_3.4", (void *result, void *self, const void *locale), (result, self, locale),
           OF(std::locale, result); OF(Ios, self))

PRS_BEHIND(void, _ZNSt6localeC1Ev, "GLIBCXX_3.4", (void *self), (self), OF(std::locale, self))
PRS_ALSO(void, _ZNSt6localeC1Ev, _ZNSt6localeC2Ev, (void *self))
PRS_BEHIND(void, _ZNSt6localeC1ERKS_, "GLIBCXX_3.4", (void *self, const void *other), (self, other), OF(std::locale, self))
PRS_ALSO(void, _ZNSt6localeC1ERKS_, _ZNSt6localeC2ERKS_, (void *self, const void *other))
PRS_BEHIND(void *, _ZNSt6localeaSERKS_, "GLIBCXX_3.4", (void *self, const void *other), (self, other), OF(std::locale, self))
PRS_BEHIND(void *, _ZNSt6locale6globalERKS_, "GLIBCXX_3.4", (void *result, const void *other), (result, other), OF(std::locale, result))

#define PRS_CONVERT(Real, letter)                                                                                                                       \
    PRS_BEHIND(void, _ZSt14__convert_to_vI##letter##EvPKcRT_RSt12_Ios_IostateRKP15__locale_struct, "GLIBCXX_3.4",                                       \
               (const char *text, void *value, void *state, const void *locale), (text, value, state, locale), OF(Real, value); OF(Ios::iostate, state))
PRS_CONVERT(float, f)
PRS_CONVERT(double, d)
PRS_CONVERT(long double, e)

#define PRS_TRANSFORM(Char, letter)                                                                                                       \
    PRS_BEHIND(size_t, _ZNKSt7__cxx117collateI##letter##E12_M_transformEP##letter##PK##letter##m, "GLIBCXX_3.4.21",                       \
               (const void *self, Char *to, const Char *from, size_t count), (self, to, from, count), Window toWindow(to, to + count))
PRS_TRANSFORM(char, c)
PRS_TRANSFORM(wchar_t, w)

/* ---- files: the object lies in the program's buffer ---- */
using File = std::__basic_file<char>;
PRS_BEHIND(void, _ZNSt12__basic_fileIcEC1EP15pthread_mutex_t, "GLIBCXX_3.4", (void *self, void *lock), (self, lock), OF(File, self))
PRS_ALSO(void, _ZNSt12__basic_fileIcEC1EP15pthread_mutex_t, _ZNSt12__basic_fileIcEC2EP15pthread_mutex_t, (void *self, void *lock))
PRS_BEHIND(void, _ZNSt12__basic_fileIcED1Ev, "GLIBCXX_3.4", (void *self), (self), OF(File, self))
PRS_ALSO(void, _ZNSt12__basic_fileIcED1Ev, _ZNSt12__basic_fileIcED2Ev, (void *self))
PRS_BEHIND(void *, _ZNSt12__basic_fileIcE4openEPKcSt13_Ios_Openmodei, "GLIBCXX_3.4", (void *self, const char *name, int mode, int rights),
           (self, name, mode, rights), OF(File, self))
PRS_BEHIND(void *, _ZNSt12__basic_fileIcE8sys_openEP8_IO_FILESt13_Ios_Openmode, "GLIBCXX_3.4", (void *self, void *file, int mode), (self, file, mode),
           OF(File, self))
PRS_BEHIND(void *, _ZNSt12__basic_fileIcE8sys_openEiSt13_Ios_Openmode, "GLIBCXX_3.4", (void *self, int fd, int mode), (self, fd, mode), OF(File, self))
PRS_BEHIND(void *, _ZNSt12__basic_fileIcE5closeEv, "GLIBCXX_3.4", (void *self), (self), OF(File, self))
PRS_BEHIND(std::streamsize, _ZNSt12__basic_fileIcE6xsgetnEPcl, "GLIBCXX_3.4", (void *self, char *to, std::streamsize count), (self, to, count),
           Window toWindow(to, to + count))

/* ---- containers, numbers, random ---- */

/* Asked at each insertion; it writes only when the table grows. */
using Policy = std::__detail::_Prime_rehash_policy;
struct NeedsRehash {
    bool needed;
    size_t buckets;
};
PRS_REAL(NeedsRehash, _ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm, "GLIBCXX_3.4.18", (const void *self, size_t buckets, size_t had, size_t more))
extern "C" PRS_EXPORTED NeedsRehash _ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm(const void *self, size_t buckets, size_t had, size_t more);
extern "C" NeedsRehash _ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm(const void *self, size_t buckets, size_t had, size_t more)
{
    if (had + more <= static_cast<const Policy *>(self)->_M_next_resize)
        return {false, 0};
    OF(const Policy, self);
    return prs_real__ZNKSt8__detail20_Prime_rehash_policy14_M_need_rehashEmmm(self, buckets, had, more);
}
PRS_BEHIND(size_t, _ZNKSt8__detail20_Prime_rehash_policy11_M_next_bktEm, "GLIBCXX_3.4.18", (const void *self, size_t least), (self, least), OF(const Policy, self))

#define PRS_TO_CHARS(Real, name, version, parameters, arguments)                                                                            \
    PRS_BEHIND(std::to_chars_result, name, version, parameters, arguments, Window toWindow(to, static_cast<const char *>(end)))
#define PRS_TO_CHARS_OF(Real, letter)                                                                                                        \
    PRS_TO_CHARS(Real, _ZSt8to_charsPcS_##letter, "GLIBCXX_3.4.29", (char *to, char *end, Real value), (to, end, value))                     \
    PRS_TO_CHARS(Real, _ZSt8to_charsPcS_##letter##St12chars_format, "GLIBCXX_3.4.29", (char *to, char *end, Real value, int format),         \
                 (to, end, value, format))                                                                                                   \
    PRS_TO_CHARS(Real, _ZSt8to_charsPcS_##letter##St12chars_formati, "GLIBCXX_3.4.29", (char *to, char *end, Real value, int format, int precision), \
                 (to, end, value, format, precision))                                                                                        \
    PRS_BEHIND(std::from_chars_result, _ZSt10from_charsPKcS0_R##letter##St12chars_format, "GLIBCXX_3.4.29",                                  \
               (const char *from, const char *end, void *value, int format), (from, end, value, format), OF(Real, value))
PRS_TO_CHARS_OF(float, f)
PRS_TO_CHARS_OF(double, d)
PRS_TO_CHARS_OF(long double, e)

using Device = std::random_device;
PRS_BEHIND(void, _ZNSt13random_device7_M_initERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE, "GLIBCXX_3.4.21", (void *self, const void *token),
           (self, token), OF(Device, self))
PRS_BEHIND(void, _ZNSt13random_device14_M_init_pretr1ERKNSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE, "GLIBCXX_3.4.21", (void *self, const void *token),
           (self, token), OF(Device, self))
PRS_BEHIND(void, _ZNSt13random_device7_M_finiEv, "GLIBCXX_3.4.18", (void *self), (self), OF(Device, self))
PRS_BEHIND(unsigned, _ZNSt13random_device9_M_getvalEv, "GLIBCXX_3.4.18", (void *self), (self), OF(Device, self))
PRS_BEHIND(unsigned, _ZNSt13random_device16_M_getval_pretr1Ev, "GLIBCXX_3.4.18", (void *self), (self), OF(Device, self))

/* ---- exceptions: what is thrown lies in libstdc++'s memory; pointers to it, and the text of a demangled name, in the program's ---- */
using Pointer = std::exception_ptr;
PRS_BEHIND(void *, _ZSt17current_exceptionv, "CXXABI_1.3.3", (void *result), (result), OF(Pointer, result))
PRS_BEHIND(void, _ZNSt15__exception_ptr13exception_ptrC1EPv, "CXXABI_1.3.11", (void *self, void *thrown), (self, thrown), OF(Pointer, self))
PRS_ALSO(void, _ZNSt15__exception_ptr13exception_ptrC1EPv, _ZNSt15__exception_ptr13exception_ptrC2EPv, (void *self, void *thrown))
PRS_BEHIND(void, _ZNSt15__exception_ptr13exception_ptr10_M_releaseEv, "CXXABI_1.3.13", (void *self), (self), OF(Pointer, self))

PRS_REAL(char *, __cxa_demangle, "CXXABI_1.3", (const char *name, char *buffer, size_t *length, int *status))
extern "C" PRS_EXPORTED char *__cxa_demangle(const char *name, char *buffer, size_t *length, int *status);
/* The buffer may be exchanged for another one, so it always is: what libstdc++ writes is of its own. */
extern "C" char *__cxa_demangle(const char *name, char *buffer, size_t *length, int *status)
{
    if (buffer != nullptr && length == nullptr)
        return prs_real___cxa_demangle(name, buffer, length, status); /* refused: -3 */
    Window lengthWindow(length), statusWindow(status);
    int result = 0;
    char *text = prs_real___cxa_demangle(name, nullptr, nullptr, &result);
    if (status != nullptr)
        *status = result;
    if (text == nullptr)
        return nullptr;
    if (length != nullptr)
        *length = strlen(text) + 1;
    free(buffer);
    return text;
}

/* ---- the text of an exception (exceptions.cc): a string of the old kind, whose characters libstdc++ allocates, counts and frees ---- */
using Text = const char *;
PRS_REAL(void, _ZNSsC1EPKcmRKSaIcE, "GLIBCXX_3.4", (void *self, const char *from, size_t count, const void *allocator))
PRS_REAL(void, _ZNSsC1ERKSs, "GLIBCXX_3.4", (void *self, const void *other))
PRS_REAL(void *, _ZNSs6assignERKSs, "GLIBCXX_3.4", (void *self, const void *other))
PRS_REAL(void, _ZNSsD1Ev, "GLIBCXX_3.4", (void *self))
extern "C" void prs_text_make(void *self, const char *from, size_t count);
extern "C" void prs_text_make(void *self, const char *from, size_t count)
{
    OF(Text, self);
    const char allocator = 0;
    prs_real__ZNSsC1EPKcmRKSaIcE(self, from, count, &allocator);
}
extern "C" void prs_text_copy(void *self, const void *other);
extern "C" void prs_text_copy(void *self, const void *other)
{
    OF(Text, self);
    prs_real__ZNSsC1ERKSs(self, other);
}
extern "C" void prs_text_assign(void *self, const void *other);
extern "C" void prs_text_assign(void *self, const void *other)
{
    OF(Text, self);
    prs_real__ZNSs6assignERKSs(self, other);
}
extern "C" void prs_text_drop(void *self);
extern "C" void prs_text_drop(void *self)
{
    OF(Text, self);
    prs_real__ZNSsD1Ev(self);
}

PRS_REAL(void, _ZNSt11regex_errorC1ENSt15regex_constants10error_typeE, "GLIBCXX_3.4.20", (void *self, int code))
PRS_REAL(void, _ZNSt11regex_errorD1Ev, "GLIBCXX_3.4.15", (void *self))
PRS_REAL(const char *, _ZNKSt13runtime_error4whatEv, "GLIBCXX_3.4", (const void *self))
/* What libstdc++ says of an error in a regular expression. */
extern "C" void prs_regex_text(int code, char *to, size_t room);
extern "C" void prs_regex_text(int code, char *to, size_t room)
{
    alignas(16) unsigned char theirs[64];
    prs_real__ZNSt11regex_errorC1ENSt15regex_constants10error_typeE(theirs, code);
    const char *text = prs_real__ZNKSt13runtime_error4whatEv(theirs);
    const size_t length = strnlen(text, room - 1);
    memcpy(to, text, length);
    to[length] = '\0';
    prs_real__ZNSt11regex_errorD1Ev(theirs);
}
