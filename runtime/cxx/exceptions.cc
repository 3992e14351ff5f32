// exceptions.cc - the standard exceptions, compiled with the pass: objects of them lie in the program's memory as well as in what libstdc++ allocates for a throw.
//
// They have libstdc++'s layout, and share their text with its objects: it is a counted string that libstdc++ makes and frees (windows.cc), so nobody but libstdc++ writes to it.
// Defining the first virtual function of each class gives it a table of functions of this library, so that a destructor that is called through an object is one with marks, too.
#include <exception>
#include <functional>
#include <memory>
#include <new>
#include <regex>
#include <stdexcept>
#include <string>
#include <typeinfo>

extern "C" void prs_text_make(void *self, const char *from, size_t count);
extern "C" void prs_text_copy(void *self, const void *other);
extern "C" void prs_text_assign(void *self, const void *other);
extern "C" void prs_text_drop(void *self);
extern "C" void prs_regex_text(int code, char *to, size_t room);

namespace std {

__cow_string::__cow_string() { prs_text_make(this, "", 0); }
__cow_string::__cow_string(const string &text) { prs_text_make(this, text.data(), text.size()); }
__cow_string::__cow_string(const char *text, size_t count) { prs_text_make(this, text, count); }
__cow_string::__cow_string(const __cow_string &other) noexcept { prs_text_copy(this, &other); }
__cow_string::__cow_string(__cow_string &&other) noexcept { prs_text_copy(this, &other); }
__cow_string &__cow_string::operator=(const __cow_string &other) noexcept
{
    prs_text_assign(this, &other);
    return *this;
}
__cow_string &__cow_string::operator=(__cow_string &&other) noexcept
{
    prs_text_assign(this, &other);
    return *this;
}
__cow_string::~__cow_string() { prs_text_drop(this); }

/* One that keeps a text, and the ones that are derived from it. */
#define PRS_ERROR(Name)                                                                                        \
    Name::Name(const string &text) : _M_msg(text.data(), text.size()) {}                                       \
    Name::Name(const char *text) : _M_msg(text, char_traits<char>::length(text)) {}                            \
    Name::Name(const Name &other) noexcept : exception(other), _M_msg(other._M_msg) {}                         \
    Name::Name(Name &&other) noexcept : exception(other), _M_msg(std::move(other._M_msg)) {}                   \
    Name &Name::operator=(const Name &other) noexcept                                                          \
    {                                                                                                          \
        _M_msg = other._M_msg;                                                                                 \
        return *this;                                                                                          \
    }                                                                                                          \
    Name &Name::operator=(Name &&other) noexcept                                                               \
    {                                                                                                          \
        _M_msg = std::move(other._M_msg);                                                                      \
        return *this;                                                                                          \
    }                                                                                                          \
    Name::~Name() noexcept {}                                                                                  \
    const char *Name::what() const noexcept { return _M_msg._M_p; }
#define PRS_DERIVED(Name, Base)                           \
    Name::Name(const string &text) : Base(text) {}        \
    Name::Name(const char *text) : Base(text) {}          \
    Name::~Name() noexcept {}
PRS_ERROR(logic_error)
PRS_DERIVED(domain_error, logic_error)
PRS_DERIVED(invalid_argument, logic_error)
PRS_DERIVED(length_error, logic_error)
PRS_DERIVED(out_of_range, logic_error)
PRS_ERROR(runtime_error)
PRS_DERIVED(range_error, runtime_error)
PRS_DERIVED(overflow_error, runtime_error)
PRS_DERIVED(underflow_error, runtime_error)

/* One without a text of its own. */
#define PRS_PLAIN(Name, text)              \
    Name::~Name() noexcept {}              \
    const char *Name::what() const noexcept { return text; }
PRS_PLAIN(exception, "std::exception")
PRS_PLAIN(bad_exception, "std::bad_exception")
PRS_PLAIN(bad_alloc, "std::bad_alloc")
PRS_PLAIN(bad_array_new_length, "std::bad_array_new_length")
PRS_PLAIN(bad_cast, "std::bad_cast")
PRS_PLAIN(bad_typeid, "std::bad_typeid")
PRS_PLAIN(bad_function_call, "bad_function_call")
PRS_PLAIN(bad_weak_ptr, "bad_weak_ptr")

nested_exception::~nested_exception() noexcept {}

static string regexText(regex_constants::error_type code)
{
    char text[256];
    prs_regex_text(code, text, sizeof text);
    return text;
}
regex_error::regex_error(regex_constants::error_type code) : runtime_error(regexText(code)), _M_code(code) {}
regex_error::~regex_error() noexcept {}

} // namespace std
