// covered.cc - a program whose C++ library stores into its nodes without marks.
#include <map>

int main() {
  std::map<int, int> Map;
  for (int I = 0; I < 1000; ++I)
    Map[I * 7919 % 1009] = I;
  return Map.size() == 1000 ? 0 : 1;
}
