// facets.cc - virtual functions of objects that libstdc++ has made and that the program calls: the facets of the classic locale, and the buffers of cin, cout, cerr and clog.
//
// No import says that the program calls them. So their objects get a table of functions of this library, whose layout is the same (the class is a base, or has the same name), once, when this library is
// loaded. It suffices for all facets: another locale than the classic one cannot be had without a function that is not covered.
//
//   num_get, num_put, time_put, numpunct, collate    the header's functions, compiled with the pass (numbers.cc)
//   ctype, codecvt                                   libstdc++'s functions, behind windows
//   stdio_sync_filebuf, stdio_filebuf                the header's functions, compiled with the pass (files.cc)
//   money_*, time_get, messages, codecvt of others   not covered: use_facet of them is not (readers.def)
//
// Compiled without the pass: what is written here is in the frame, or behind a window. Context: constructor of the library, and the program's calls.
#include "facets.h"
#include "window.h"
#include <cwchar>
#include <ext/stdio_filebuf.h>
#include <ext/stdio_sync_filebuf.h>
#include <iostream>

extern "C" bool prs_real_sync_with_stdio(bool sync);
__asm__(".symver prs_real_sync_with_stdio, _ZNSt8ios_base15sync_with_stdioEb@GLIBCXX_3.4");

namespace prs_cxx {

struct Ctype : std::ctype<char> {
    ~Ctype() override;
    const char *do_toupper(char *from, const char *end) const override
    {
        Window window(from, end);
        return ctype::do_toupper(from, end);
    }
    const char *do_tolower(char *from, const char *end) const override
    {
        Window window(from, end);
        return ctype::do_tolower(from, end);
    }
    const char *do_widen(const char *from, const char *end, char *to) const override
    {
        Window window(to, to + (end - from));
        return ctype::do_widen(from, end, to);
    }
    const char *do_narrow(const char *from, const char *end, char otherwise, char *to) const override
    {
        Window window(to, to + (end - from));
        return ctype::do_narrow(from, end, otherwise, to);
    }
    using ctype::do_narrow;
    using ctype::do_tolower;
    using ctype::do_toupper;
    using ctype::do_widen;
};
Ctype::~Ctype() = default;

struct WideCtype : std::ctype<wchar_t> {
    ~WideCtype() override;
    const wchar_t *do_is(const wchar_t *from, const wchar_t *end, mask *to) const override
    {
        Window window(to, to + (end - from));
        return ctype::do_is(from, end, to);
    }
    const wchar_t *do_toupper(wchar_t *from, const wchar_t *end) const override
    {
        Window window(from, end);
        return ctype::do_toupper(from, end);
    }
    const wchar_t *do_tolower(wchar_t *from, const wchar_t *end) const override
    {
        Window window(from, end);
        return ctype::do_tolower(from, end);
    }
    const char *do_widen(const char *from, const char *end, wchar_t *to) const override
    {
        Window window(to, to + (end - from));
        return ctype::do_widen(from, end, to);
    }
    const wchar_t *do_narrow(const wchar_t *from, const wchar_t *end, char otherwise, char *to) const override
    {
        Window window(to, to + (end - from));
        return ctype::do_narrow(from, end, otherwise, to);
    }
    using ctype::do_is;
    using ctype::do_narrow;
    using ctype::do_tolower;
    using ctype::do_toupper;
    using ctype::do_widen;
};
WideCtype::~WideCtype() = default;

template <class Char> struct Codecvt : std::codecvt<Char, char, std::mbstate_t> {
    using Base = std::codecvt<Char, char, std::mbstate_t>;
    using State = std::mbstate_t;
    using result = std::codecvt_base::result;
    ~Codecvt() override;
    result do_out(State &state, const Char *from, const Char *end, const Char *&next, char *to, char *toEnd, char *&toNext) const override
    {
        Window window(to, toEnd), first(&state), second(&next), third(&toNext);
        return Base::do_out(state, from, end, next, to, toEnd, toNext);
    }
    result do_unshift(State &state, char *to, char *toEnd, char *&toNext) const override
    {
        Window window(to, toEnd), first(&state), second(&toNext);
        return Base::do_unshift(state, to, toEnd, toNext);
    }
    result do_in(State &state, const char *from, const char *end, const char *&next, Char *to, Char *toEnd, Char *&toNext) const override
    {
        Window window(to, toEnd), first(&state), second(&next), third(&toNext);
        return Base::do_in(state, from, end, next, to, toEnd, toNext);
    }
    int do_length(State &state, const char *from, const char *end, size_t most) const override
    {
        Window window(&state);
        return Base::do_length(state, from, end, most);
    }
};
template <class Char> Codecvt<Char>::~Codecvt() = default;
template struct Codecvt<char>;
template struct Codecvt<wchar_t>;

} // namespace prs_cxx

