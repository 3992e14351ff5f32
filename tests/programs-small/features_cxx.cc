// What ordinary C++ programs are made of, with a kill possible anywhere: containers, exceptions through frames with destructors, static and thread-local
// objects, virtual calls, streams.
#include "check.h"
#include <algorithm>
#include <deque>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

struct Counted {
  static int Alive, Made;
  std::string Name;
  explicit Counted(std::string N) : Name(std::move(N)) { ++Alive, ++Made; }
  Counted(const Counted &Other) : Name(Other.Name) { ++Alive, ++Made; }
  ~Counted() { --Alive; }
};
int Counted::Alive = 0;
int Counted::Made = 0;

struct Static { // constructed before main, destroyed after
  std::vector<std::string> Log{"constructed"};
  ~Static() { std::printf("static object destroyed, %zu lines, %d alive\n", Log.size(), Counted::Alive); }
} TheStatic;

thread_local std::map<int, std::string> PerThread;

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
};
struct Square : Shape {
  double Side;
  explicit Square(double S) : Side(S) {}
  double area() const override { return Side * Side; }
};
struct Disc : virtual Shape {
  double Radius;
  explicit Disc(double R) : Radius(R) {}
  double area() const override { return 3 * Radius * Radius; }
};

class Failure : public std::runtime_error {
public:
  int Depth;
  std::shared_ptr<Counted> Cargo;
  Failure(int D, std::shared_ptr<Counted> C) : std::runtime_error("depth " + std::to_string(D)), Depth(D), Cargo(std::move(C)) {}
};

int dive(int Depth, int Throw) {
  Counted Here("frame " + std::to_string(Depth));
  if (Depth == Throw)
    throw Failure(Depth, std::make_shared<Counted>("cargo of " + Here.Name));
  try {
    return dive(Depth + 1, Throw) + static_cast<int>(Here.Name.size());
  } catch (Failure &F) {
    if (Depth % 5 != 0)
      throw; // goes on up
    (void)check_spin(0.0003);
    if (Depth > Throw / 2)
      std::throw_with_nested(Failure(F.Depth + 1000, F.Cargo));
    return F.Depth * 7 + static_cast<int>(F.Cargo->Name.size());
  }
}

uint64_t containers(int Round, std::map<std::string, std::vector<int>> &Map, std::unordered_map<int, std::list<std::string>> &Table) {
  std::set<std::string> Words;
  std::deque<int> Queue;
  for (int I = 0; I < 200; ++I) {
    std::string Key = "key " + std::to_string((I * 7919 + Round * 31) % 97);
    Map[Key].push_back(I ^ Round);
    Table[(I * 13 + Round) % 41].push_front(Key + " of round " + std::to_string(Round));
    Words.insert(Key);
    Queue.push_back(I);
    if (I % 3 == 0)
      Queue.pop_front();
  }
  if (Round % 5 == 4) {
    Map.erase(Map.begin(), std::next(Map.begin(), 10));
    Table.erase(Round % 41);
  }
  uint64_t Sum = Words.size() * 1000 + Queue.size();
  for (const auto &[Key, Values] : Map)
    for (int Value : Values)
      Sum = Sum * 31 + static_cast<uint64_t>(Value) + Key.size();
  for (int I = 0; I < 41; ++I)
    for (const std::string &Text : Table[I])
      Sum = Sum * 37 + Text.size();
  return Sum;
}

} // namespace

int main() {
  std::map<std::string, std::vector<int>> Map;
  std::unordered_map<int, std::list<std::string>> Table;
  std::vector<std::unique_ptr<Shape>> Shapes;
  std::function<int(int)> Grown = [](int X) { return X; };
  std::ofstream File("lines.txt");
  std::ostringstream Text;
  uint64_t Sum = 0;
  for (int Round = 0; Round < 120; ++Round) {
    Sum = Sum * 6364136223846793005u + containers(Round, Map, Table);
    if (Round % 2 != 0)
      Shapes.push_back(std::make_unique<Square>(Round));
    else
      Shapes.push_back(std::make_unique<Disc>(Round));
    double Area = 0;
    for (const auto &S : Shapes)
      Area += S->area() + (dynamic_cast<const Disc *>(S.get()) != nullptr ? 1 : 0);
    int Caught = 0;
    for (int Throw = 3; Throw < 24; Throw += 4)
      try {
        Caught += dive(0, Throw);
      } catch (const Failure &F) {
        Caught += F.Depth;
      }
    CHECK_EQUAL(Counted::Alive, 0);
    PerThread[Round] = std::to_string(Caught);
    if (Round % 10 == 0)
      Grown = [Before = Grown, Round](int X) { return Before(X) * 3 + Round; };
    static std::vector<int> Local(3, Round);
    Local.push_back(Grown(Round));
    TheStatic.Log.push_back("round " + std::to_string(Round));
    File << std::setw(6) << Round << ' ' << std::hex << Sum << std::dec << ' ' << std::fixed << std::setprecision(3) << Area << '\n';
    Text << Caught << ',';
    (void)check_spin(0.005);
    Sum += Local.size() + PerThread.size() + static_cast<uint64_t>(Local.back());
  }
  File.close();
  std::ifstream Back("lines.txt");
  std::string Line;
  int Lines = 0;
  while (std::getline(Back, Line))
    ++Lines;
  CHECK_EQUAL(Lines, 120);
  std::cout << "sum " << std::hex << Sum << std::dec << ", " << Text.str().size() << " characters, " << Counted::Made << " made" << std::endl;
  return check_end("features of C++");
}
