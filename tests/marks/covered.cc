// covered.cc - a program whose C++ library writes where no mark says so: the messages of an error category are strings that libstdc++ makes where the program wants them.
#include <map>
#include <string>
#include <system_error>

int main() {
  std::map<int, std::string> Map;
  for (int I = 0; I < 1000; ++I)
    Map[I * 7919 % 1009] = std::error_code(I % 50, std::generic_category()).message();
  return Map.size() == 1000 ? 0 : 1;
}
