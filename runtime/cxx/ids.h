// ids.h - the ids of the facets that numbers.cc instantiates (docs/decisions/libstdcxx.md). Included first.
//
// The ids of the facets stay libstdc++'s: a locale finds its facets by them. They are declared as specialisations, or an instantiation of the class would define them anew.
#ifndef PRS_CXX_IDS_H
#define PRS_CXX_IDS_H

#include <bits/c++config.h>
#undef _GLIBCXX_EXTERN_TEMPLATE
#define _GLIBCXX_EXTERN_TEMPLATE 0 /* a class that was instantiated already cannot be specialised */
#include <locale>

namespace std {

template <> locale::id num_get<char>::id;
template <> locale::id num_put<char>::id;
template <> locale::id num_get<wchar_t>::id;
template <> locale::id num_put<wchar_t>::id;
template <> locale::id numpunct<char>::id;
template <> locale::id numpunct<wchar_t>::id;
template <> locale::id collate<char>::id;
template <> locale::id collate<wchar_t>::id;
template <> locale::id time_put<char>::id;
template <> locale::id time_put<wchar_t>::id;
template <> locale::id __timepunct<char>::id;
template <> locale::id __timepunct<wchar_t>::id;

} // namespace std

#endif
