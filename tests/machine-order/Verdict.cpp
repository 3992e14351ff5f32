//===- Verdict.cpp - is this store in order? -------------------------------===//
//
// Rules R2 to R9 and R12 to R14 of order_check.cpp, for one instruction and what holds in front of it.
//
//===----------------------------------------------------------------------===//
#include "Checker.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FormatVariadic.h"
#include "prosper/abi.h"

using namespace llvm;

namespace order {

void Checker::checkStore(const Instruction &I, const State &S, Value Address) {
  unsigned Width = widthOf(I, S);
  bool ByAddress = S.F.covers(Address, Width);
  if (isStoreLine(I.Line))
    checkNumbered(I, S, Address, Width, ByAddress);
  else if (I.Line == ExemptLine)
    checkExempt(I, Address, ByAddress);
  else
    checkUnnumbered(I, Address, ByAddress);
}

/// A repeated string instruction writes as often as %rcx says. What a masked store writes of a wider register than its site has is masked off.
unsigned Checker::widthOf(const Instruction &I, const State &S) const {
  if (I.IsMasked && isStoreLine(I.Line) && sizeOf(I))
    return std::min(I.Width, sizeOf(I));
  if (I.What != Kind::String || I.Inst.getFlags() == 0)
    return I.Width;
  return I.Width * std::min(constantOr0(S.M.Registers[RCX]), 1u << 24);
}

unsigned Checker::constantOr0(Value Length) const {
  return V.isConstant(Length) && Length.Offset > 0 && Length.Offset < (1 << 30) ? static_cast<unsigned>(Length.Offset) : 0;
}

/// Rule R6.
void Checker::checkStoringCall(const Instruction &I, const State &S, StringRef Callee) {
  bool WritesFirst = StringSwitch<bool>(Callee).Cases("memcpy", "memmove", "memset", true).Default(false);
  Value To = WritesFirst ? S.M.Registers[RDI] : Value(), Length = S.M.Registers[RDX];
  unsigned Width = WritesFirst ? constantOr0(Length) : 0;
  bool ByAddress = S.F.covers(To, Width) || (To && is_contained(S.F.Ranges, Range{To, Length}));
  if (isStoreLine(I.Line)) {
    ++T[Figure::StoreCalls];
    checkNumbered(I, S, To, Width, ByAddress);
  } else if (WritesFirst && I.Line == ExemptLine) {
    checkExempt(I, To, ByAddress);
  } else if (WritesFirst) {
    checkUnnumbered(I, To, ByAddress);
  }
}

/// Rule R9.
void Checker::checkPending(const Instruction &I, State &S, bool IsReport) {
  if (IsReport)
    for (unsigned Number : S.F.Pending)
      violation(I, formatv("pair {0}: the mark after its call does not come before this", Number));
  S.F.Pending.clear();
}

/// Rules R2 to R5 and R7.
void Checker::checkNumbered(const Instruction &I, const State &S, Value Address, unsigned Width, bool ByAddress) {
  ++T[Figure::Stores];
  const bool IsLong = isServedByLong(I);
  const unsigned Number = I.Line / 2, Count = markCount(I), FirstIndex = IsLong ? LongIndex : 0;
  const NumberFact *Bad = nullptr, *First = S.F.find(Number, FirstIndex);
  bool ByNumber = true;
  unsigned Distance = 0, Age = 0;
  for (unsigned Index = FirstIndex; Index < FirstIndex + Count; ++Index) {
    const NumberFact *N = S.F.find(Number, Index);
    if (N && N->How == Standing::InForce) {
      Distance = std::max(Distance, N->Distance);
      Age = std::max(Age, N->Age);
    } else {
      ByNumber = false;
      Bad = N ? N : Bad;
    }
  }
  if (!ByNumber && !ByAddress)
    ByAddress = isRightOnEachWay(I);
  if (!ByNumber && !ByAddress)
    return violation(I, formatv("pair {0}: {1}", Number, whyNot(Number, Bad)));
  if (!ByNumber) {
    ++T[Figure::ByAddress];
    T.AddressOnly.push_back(formatv("{0} (pair {1})", inWords(I), Number));
    return;
  }
  if (IsLong && First->Lines) { // rule R12
    if (First->Lines < LinesOf.lookup(Number))
      return violation(I, formatv("pair {0}: its mark has {1} lines, and only {2} of them are marked before it", Number, LinesOf.lookup(Number), First->Lines));
    if (First->Size > 64 * First->Lines - 63)
      return violation(I, formatv("pair {0}: its mark is for {1} bytes, and marks only {2} lines", Number, First->Size, First->Lines));
  }
  // Arguments of the call that is the store, on their way to the stack: memory of this frame, not of the site.
  bool IsArgument = AtCalls.contains(Number) && V.isSlot(Address);
  if (!ByAddress && !IsArgument && Count == 1 && Width) {
    int64_t At = Address.Offset - First->Address.Offset, End = IsLong ? 64 * static_cast<int64_t>(First->Lines) - 63 : 0;
    bool IsNear = First->Address && First->Address.Base == Address.Base, IsInside = At >= 0 && At + static_cast<int64_t>(Width) <= End;
    if (IsNear && !IsInside) // inside, and not marked by address: null on some way
      return violation(I, formatv("pair {0}: writes {1} bytes at {2} from what its mark is for, and not all of them are marked", Number, Width,
                                  At));
    bool IsWider = !IsNear && sizeOf(I) && Width > sizeOf(I);
    if (IsWider && Width <= First->Size)
      ++T[Figure::Merged]; // with a neighbour that is likely to have the same mark (L2)
    else if (IsWider)
      return violation(I, formatv("pair {0}: writes {1} bytes, its mark is for {2}", Number, Width, sizeOf(I)));
  }
  ++T[ByAddress ? Figure::ByBoth : Figure::ByNumber];
  T[Figure::OfLong] += IsLong;
  T[Figure::OfLongByNumber] += IsLong && !ByAddress;
  if (!ByAddress)
    T.NumberOnly.push_back(inWords(I));
  auto Note = [&](unsigned Count, unsigned &Most, std::string &MostAt) {
    if (Count > Most) {
      Most = Count;
      MostAt = place(I);
    }
  };
  Note(Distance, IsLong ? T.LongestGapOfLong : T.LongestGap, IsLong ? T.LongestGapOfLongAt : T.LongestGapAt);
  Note(Age, T.Oldest, T.OldestAt);
}

std::string Checker::whyNot(unsigned Number, const NumberFact *Bad) const {
  if (!AtMarks.contains(Number))
    return "no mark of this number is left in the function";
  if (!Bad)
    return "no mark comes before it";
  switch (Bad->How) {
  case Standing::CallBetween:
    return formatv("the call at {0:x} stands between mark and store", Bad->Call);
  case Standing::ReleaseBetween:
    return formatv("the release at {0:x} stands between mark and store", Bad->Call);
  case Standing::ManyBetween:
    return formatv("more than {0} marks are executed between mark and store", PRS_GAP_MARKS);
  case Standing::MissingOnPath:
    return "on one path no mark comes before it";
  default:
    return "its mark was made in another round of a loop, and not for this address";
  }
}

/// Rule R8.
void Checker::checkUnnumbered(const Instruction &I, Value Address, bool ByAddress) {
  if (V.isFrame(Address))
    ++T[V.isSlot(Address) && !I.hasIndex() ? Figure::InFrame : Figure::InFrameIndexed];
  else if (!ByAddress && isInData(I, Address))
    ++T[Figure::InData];
  else if (!ByAddress && isForeign(Address) && F.IsLocal && !isRightOnEachWay(I))
    T.PerhapsHandedIn.push_back({{F.Start, V.argument(Address)}, inWords(I)});
  else
    checkMarked(I, ByAddress);
}

/// Rule R13.
void Checker::checkExempt(const Instruction &I, Value Address, bool ByAddress) {
  if (ByAddress) {
    ++T[Figure::ExemptMarked];
  } else if (V.isFrame(Address)) {
    ++T[Figure::ExemptFrame];
  } else if (isInData(I, Address)) {
    ++T[Figure::ExemptData];
  } else if (!V.threadLocal(Address).empty() || V.isThread(Address)) {
    ++T[Figure::ExemptThread];
  } else if (isForeign(Address) && I.Column != OwnColumn && F.IsLocal) {
    ++T[Figure::ExemptHandedIn];
    T.HandedIn.insert({F.Start, V.argument(Address)});
  } else if (isForeign(Address)) {
    violation(I, "the pass says that this needs no mark, and it goes through an argument");
  } else {
    ++T[Figure::ExemptUnknown];
    T.Exempt.push_back(inWords(I));
  }
}

/// By its number, or by the table that holds the addresses of other files' variables; with an index or not. A number that is the distance of a field is told
/// from an address by the instruction it stands in.
bool Checker::isInData(const Instruction &I, Value Address) const {
  if (!Address)
    return false;
  if (V.isSymbol(Address))
    return true;
  if (!P.isInImage(static_cast<uint64_t>(Address.Offset)))
    return false;
  bool HasNumber = I.Memory >= 0 && I.memory(Instruction::Displacement).isImm() && !P.isRelative(I);
  int64_t Displacement = HasNumber ? I.memory(Instruction::Displacement).getImm() : 0;
  return P.hasFixedAddress() || V.isConstant(Address) || P.isInImage(static_cast<uint64_t>(Address.Offset - Displacement));
}

/// Certainly neither the own frame nor a variable of the program.
bool Checker::isForeign(Value Address) const {
  return Address && V.isArgument(Address) && G.Blocks[0].Predecessors.empty() && std::abs(Address.Offset) < (1 << 20) &&
         !P.isInImage(static_cast<uint64_t>(Address.Offset));
}

/// Rule R14: of the arguments of a call those that are arguments of this function.
void Checker::noteArguments(const Instruction &I, const Machine &M) {
  if (!I.Target || !G.Blocks[0].Predecessors.empty())
    return;
  for (unsigned Register : ArgumentRegisters)
    if (Value Handed = M.Registers[Register]; Handed && V.isArgument(Handed))
      T.HandedOn[{I.Target, Register}].insert({F.Start, V.argument(Handed)});
}

void Checker::checkMarked(const Instruction &I, bool ByAddress) {
  if (ByAddress || isRightOnEachWay(I)) {
    ++T[Figure::LostByAddress];
    T.Lost.push_back(inWords(I));
    return;
  }
  ++T[Figure::NotMarked];
  violation(I, "this store has no number, and no mark in force is for its address");
}

/// Merged ends of blocks differ in what they store where; one way at a time, each of them may well be in order. A way that is not is split once more: the
/// merging leaves blocks behind that only jump to the next one.
bool Checker::isRightOnEachWay(const Instruction &I) {
  auto IsRightFrom = [&](State &S) {
    for (unsigned Before = G.Blocks[Reported].First; Code[Before].Address != I.Address; ++Before)
      visit(Code[Before], Reported, S, /*IsReport=*/false);
    return isRight(I, S);
  };
  SmallVector<unsigned> From; // of each way; what holds at the entry has no block
  for (auto [Block, Edge] : G.Blocks[Reported].Predecessors)
    if (Ends[Block].Visited)
      From.push_back(Block);
  std::vector<State> Ways = comingFromEach(Reported, G, Ends, V);
  for (unsigned Way = 0; Way < Ways.size(); ++Way) {
    if (IsRightFrom(Ways[Way]))
      continue;
    if (Way >= From.size() || From[Way] == Reported)
      return false;
    std::vector<State> Alone = Ends;
    for (State &S : comingFromEach(From[Way], G, Ends, V)) {
      Alone[From[Way]] = visitBlock(From[Way], std::move(S), /*IsReport=*/false);
      if (!IsRightFrom(comingFromEach(Reported, G, Alone, V)[Way]))
        return false;
    }
  }
  return true;
}

bool Checker::isRight(const Instruction &I, const State &S) {
  if (I.Desc->isCall() || I.Desc->isBranch())
    return S.F.covers(S.M.Registers[RDI], constantOr0(S.M.Registers[RDX])) ||
           is_contained(S.F.Ranges, Range{S.M.Registers[RDI], S.M.Registers[RDX]}) || V.isFrame(S.M.Registers[RDI]);
  Value Address = V.addressOf(I, S.M);
  return S.F.covers(Address, widthOf(I, S)) || (!isStoreLine(I.Line) && (V.isFrame(Address) || isInData(I, Address)));
}

std::string Checker::place(const Instruction &I) const { return formatv("{0}+{1:x} ({2:x})", F.Name, I.Address - F.Start, I.Address); }

std::string Checker::inWords(const Instruction &I) const {
  StringRef Callee = I.Desc->isCall() || I.Desc->isBranch() ? P.calleeOf(I) : StringRef();
  return place(I) + ": " + (Callee.empty() ? P.text(I) : (I.Desc->isCall() ? "call " : "jmp ") + Callee.str());
}

void Checker::violation(const Instruction &I, const Twine &What) {
  ++T[Figure::Violations];
  T.Messages.push_back((inWords(I) + ": " + What).str());
}

void Totals::add(const Totals &Other) {
  for (size_t I = 0; I < Counts.size(); ++I)
    Counts[I] += Other.Counts[I];
  auto Take = [](unsigned Count, const std::string &At, unsigned &Most, std::string &MostAt) {
    if (Count > Most) {
      Most = Count;
      MostAt = At;
    }
  };
  Take(Other.LongestGap, Other.LongestGapAt, LongestGap, LongestGapAt);
  Take(Other.LongestGapOfLong, Other.LongestGapOfLongAt, LongestGapOfLong, LongestGapOfLongAt);
  Take(Other.Oldest, Other.OldestAt, Oldest, OldestAt);
  append_range(Exempt, Other.Exempt);
  append_range(Inside, Other.Inside);
  append_range(Messages, Other.Messages);
  append_range(Lost, Other.Lost);
  append_range(AddressOnly, Other.AddressOnly);
  append_range(NumberOnly, Other.NumberOnly);
  append_range(PerhapsHandedIn, Other.PerhapsHandedIn);
  HandedIn.insert(Other.HandedIn.begin(), Other.HandedIn.end());
  for (const auto &[To, From] : Other.HandedOn)
    HandedOn[To].insert(From.begin(), From.end());
}

} // namespace order
