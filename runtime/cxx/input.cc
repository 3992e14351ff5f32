// input.cc - input streams: what the headers have as templates, and what they leave to libstdc++ because it looks into the stream's buffer: getline, ignore, and strings.
//
// Each of those does as the standard says: a sentry; characters are taken from the buffer until one of the conditions holds that its comment lists, which also says the state; an exception of the buffer's
// becomes badbit. Compiled with the pass.
#include <cxxabi.h>
#include <istream>
#include <limits>
#include <locale>
#include <string>

namespace {

/* The part of a buffer that can be read without a call: its members are protected. */
template <class Char> struct Area : std::basic_streambuf<Char> {
    using Buffer = std::basic_streambuf<Char>;
    static const Char *at(Buffer *buffer) { return (buffer->*&Area::gptr)(); }
    static std::streamsize left(Buffer *buffer) { return (buffer->*&Area::egptr)() - at(buffer); }
    static void skip(Buffer *buffer, std::streamsize count)
    {
        for (; count > std::numeric_limits<int>::max(); count -= std::numeric_limits<int>::max())
            (buffer->*&Area::gbump)(std::numeric_limits<int>::max());
        (buffer->*&Area::gbump)(static_cast<int>(count));
    }
};

enum class End { file, delimiter, count };

/* Hands what comes to `take(characters, count)`, until the delimiter (which stays), `most` characters, or the end of the file. */
template <class Char, class Take> End collect(std::basic_streambuf<Char> *buffer, std::streamsize most, Char delimiter, Take take)
{
    using Traits = std::char_traits<Char>;
    for (auto next = buffer->sgetc(); !Traits::eq_int_type(next, Traits::eof()); next = buffer->sgetc()) {
        if (Traits::eq_int_type(next, Traits::to_int_type(delimiter)))
            return End::delimiter;
        if (most == 0)
            return End::count;
        std::streamsize count = std::min(Area<Char>::left(buffer), most);
        if (count <= 0) { /* a buffer without an area */
            const Char one = Traits::to_char_type(next);
            take(&one, 1);
            buffer->sbumpc();
            --most;
            continue;
        }
        const Char *at = Area<Char>::at(buffer), *found = Traits::find(at, static_cast<size_t>(count), delimiter);
        count = found != nullptr ? found - at : count;
        take(at, count);
        Area<Char>::skip(buffer, count);
        most -= count;
    }
    return End::file;
}

/* Runs `work` with an exception becoming badbit, which throws in its turn where the stream is told to. */
template <class Stream, class Work> void guarded(Stream &in, Work work)
{
    try {
        work();
    } catch (abi::__forced_unwind &) {
        in._M_setstate(std::ios_base::badbit);
        throw;
    } catch (...) {
        in._M_setstate(std::ios_base::badbit);
    }
}

const std::ios_base::iostate fine = std::ios_base::goodbit, failed = std::ios_base::failbit, ended = std::ios_base::eofbit;
const std::streamsize unbounded = std::numeric_limits<std::streamsize>::max();

/* failbit when nothing was taken; the delimiter is taken, and not kept. */
template <class Char> std::basic_istream<Char> &line(std::basic_istream<Char> &in, std::basic_string<Char> &text, Char delimiter)
{
    std::ios_base::iostate state = fine;
    typename std::basic_istream<Char>::sentry ready(in, true);
    bool any = false;
    if (ready) {
        guarded(in, [&] {
            text.erase();
            End end = collect(in.rdbuf(), static_cast<std::streamsize>(text.max_size()), delimiter, [&](const Char *from, std::streamsize count) {
                text.append(from, static_cast<size_t>(count));
                any |= count != 0;
            });
            if (end == End::file) {
                state |= ended;
            } else if (end == End::delimiter) {
                in.rdbuf()->sbumpc();
                any = true;
            } else {
                state |= failed;
            }
        });
    }
    if (!any)
        state |= failed;
    if (state != fine)
        in.setstate(state);
    return in;
}

/* Into an array, count - 1 characters at most: failbit when there are more, or none at all. Always ended by a null. */
template <class Char>
std::basic_istream<Char> &array(std::basic_istream<Char> &in, std::streamsize &taken, Char *to, std::streamsize count, Char delimiter)
{
    std::ios_base::iostate state = fine;
    taken = 0;
    typename std::basic_istream<Char>::sentry ready(in, true);
    if (ready) {
        guarded(in, [&] {
            End end = collect(in.rdbuf(), count > 0 ? count - 1 : 0, delimiter, [&](const Char *from, std::streamsize length) {
                std::char_traits<Char>::copy(to, from, static_cast<size_t>(length));
                to += length;
                taken += length;
            });
            if (end == End::file) {
                state |= ended;
            } else if (end == End::delimiter) {
                ++taken;
                in.rdbuf()->sbumpc();
            } else {
                state |= failed;
            }
        });
    }
    if (count > 0)
        *to = Char();
    if (taken == 0)
        state |= failed;
    if (state != fine)
        in.setstate(state);
    return in;
}

/* Drops through the delimiter (eof: there is none), `count` characters (unbounded: any number), or to the end of the file. */
template <class Char>
std::basic_istream<Char> &skipThrough(std::basic_istream<Char> &in, std::streamsize &taken, std::streamsize count,
                                      typename std::char_traits<Char>::int_type delimiter)
{
    using Traits = std::char_traits<Char>;
    const bool isDelimited = !Traits::eq_int_type(delimiter, Traits::eof());
    std::ios_base::iostate state = fine;
    taken = 0;
    typename std::basic_istream<Char>::sentry ready(in, true);
    if (ready) {
        guarded(in, [&] {
            std::basic_streambuf<Char> *buffer = in.rdbuf();
            while (count == unbounded || taken < count) {
                const auto next = buffer->sgetc();
                if (Traits::eq_int_type(next, Traits::eof())) {
                    state |= ended;
                    break;
                }
                const bool isEnd = isDelimited && Traits::eq_int_type(next, delimiter);
                std::streamsize length = isEnd ? 0 : Area<Char>::left(buffer);
                length = count != unbounded && length > count - taken ? count - taken : length;
                if (length > 0) {
                    const Char *at = Area<Char>::at(buffer);
                    const Char *found = isDelimited ? Traits::find(at, static_cast<size_t>(length), Traits::to_char_type(delimiter)) : nullptr;
                    length = found != nullptr ? found - at : length;
                    Area<Char>::skip(buffer, length);
                } else {
                    buffer->sbumpc();
                    length = 1;
                }
                taken = taken > unbounded - length ? unbounded : taken + length;
                if (isEnd)
                    break;
            }
        });
    }
    if (state != fine)
        in.setstate(state);
    return in;
}

} // namespace

