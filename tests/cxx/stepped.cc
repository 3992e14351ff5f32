// stepped.cc - a little of everything that libprosper_cxx covers, for single-stepping: few instructions, all in the heap.
#include <algorithm>
#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>

int main() {
  auto Map = std::make_unique<std::map<int, std::string>>();
  auto List = std::make_unique<std::list<int>>();
  auto Table = std::make_unique<std::unordered_map<int, int>>();
  auto Text = std::make_unique<std::string>();
  for (int I = 0; I < 14; ++I) {
    (*Map)[I * 5 % 14] = std::string(static_cast<size_t>(I * 2), 'm');
    List->push_front(I * 3 % 7);
    (*Table)[I] = I;
    Text->append(3, static_cast<char>('a' + I)).insert(1, "xy");
  }
  for (int I = 0; I < 14; I += 2)
    Map->erase(I);
  List->sort();
  List->reverse();
  auto Out = std::make_unique<std::ostringstream>();
  *Out << 42 << ' ' << 2.5 << ' ' << *Text;
  auto In = std::make_unique<std::istringstream>(Out->str());
  int Number = 0;
  double Real = 0;
  auto Word = std::make_unique<std::string>();
  *In >> Number >> Real >> *Word;
  std::unique_ptr<std::runtime_error> Kept;
  try {
    throw std::runtime_error(*Word);
  } catch (const std::runtime_error &Error) {
    Kept = std::make_unique<std::runtime_error>(Error);
  }
  std::printf("%zu %d %zu %d %g %s %s\n", Map->size(), List->front(), Table->size(), Number, Real, Word->c_str(), Kept->what());
  return 0;
}
