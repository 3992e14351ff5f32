//===- Solve.cpp - what holds where in a function --------------------------===//
//
// A forward must-analysis: at a join holds what holds on all ways, and the analysis starts from "everything" (a way that was not walked
// yet does not count), so that what it ends with is the largest solution. Any solution is right; a smaller one only proves less.
//
//===----------------------------------------------------------------------===//
#include "Checker.h"
#include "llvm/ADT/StringSwitch.h"
#include "prosper/abi.h"

using namespace llvm;

namespace order {

static constexpr unsigned RoundsMax = 200, RunsMax = 100, PatientRunsMax = 5000;

Totals Checker::run() {
  bool IsSolved = iterate(/*IsPatient=*/false);
  while (IsSolved && resolveJumps()) {
    G = buildGraph(P, F, Code, Jumps);
    IsSolved = iterate(false);
  }
  report(IsSolved);
  if (T[Figure::Violations] && IsSolved && iterate(/*IsPatient=*/true))
    report(true);
  return std::move(T);
}

/// Which numbers cross blocks, and which were seen where.
void Checker::surveyNumbers() {
  DenseMap<unsigned, unsigned> BlockOf;
  DenseSet<unsigned> AtStores;
  T = Totals();
  Across.clear();
  AtMarks.clear();
  AtCalls.clear();
  for (unsigned B = 0; B < G.Blocks.size(); ++B)
    for (unsigned I = G.Blocks[B].First; I < G.Blocks[B].Last; ++I) {
      const Instruction &Here = Code[I];
      bool Calls = Here.Desc->isCall() || leaves(Here);
      if (Here.Line <= ExemptLine || !(Here.Writes || Calls) || (isMarkLine(Here.Line) && markIndex(Here) == AfterIndex))
        continue;
      unsigned Number = Here.Line / 2;
      (isMarkLine(Here.Line) ? AtMarks : AtStores).insert(Number);
      if (isStoreLine(Here.Line) && Calls)
        AtCalls.insert(Number);
      auto [Found, New] = BlockOf.try_emplace(Number, B);
      if (!New && Found->second != B)
        Across.insert(Number);
    }
  for (unsigned Number : AtMarks)
    ++T[AtStores.contains(Number) ? Figure::PairsWhole : Figure::PairsOnlyMark];
  for (unsigned Number : AtStores)
    T[Figure::PairsOnlyStore] += !AtMarks.contains(Number);
  for (unsigned Number : Across)
    T[Figure::PairsAcross] += AtMarks.contains(Number) && AtStores.contains(Number);
}

/// A block that gives a register a new name makes what others know of the old one worthless, and around a cycle that stays so even when
/// all of them have the new name. So the names are found in one run and the facts in another, in which no name is new. Even then a
/// block may have given names because of a difference that was only for the moment. Patient: start again at each new name.
bool Checker::iterate(bool IsPatient) {
  surveyNumbers();
  V = Values(P);
  Known.assign(G.Blocks.size(), Names());
  for (unsigned Run = 0; Run < (IsPatient ? PatientRunsMax : RunsMax); ++Run) {
    Begins.assign(G.Blocks.size(), State());
    Ends.assign(G.Blocks.size(), State());
    bool IsSettled = settle(IsPatient), HasNewNames = std::exchange(NameChanged, false);
    if (!V.takeChange() && !HasNewNames && IsSettled)
      return true;
  }
  return false;
}

bool Checker::settle(bool IsPatient) {
  for (unsigned Round = 0; Round < RoundsMax; ++Round) {
    bool Changed = false;
    for (unsigned B : G.Order) {
      Names Before = Known[B];
      State Begin = joinAt(B, G, Ends, V, Known[B]);
      bool IsNew = !(Known[B] == Before);
      NameChanged |= IsNew;
      if (IsPatient && IsNew && Round > 0)
        return false;
      if (Begin == Begins[B])
        continue;
      Changed = true;
      Begins[B] = Begin;
      Ends[B] = visitBlock(B, std::move(Begin), /*IsReport=*/false);
    }
    if (!Changed)
      return true;
  }
  return false;
}

/// Rule G2: which table each indirect jump reads. True when that is news.
bool Checker::resolveJumps() {
  bool News = false;
  for (unsigned B : G.Order) {
    const Instruction &I = Code[G.Blocks[B].Last - 1];
    if (!I.Desc->isIndirectBranch() || Jumps.count(I.Address) || !G.JumpsToAny)
      continue;
    State S = visitBlock(B, Begins[B], /*IsReport=*/false);
    std::vector<uint64_t> Targets;
    if (I.Memory >= 0) {
      if (std::optional<uint64_t> Table = V.offsetOf(V.addressOf(I, S.M)))
        Targets = P.readAddresses(F, *Table);
    } else if (std::optional<uint64_t> Table = V.tableOf(V.registerValue(S.M, I.Inst.getOperand(0).getReg()))) {
      Targets = P.readTable(F, *Table);
    }
    if (!Targets.empty()) {
      Jumps[I.Address] = std::move(Targets);
      News = true;
    }
  }
  return News;
}

void Checker::report(bool IsSolved) {
  surveyNumbers();
  T[Figure::Functions] = 1;
  T[Figure::IndirectJumps] = G.IndirectJumps;
  T[Figure::JumpsToAny] = G.JumpsToAny;
  T[Figure::ExitsByIndirectJump] = G.ExitsByIndirectJump;
  if (!IsSolved)
    violation(Code[0], "no fixed point is reached: this function is not checked");
  for (unsigned I : G.Unreached)
    violation(Code[I], "nothing leads to this: a jump table was not understood");
  if (!IsSolved)
    return;
  V.assumeFrames();
  do
    for (unsigned B : G.Order)
      joinAt(B, G, Ends, V, Known[B]);
  while (V.takeFrameChange());
  for (unsigned B : G.Order) {
    Reported = B;
    visitBlock(B, Begins[B], /*IsReport=*/true);
  }
}

State Checker::visitBlock(unsigned B, State S, bool IsReport) {
  for (unsigned I = G.Blocks[B].First; I < G.Blocks[B].Last; ++I) {
    visit(Code[I], B, S, IsReport);
    S.F.step();
  }
  erase_if(S.F.Numbers, [&](const NumberFact &N) { return !Across.contains(N.Number); });
  return S;
}

bool Checker::mayLeave(const Instruction &I) const { return I.Desc->isIndirectBranch() && !Jumps.count(I.Address); }

bool Checker::leaves(const Instruction &I) const {
  if (I.Desc->isIndirectBranch())
    return G.ExitsByIndirectJump != 0;
  return I.Desc->isBranch() && (I.Target < F.Start || I.Target >= F.End);
}

void Checker::visit(const Instruction &I, unsigned B, State &S, bool IsReport) {
  if (I.Desc->isCall() || leaves(I)) {
    visitCall(I, B, S, IsReport);
    return;
  }
  if (I.Desc->isReturn() || mayLeave(I))
    checkPending(I, S, IsReport);
  if (mayLeave(I) && IsReport)
    checkStoringCall(I, S, "");
  if (I.Writes) {
    Value Address = V.addressOf(I, S.M);
    if (V.threadLocal(Address) == PRS_NAME_RELEASED) {
      S.F.endGaps(I.Address, Standing::ReleaseBetween);
      T[Figure::Releases] += IsReport;
    } else if (!takeMark(I, B, S, Address, IsReport) && IsReport) {
      checkStore(I, S, Address);
    }
  }
  V.execute(I, B, S.M);
}

StringRef Checker::calleeOf(const Instruction &I, const Machine &M) {
  StringRef Direct = P.calleeOf(I);
  if (!Direct.empty() || I.Target)
    return Direct;
  if (I.Memory < 0)
    return V.function(V.registerValue(M, I.Inst.getOperand(0).getReg()));
  Value Address = V.addressOf(I, M);
  return V.isConstant(Address) ? P.relocationAt(static_cast<uint64_t>(Address.Offset)) : V.function(V.slot(M, Address));
}

void Checker::visitCall(const Instruction &I, unsigned B, State &S, bool IsReport) {
  StringRef Callee = calleeOf(I, S.M);
  if (Callee == PRS_NAME_MARK_RANGE && I.Desc->isCall()) {
    Value From = S.M.Registers[RDI], Length = S.M.Registers[RSI];
    unsigned Number = isMarkLine(I.Line) ? I.Line / 2 : 0;
    if (Number && markIndex(I) == AfterIndex)
      llvm::erase(S.F.Pending, Number);
    else if (Number)
      S.F.mark(NumberFact(Number, markIndex(I), From, B)).Size = sizeOf(I);
    if (From && Length)
      S.F.Ranges.push_back({From, Length});
    if (V.isConstant(Length))
      S.F.markAddress(From, Length.Offset, Ageless);
    T[Figure::RangeMarks] += IsReport;
    T[Figure::MarksWithoutNumber] += IsReport && !Number;
  } else if (isInside(I, Callee)) {
    T[Figure::CallsInside] += IsReport;
    if (IsReport)
      T.Inside.push_back(inWords(I));
  } else {
    checkPending(I, S, IsReport);
    if (IsReport) {
      checkStoringCall(I, S, Callee);
      noteArguments(I, S.M);
    }
    if (I.Desc->isConditionalBranch()) // where it is not taken, nothing was called
      return;
    S.F.endGaps(I.Address, Standing::CallBetween);
    if (isStoreLine(I.Line) && hasMarkAfter(I) && I.Desc->isCall())
      S.F.Pending.insert(llvm::lower_bound(S.F.Pending, I.Line / 2), I.Line / 2);
  }
  auto What = StringSwitch<Values::Effect>(Callee)
                  .Cases("setjmp", "_setjmp", "__sigsetjmp", "sigsetjmp", "vfork", "getcontext", Values::Effect::ReturnsTwice)
                  .Cases("memcpy", "memmove", "memset", Values::Effect::ReturnsFirst)
                  .Default(Values::Effect::Ordinary);
  V.call(I, B, S.M, What);
}

/// Rule R11. What became a call of memcpy was to stay inline.
bool Checker::isInside(const Instruction &I, StringRef Callee) const {
  bool IsCopy = StringSwitch<bool>(Callee).Cases("memcpy", "memmove", "memset", true).Default(false);
  bool IsKnown = (I.Target || !Callee.empty()) && Callee != "__tls_get_addr"; // which may call malloc
  return I.Desc->isCall() && I.Line == ExemptLine && I.Column == InsideColumn && IsKnown && !IsCopy && !P.makesMarks(I.Target, Callee);
}

std::optional<int64_t> Checker::storedConstant(const Instruction &I, const Machine &M) const {
  if (I.Memory != 0 || I.Inst.getNumOperands() < 6)
    return std::nullopt;
  const MCOperand &O = I.Inst.getOperand(5);
  if (O.isImm())
    return O.getImm();
  unsigned Register = O.isReg() ? P.registerIndex(O.getReg()) : NoRegister;
  return Register == NoRegister || P.isHighByte(O.getReg()) ? std::nullopt : V.lowConstant(M.Registers[Register]);
}

/// Rule R1. Of: whose line the map byte at Address belongs to, when the address shows it.
bool Checker::isMark(const Instruction &I, const State &S, Value Address, const std::optional<Value> &Of, bool IsLong) const {
  if (I.Width != 1 && I.Width != 2 && I.Width != 4 && !(IsLong && (I.Width == 8 || I.Width == 16)))
    return false;
  uint64_t Mask = ~uint64_t(0) >> (I.Width < 8 ? 64 - 8 * I.Width : 0), Dirty = PRS_MARK_DIRTY * 0x0101010101010101u & Mask;
  std::optional<int64_t> Stored = storedConstant(I, S.M);
  if (Stored && (static_cast<uint64_t>(*Stored) & Mask) != Dirty)
    return false;
  bool HasNumber = I.Memory >= 0 && I.memory(Instruction::Displacement).isImm();
  int64_t Displacement = HasNumber ? I.memory(Instruction::Displacement).getImm() : 0;
  bool IsInMap = Of || (Displacement >= PRS_MAP_BASE && Displacement < PRS_MAP_BASE + 64);
  return IsInMap || ((Stored || I.Width == 16) && isMarkLine(I.Line) && !V.isFrame(Address));
}

bool Checker::takeMark(const Instruction &I, unsigned B, State &S, Value Address, bool IsReport) {
  std::optional<Value> Of = V.shiftedBySix(Address, PRS_LONG_MAP_BASE);
  const bool SaysLong = isMarkLine(I.Line) && markIndex(I) == LongIndex, IsInLongMap = Of.has_value();
  if (!Of)
    Of = V.shiftedBySix(Address, PRS_MAP_BASE);
  const bool IsLong = IsInLongMap || (SaysLong && !Of);
  if (!isMark(I, S, Address, Of, IsLong))
    return false;
  unsigned Number = isMarkLine(I.Line) ? I.Line / 2 : 0;
  T[Figure::Marks] += IsReport;
  T[Figure::LongMarks] += IsReport && IsLong;
  T[Figure::MarksUnread] += IsReport && !Of;
  T[Figure::MarksWithoutNumber] += IsReport && !Number;
  if (IsLong) {
    takeLongMark(I, B, S, Of);
    return true;
  }
  S.F.age();
  if (Number && markIndex(I) == AfterIndex)
    llvm::erase(S.F.Pending, Number);
  else if (Number && !SaysLong) // a long one that goes to the map of the short ones serves as a short one: by address
    S.F.mark(NumberFact(Number, markIndex(I), Of.value_or(Value()), B)).Size = sizeOf(I);
  if (Of) {
    // One byte: the pass knew that the store does not leave its line. How wide that was is lost with the number. More bytes: 64 or 192
    // from any address of the first line, and all around Of that its alignment keeps in one line with it is that line.
    int64_t Bytes = I.Width == 1 ? (Number ? std::max(sizeOf(I), 1u) : 8) : I.Width == 2 ? 64 : 192;
    auto [Low, High] = V.alignedAround(*Of);
    S.F.markAddress(*Of, Bytes, 0);
    S.F.markAddress({Of->Base, Low}, High - Low + (I.Width == 1 ? 0 : Bytes - 1), 0);
  }
  return true;
}

/// Rule R12. The stores of one mark follow each other, and what they mark together has no gap where they meet.
void Checker::takeLongMark(const Instruction &I, unsigned B, State &S, const std::optional<Value> &Of) {
  const unsigned Number = isMarkLine(I.Line) ? I.Line / 2 : 0;
  Value From = Of.value_or(Value());
  unsigned Lines = Of ? I.Width : 0;
  if (Number) {
    const NumberFact *Before = S.F.find(Number, LongIndex);
    if (Of && Before && Before->How == Standing::InForce && Before->Lines && Before->Address &&
        Before->Address.plus(64 * static_cast<int64_t>(Before->Lines)) == *Of) {
      From = Before->Address;
      Lines += Before->Lines;
    }
    NumberFact &N = S.F.mark(NumberFact(Number, LongIndex, From, B));
    N.Lines = Lines;
    N.Size = sizeOf(I);
    unsigned &Most = LinesOf[Number];
    Most = std::max(Most, Lines);
  }
  if (!Of)
    return;
  auto Bytes = [](unsigned Count) { return static_cast<int64_t>(Count) * 64 - 63; };
  auto [Low, High] = V.alignedAround(*Of);
  S.F.markAddress(From, Bytes(Lines), Ageless);
  S.F.markAddress({Of->Base, Low}, High - Low + Bytes(I.Width) - 1, Ageless);
}

} // namespace order
