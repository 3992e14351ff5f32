// output.cc - output streams, string streams, what all streams share, and the manipulators: libstdc++'s exported instantiations, from its own headers, compiled with the pass.
#include <complex>
#include <iomanip>
#include <istream>
#include <ostream>
#include <sstream>
#include <streambuf>

namespace std {

template class basic_streambuf<char>;
template class basic_streambuf<wchar_t>;
template class basic_ios<char>;
template class basic_ios<wchar_t>;
template class basic_ostream<char>;
template class basic_ostream<wchar_t>;
template class basic_stringbuf<char>;
template class basic_stringbuf<wchar_t>;
template class basic_istringstream<char>;
template class basic_istringstream<wchar_t>;
template class basic_ostringstream<char>;
template class basic_ostringstream<wchar_t>;
template class basic_stringstream<char>;
template class basic_stringstream<wchar_t>;

template ostream &endl(ostream &);
template ostream &ends(ostream &);
template ostream &flush(ostream &);
template ostream &operator<<(ostream &, char);
template ostream &operator<<(ostream &, unsigned char);
template ostream &operator<<(ostream &, signed char);
template ostream &operator<<(ostream &, const char *);
template ostream &operator<<(ostream &, const unsigned char *);
template ostream &operator<<(ostream &, const signed char *);
template ostream &operator<<(ostream &, const string &);
template ostream &__ostream_insert(ostream &, const char *, streamsize);
template wostream &endl(wostream &);
template wostream &ends(wostream &);
template wostream &flush(wostream &);
template wostream &operator<<(wostream &, wchar_t);
template wostream &operator<<(wostream &, char);
template wostream &operator<<(wostream &, const wchar_t *);
template wostream &operator<<(wostream &, const char *);
template wostream &operator<<(wostream &, const wstring &);
template wostream &__ostream_insert(wostream &, const wchar_t *, streamsize);

#define PRS_INSERT(Type)                           \
    template ostream &ostream::_M_insert(Type);    \
    template wostream &wostream::_M_insert(Type);
PRS_INSERT(long)
PRS_INSERT(unsigned long)
PRS_INSERT(bool)
PRS_INSERT(long long)
PRS_INSERT(unsigned long long)
PRS_INSERT(double)
PRS_INSERT(long double)
PRS_INSERT(const void *)

#define PRS_MANIPULATOR(Type)                             \
    template ostream &operator<<(ostream &, Type);        \
    template istream &operator>>(istream &, Type);        \
    template wostream &operator<<(wostream &, Type);      \
    template wistream &operator>>(wistream &, Type);
PRS_MANIPULATOR(_Setiosflags)
PRS_MANIPULATOR(_Resetiosflags)
PRS_MANIPULATOR(_Setbase)
PRS_MANIPULATOR(_Setprecision)
PRS_MANIPULATOR(_Setw)
template ostream &operator<<(ostream &, _Setfill<char>);
template istream &operator>>(istream &, _Setfill<char>);
template wostream &operator<<(wostream &, _Setfill<wchar_t>);
template wistream &operator>>(wistream &, _Setfill<wchar_t>);

#define PRS_COMPLEX(Real)                                              \
    template ostream &operator<<(ostream &, const complex<Real> &);    \
    template istream &operator>>(istream &, complex<Real> &);          \
    template wostream &operator<<(wostream &, const complex<Real> &);  \
    template wistream &operator>>(wistream &, complex<Real> &);
PRS_COMPLEX(float)
PRS_COMPLEX(double)
PRS_COMPLEX(long double)

} // namespace std