/* The tables of functions: offset to the top, type, then what an object points at. */
#define PRS_TABLE(name, mangled) extern void *const name[] __asm__("_ZTV" mangled);
PRS_TABLE(numGet, "N7prs_cxx6NumGetE")
PRS_TABLE(numPut, "N7prs_cxx6NumPutE")
PRS_TABLE(timePut, "N7prs_cxx7TimePutE")
PRS_TABLE(numPunct, "N7prs_cxx8NumPunctE")
PRS_TABLE(collation, "N7prs_cxx7CollateE")
PRS_TABLE(wideNumGet, "N7prs_cxx10WideNumGetE")
PRS_TABLE(wideNumPut, "N7prs_cxx10WideNumPutE")
PRS_TABLE(wideTimePut, "N7prs_cxx11WideTimePutE")
PRS_TABLE(wideNumPunct, "N7prs_cxx12WideNumPunctE")
PRS_TABLE(wideCollation, "N7prs_cxx11WideCollateE")
PRS_TABLE(characters, "N7prs_cxx5CtypeE")
PRS_TABLE(wideCharacters, "N7prs_cxx9WideCtypeE")
PRS_TABLE(conversion, "N7prs_cxx7CodecvtIcEE")
PRS_TABLE(wideConversion, "N7prs_cxx7CodecvtIwEE")
PRS_TABLE(syncBuffer, "N9__gnu_cxx18stdio_sync_filebufIcSt11char_traitsIcEEE")
PRS_TABLE(wideSyncBuffer, "N9__gnu_cxx18stdio_sync_filebufIwSt11char_traitsIwEEE")
PRS_TABLE(fileBuffer, "N9__gnu_cxx13stdio_filebufIcSt11char_traitsIcEEE")
PRS_TABLE(wideFileBuffer, "N9__gnu_cxx13stdio_filebufIwSt11char_traitsIwEEE")

static void give(const void *object, void *const *table) { *static_cast<void *const **>(const_cast<void *>(object)) = table + 2; }

template <class Facet> static void giveFacet(void *const *table) { give(&std::use_facet<Facet>(std::locale::classic()), table); }

template <class Sync, class Buffer> static void giveBuffer(Buffer *buffer, void *const *sync, void *const *file)
{
    give(buffer, dynamic_cast<Sync *>(buffer) != nullptr ? sync : file);
}

static void giveBuffers()
{
    using Sync = __gnu_cxx::stdio_sync_filebuf<char>;
    using WideSync = __gnu_cxx::stdio_sync_filebuf<wchar_t>;
    for (std::streambuf *buffer : {std::cin.rdbuf(), std::cout.rdbuf(), std::cerr.rdbuf(), std::clog.rdbuf()})
        giveBuffer<Sync>(buffer, syncBuffer, fileBuffer);
    for (std::wstreambuf *buffer : {std::wcin.rdbuf(), std::wcout.rdbuf(), std::wcerr.rdbuf(), std::wclog.rdbuf()})
        giveBuffer<WideSync>(buffer, wideSyncBuffer, wideFileBuffer);
}

__attribute__((constructor)) static void start()
{
    static std::ios_base::Init streams;
    giveFacet<std::num_get<char>>(numGet);
    giveFacet<std::num_put<char>>(numPut);
    giveFacet<std::time_put<char>>(timePut);
    giveFacet<std::numpunct<char>>(numPunct);
    giveFacet<std::collate<char>>(collation);
    giveFacet<std::ctype<char>>(characters);
    giveFacet<std::codecvt<char, char, std::mbstate_t>>(conversion);
    giveFacet<std::num_get<wchar_t>>(wideNumGet);
    giveFacet<std::num_put<wchar_t>>(wideNumPut);
    giveFacet<std::time_put<wchar_t>>(wideTimePut);
    giveFacet<std::numpunct<wchar_t>>(wideNumPunct);
    giveFacet<std::collate<wchar_t>>(wideCollation);
    giveFacet<std::ctype<wchar_t>>(wideCharacters);
    giveFacet<std::codecvt<wchar_t, char, std::mbstate_t>>(wideConversion);
    giveBuffers();
}

/* Makes new buffers. A program that has put one of its own into cin has it taken out by libstdc++, too. */
bool std::ios_base::sync_with_stdio(bool sync)
{
    const bool before = prs_real_sync_with_stdio(sync);
    if (before && !sync)
        giveBuffers();
    return before;
}
