// facets.h - classes whose virtual functions the facets of libstdc++'s locale get (facets.cc). Same layout as their bases; no object is ever made.
#ifndef PRS_CXX_FACETS_H
#define PRS_CXX_FACETS_H

#include <locale>

namespace prs_cxx {

#define PRS_FACET(Name, Base)       \
    struct Name : Base {            \
        Name() = delete;            \
        ~Name() override;           \
    };
PRS_FACET(NumGet, std::num_get<char>)
PRS_FACET(NumPut, std::num_put<char>)
PRS_FACET(TimePut, std::time_put<char>)
PRS_FACET(NumPunct, std::numpunct<char>)
PRS_FACET(Collate, std::collate<char>)
PRS_FACET(WideNumGet, std::num_get<wchar_t>)
PRS_FACET(WideNumPut, std::num_put<wchar_t>)
PRS_FACET(WideTimePut, std::time_put<wchar_t>)
PRS_FACET(WideNumPunct, std::numpunct<wchar_t>)
PRS_FACET(WideCollate, std::collate<wchar_t>)
#undef PRS_FACET

} // namespace prs_cxx

#endif
