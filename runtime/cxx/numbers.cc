// numbers.cc - the facets that read and print numbers, dates and their names, from libstdc++'s headers, compiled with the pass: they count in the stream and its buffer.
//
// Compiled without `extern template`, so that the ids can stay libstdc++'s (ids.h). facets.cc gives these functions to the facets that libstdc++ has made.
#include "ids.h"
#include "facets.h"

namespace std {

template class num_get<char>;
template class num_get<wchar_t>;
template class num_put<char>;
template class num_put<wchar_t>;
template class time_put<char>;
template class time_put<wchar_t>;
template class numpunct<char>;
template class numpunct<wchar_t>;
template class collate<char>;
template class collate<wchar_t>;

} // namespace std

namespace prs_cxx {

NumGet::~NumGet() = default;
NumPut::~NumPut() = default;
TimePut::~TimePut() = default;
NumPunct::~NumPunct() = default;
Collate::~Collate() = default;
WideNumGet::~WideNumGet() = default;
WideNumPut::~WideNumPut() = default;
WideTimePut::~WideTimePut() = default;
WideNumPunct::~WideNumPunct() = default;
WideCollate::~WideCollate() = default;

} // namespace prs_cxx
