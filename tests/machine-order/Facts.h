//===- Facts.h - which marks are in force -----------------------*- C++ -*-===//
//
// At each point of a function, on all paths from its entry:
//
//   Numbers    mark n was executed since the last call, in this round of every loop around it. When that does not hold, but did or
//              does on some path, the reason is kept for the report.
//   Addresses  these bytes (node + [Low, High)) were marked since the last call. Says nothing of numbers, so it also holds for marks
//              whose line was lost, and it is right across rounds of a loop: nodes are renamed there (Values.h, V1).
//
// Short marks have an age, of both kinds: how many short marks were executed since, on the way with the most. At more than PRS_GAP_MARKS they are no
// longer in force. Long marks do not age, and serve in any round of a loop. A release ends all of them, like a call.
//
//   Pending    calls after which a mark must follow (sret), on some path.
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_ORDER_FACTS_H
#define PROSPER_ORDER_FACTS_H

#include "Graph.h"
#include "Values.h"

namespace order {

/// A marked range whose length is a value, too.
struct Range {
  Value From, Length;
  bool operator==(const Range &O) const { return From == O.From && Length == O.Length; }
};

/// From good to bad; a join keeps the worst.
enum class Standing : uint8_t { InForce, OtherRound, ManyBetween, MissingOnPath, CallBetween, ReleaseBetween };

constexpr unsigned LongIndex = 30;  ///< the index of long marks (llvm-pass/Numbering.cpp)
constexpr int Ageless = -1;         ///< the age of what a long mark marked

struct NumberFact {
  unsigned Number, Index; ///< Index: a store may have several marks
  Standing How = Standing::InForce;
  Value Address;          ///< that was marked; not known when paths differ
  unsigned Lines = 0;     ///< of a long mark: how many, from Address on; 0: not known
  unsigned Size = 0;      ///< bytes that the mark is for; 0: not known
  unsigned Age = 0;       ///< of a short mark
  unsigned Distance = 0;  ///< instructions since the mark, by the shortest way
  unsigned Block = 0;     ///< of the mark
  uint64_t Call = 0;      ///< address of the call or release between
  NumberFact(unsigned Number, unsigned Index, Value Address = {}, unsigned Block = 0)
      : Number(Number), Index(Index), Address(Address), Block(Block) {}
  bool isLong() const { return Index == LongIndex; }
  bool operator==(const NumberFact &O) const { // not the distance: it may be off in a loop, but must not keep us going round
    return Number == O.Number && Index == O.Index && How == O.How && Address == O.Address && Lines == O.Lines && Size == O.Size && Age == O.Age &&
           Block == O.Block;
  }
};

struct Marked {
  unsigned Base;
  int64_t Low, High;
  int Age = 0;
  bool operator==(const Marked &O) const { return Base == O.Base && Low == O.Low && High == O.High && Age == O.Age; }
  bool operator<(const Marked &O) const { return Base != O.Base ? Base < O.Base : Low < O.Low; }
};

struct Facts {
  llvm::SmallVector<NumberFact, 4> Numbers; ///< sorted
  llvm::SmallVector<Marked, 8> Addresses;   ///< sorted; no byte is in two of them
  llvm::SmallVector<Range, 2> Ranges;       ///< belongs to Addresses
  llvm::SmallVector<unsigned, 2> Pending;   ///< sorted
  bool operator==(const Facts &O) const {
    return Numbers == O.Numbers && Addresses == O.Addresses && Ranges == O.Ranges && Pending == O.Pending;
  }

  const NumberFact *find(unsigned Number, unsigned Index) const;
  NumberFact &mark(const NumberFact &Mark);
  void markAddress(Value Address, int64_t Length, int Age);
  /// One more short mark is executed.
  void age();
  /// How: CallBetween or ReleaseBetween.
  void endGaps(uint64_t Address, Standing How);
  void step() {
    for (NumberFact &N : Numbers)
      ++N.Distance;
  }
  /// All of [Address, Address + Width) is marked. Width 0: not known.
  bool covers(Value Address, unsigned Width) const;
};

struct State {
  Machine M;
  Facts F;
  bool Visited = false;
  bool operator==(const State &O) const { return Visited == O.Visited && M == O.M && F == O.F; }
};

/// Registers (a bit each) and slots that a block renames on entry, and of these the ones that have a name of their own. They only become
/// more, which makes the iteration end.
struct Names {
  uint16_t Renamed = 0, Named = 0;
  std::set<Value> RenamedSlots, NamedSlots;
  std::map<unsigned, std::pair<unsigned, int64_t>> Along; ///< a register that is another one, shifted, and something constant
  bool operator==(const Names &O) const {
    return std::tie(Renamed, Named, RenamedSlots, NamedSlots, Along) == std::tie(O.Renamed, O.Named, O.RenamedSlots, O.NamedSlots, O.Along);
  }
};

/// What holds on entry of block B, given what holds at the end of its predecessors.
State joinAt(unsigned B, const Graph &G, llvm::ArrayRef<State> Ends, Values &V, Names &Known);
/// The same for each way into B alone: what differs between them need not be forgotten.
std::vector<State> comingFromEach(unsigned B, const Graph &G, llvm::ArrayRef<State> Ends, Values &V);

} // namespace order

#endif