namespace std {

/* A word: until white space (which stays), width() characters, or the end of the file. */
template <> istream &operator>>(istream &in, string &text)
{
    ios_base::iostate state = fine;
    istream::sentry ready(in, false);
    bool any = false;
    if (ready) {
        guarded(in, [&] {
            text.erase();
            const streamsize width = in.width();
            streamsize most = width > 0 ? width : static_cast<streamsize>(text.max_size());
            const auto &kinds = use_facet<ctype<char>>(in.getloc());
            streambuf *buffer = in.rdbuf();
            for (;;) {
                const auto next = buffer->sgetc();
                if (char_traits<char>::eq_int_type(next, char_traits<char>::eof())) {
                    state |= ended;
                    break;
                }
                if (most == 0 || kinds.is(ctype_base::space, char_traits<char>::to_char_type(next)))
                    break;
                streamsize count = min(Area<char>::left(buffer), most);
                if (count <= 0) {
                    text.push_back(char_traits<char>::to_char_type(next));
                    buffer->sbumpc();
                    count = 1;
                } else {
                    const char *at = Area<char>::at(buffer);
                    count = kinds.scan_is(ctype_base::space, at, at + count) - at;
                    text.append(at, static_cast<size_t>(count));
                    Area<char>::skip(buffer, count);
                }
                most -= count;
                any = true;
            }
            in.width(0);
        });
    }
    if (!any)
        state |= failed;
    if (state != fine)
        in.setstate(state);
    return in;
}

template <> istream &getline(istream &in, string &text, char delimiter) { return line(in, text, delimiter); }
template <> wistream &getline(wistream &in, wstring &text, wchar_t delimiter) { return line(in, text, delimiter); }

template <> istream &istream::getline(char *to, streamsize count, char delimiter) { return array(*this, _M_gcount, to, count, delimiter); }
template <> wistream &wistream::getline(wchar_t *to, streamsize count, wchar_t delimiter) { return array(*this, _M_gcount, to, count, delimiter); }
template <> istream &istream::ignore(streamsize count, int_type delimiter) { return skipThrough(*this, _M_gcount, count, delimiter); }
template <> wistream &wistream::ignore(streamsize count, int_type delimiter) { return skipThrough(*this, _M_gcount, count, delimiter); }
template <> istream &istream::ignore(streamsize count) { return skipThrough(*this, _M_gcount, count, traits_type::eof()); }
template <> wistream &wistream::ignore(streamsize count) { return skipThrough(*this, _M_gcount, count, traits_type::eof()); }

/* A word into an array: width() - 1 characters at most, count - 1 in any case. */
void __istream_extract(istream &in, char *to, streamsize count)
{
    ios_base::iostate state = fine;
    streamsize taken = 0;
    istream::sentry ready(in, false);
    if (ready) {
        guarded(in, [&] {
            const streamsize width = in.width();
            count = 0 < width && width < count ? width : count;
            const auto &kinds = use_facet<ctype<char>>(in.getloc());
            streambuf *buffer = in.rdbuf();
            for (auto next = buffer->sgetc(); taken < count - 1; next = buffer->snextc()) {
                if (char_traits<char>::eq_int_type(next, char_traits<char>::eof())) {
                    state |= ended;
                    break;
                }
                if (kinds.is(ctype_base::space, char_traits<char>::to_char_type(next)))
                    break;
                *to++ = char_traits<char>::to_char_type(next);
                ++taken;
            }
            if (taken == count - 1 && char_traits<char>::eq_int_type(buffer->sgetc(), char_traits<char>::eof()))
                state |= ended;
            *to = char();
            in.width(0);
        });
    }
    if (taken == 0)
        state |= failed;
    if (state != fine)
        in.setstate(state);
}

/* From one buffer to another, until either ends; `ended` says that it was the source. */
template <class Char> static streamsize copied(basic_streambuf<Char> *from, basic_streambuf<Char> *to, bool &isEnded)
{
    using Traits = char_traits<Char>;
    streamsize total = 0;
    isEnded = true;
    for (auto next = from->sgetc(); !Traits::eq_int_type(next, Traits::eof()); next = from->sgetc()) {
        const streamsize count = Area<Char>::left(from);
        if (count > 1) {
            const streamsize written = to->sputn(Area<Char>::at(from), count);
            Area<Char>::skip(from, written);
            total += written;
            if (written < count) {
                isEnded = false;
                break;
            }
        } else {
            if (Traits::eq_int_type(to->sputc(Traits::to_char_type(next)), Traits::eof())) {
                isEnded = false;
                break;
            }
            from->sbumpc();
            ++total;
        }
    }
    return total;
}
template <> streamsize __copy_streambufs_eof(streambuf *from, streambuf *to, bool &isEnded) { return copied(from, to, isEnded); }
template <> streamsize __copy_streambufs_eof(wstreambuf *from, wstreambuf *to, bool &isEnded) { return copied(from, to, isEnded); }
template streamsize __copy_streambufs(streambuf *, streambuf *);
template streamsize __copy_streambufs(wstreambuf *, wstreambuf *);

template class basic_istream<char>;
template class basic_istream<wchar_t>;
template class basic_iostream<char>;
template class basic_iostream<wchar_t>;

template istream &ws(istream &);
template wistream &ws(wistream &);
template istream &operator>>(istream &, char &);
template istream &operator>>(istream &, unsigned char &);
template istream &operator>>(istream &, signed char &);
template wistream &operator>>(wistream &, wchar_t &);
template void __istream_extract(wistream &, wchar_t *, streamsize);
template wistream &operator>>(wistream &, wstring &);
template istream &getline(istream &, string &);
template wistream &getline(wistream &, wstring &);
#define PRS_EXTRACT(Type)                             \
    template istream &istream::_M_extract(Type &);    \
    template wistream &wistream::_M_extract(Type &);
PRS_EXTRACT(unsigned short)
PRS_EXTRACT(unsigned int)
PRS_EXTRACT(long)
PRS_EXTRACT(unsigned long)
PRS_EXTRACT(bool)
PRS_EXTRACT(long long)
PRS_EXTRACT(unsigned long long)
PRS_EXTRACT(float)
PRS_EXTRACT(double)
PRS_EXTRACT(long double)
PRS_EXTRACT(void *)

} // namespace std
