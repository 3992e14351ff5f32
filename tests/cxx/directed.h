// directed.h - what the programs of this directory share: numbers that do not depend on anything, a digest of what was seen, and rounds until enough time has passed.
//
// Everything that is tested lies in the heap (std::make_unique), because only there marks are asked for.
#ifndef DIRECTED_H
#define DIRECTED_H

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

struct Numbers {
  uint64_t State;
  explicit Numbers(uint64_t Seed) : State(Seed * 0x9e3779b97f4a7c15u + 1) {}
  uint64_t next() {
    State ^= State << 13, State ^= State >> 7, State ^= State << 17;
    return State;
  }
  int below(int Bound) { return static_cast<int>(next() % static_cast<uint64_t>(Bound)); }
};

struct Digest {
  uint64_t Sum = 1469598103934665603u;
  void add(uint64_t Value) { Sum = (Sum ^ Value) * 1099511628211u; }
  void add(const std::string &Text) {
    for (char C : Text)
      add(static_cast<unsigned char>(C));
    add(Text.size());
  }
  void add(const std::wstring &Text) {
    for (wchar_t C : Text)
      add(static_cast<uint64_t>(C));
    add(Text.size());
  }
};

/// The program: `round(numbers, digest)` as often as the first argument says.
template <class Round> int run(int Count, char **Arguments, int Default, Round Work) {
  int Rounds = Count > 1 ? std::atoi(Arguments[1]) : Default;
  auto Seen = std::make_unique<Digest>();
  for (int I = 0; I < Rounds; ++I) {
    Numbers From(static_cast<uint64_t>(I + 1));
    Work(From, *Seen);
    if (I % 16 == 0)
      std::printf("round %d: %016llx\n", I, static_cast<unsigned long long>(Seen->Sum));
  }
  std::printf("end: %016llx\n", static_cast<unsigned long long>(Seen->Sum));
  return 0;
}

#endif
