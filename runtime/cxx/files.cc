// files.cc - file streams, and the buffers behind cin and cout, from libstdc++'s headers, compiled with the pass. The files themselves (std::__basic_file) are libstdc++'s, behind windows (windows.c).
#include <ext/stdio_filebuf.h>
#include <ext/stdio_sync_filebuf.h>
#include <fstream>

template class std::basic_filebuf<char>;
template class std::basic_filebuf<wchar_t>;
template class std::basic_ifstream<char>;
template class std::basic_ifstream<wchar_t>;
template class std::basic_ofstream<char>;
template class std::basic_ofstream<wchar_t>;
template class std::basic_fstream<char>;
template class std::basic_fstream<wchar_t>;

template class __gnu_cxx::stdio_sync_filebuf<char>;
template class __gnu_cxx::stdio_sync_filebuf<wchar_t>;
template class __gnu_cxx::stdio_filebuf<char>; // cin and cout after sync_with_stdio(false)
template class __gnu_cxx::stdio_filebuf<wchar_t>;
