// strings.cc - std::string and std::wstring: the members that libstdc++ exports, from its own headers, compiled with the pass.
#include <string>

template class std::basic_string<char>;
template class std::basic_string<wchar_t>;
