//===- Checker.h - holding one function to the rules ------------*- C++ -*-===//
//
// Solve.cpp finds what holds where (silently, to the fixed point), then goes once over every block with the verdicts of Verdict.cpp.
// The rules are in order_check.cpp.
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_ORDER_CHECKER_H
#define PROSPER_ORDER_CHECKER_H

#include "Facts.h"
#include "llvm/ADT/DenseSet.h"

namespace order {

/// What is counted; order_check.cpp has the texts.
enum class Figure : unsigned {
  Functions, FunctionsOutside, InstructionsOutside,
  PairsGiven, PairsWhole, PairsOnlyMark, PairsOnlyStore, PairsAcross,
  Marks, LongMarks, RangeMarks, MarksUnread, MarksWithoutNumber, Releases, CallsInside,
  Stores, StoreCalls, ByBoth, ByNumber, Merged, ByAddress, OfLong, OfLongByNumber,
  ExemptMarked, ExemptHandedIn, ExemptFrame, ExemptData, ExemptThread, ExemptUnknown,
  LostByAddress, InFrame, InFrameIndexed, InData, NotMarked,
  IndirectJumps, JumpsToAny, ExitsByIndirectJump,
  Violations, Count
};

/// What a function has in a register at its entry: its address, the register.
using Argument = std::pair<uint64_t, unsigned>;

struct Totals {
  std::array<unsigned, static_cast<size_t>(Figure::Count)> Counts{};
  unsigned LongestGap = 0, LongestGapOfLong = 0, Oldest = 0; ///< in instructions, by the shortest way; of short marks, in short marks
  std::string LongestGapAt, LongestGapOfLongAt, OldestAt;
  std::vector<std::string> Messages; ///< violations
  std::vector<std::string> Lost;     ///< stores whose number is lost and whose address is marked
  std::vector<std::string> NumberOnly, AddressOnly; ///< stores with a number that one of the proofs does not reach
  std::vector<std::string> Inside;   ///< calls that may stand in a gap, as the pass says
  std::vector<std::string> Exempt;   ///< stores that need no mark, as the pass says; it is not known where they go

  std::set<Argument> HandedIn;              ///< what stores that need no mark go through, as the pass says
  std::vector<std::pair<Argument, std::string>> PerhapsHandedIn; ///< stores without a number: right when HandedIn has the argument
  std::map<Argument, std::set<Argument>> HandedOn; ///< what a function is called with: own arguments of its callers

  unsigned &operator[](Figure F) { return Counts[static_cast<size_t>(F)]; }
  unsigned operator[](Figure F) const { return Counts[static_cast<size_t>(F)]; }
  void add(const Totals &Other);
};

class Checker {
public:
  Checker(const Program &P, const Function &F) : P(P), F(F), Code(P.decode(F)), G(buildGraph(P, F, Code, Jumps)), V(P) {}
  Totals run();

private:
  // Solve.cpp
  bool iterate(bool IsPatient);
  bool settle(bool IsPatient);
  bool resolveJumps();
  void surveyNumbers();
  void report(bool IsSolved);
  State visitBlock(unsigned B, State S, bool IsReport);
  void visit(const Instruction &I, unsigned B, State &S, bool IsReport);
  void visitCall(const Instruction &I, unsigned B, State &S, bool IsReport);
  bool takeMark(const Instruction &I, unsigned B, State &S, Value Address, bool IsReport);
  void takeLongMark(const Instruction &I, unsigned B, State &S, const std::optional<Value> &Of);
  bool isMark(const Instruction &I, const State &S, Value Address, const std::optional<Value> &Of, bool IsLong) const;
  bool isInside(const Instruction &I, llvm::StringRef Callee) const;
  std::optional<int64_t> storedConstant(const Instruction &I, const Machine &M) const;
  llvm::StringRef calleeOf(const Instruction &I, const Machine &M);
  bool mayLeave(const Instruction &I) const;
  bool leaves(const Instruction &I) const;

  // Verdict.cpp
  void checkStore(const Instruction &I, const State &S, Value Address);
  void checkStoringCall(const Instruction &I, const State &S, llvm::StringRef Callee);
  void checkPending(const Instruction &I, State &S, bool IsReport);
  void checkNumbered(const Instruction &I, const State &S, Value Address, unsigned Width, bool ByAddress);
  void checkUnnumbered(const Instruction &I, Value Address, bool ByAddress);
  void checkExempt(const Instruction &I, Value Address, bool ByAddress);
  void checkMarked(const Instruction &I, bool ByAddress);
  bool isRightOnEachWay(const Instruction &I);
  bool isRight(const Instruction &I, const State &S);
  bool isInData(const Instruction &I, Value Address) const;
  bool isForeign(Value Address) const;
  void noteArguments(const Instruction &I, const Machine &M);
  std::string whyNot(unsigned Number, const NumberFact *Bad) const;
  unsigned constantOr0(Value Length) const;
  unsigned widthOf(const Instruction &I, const State &S) const;
  std::string place(const Instruction &I) const;
  std::string inWords(const Instruction &I) const;
  void violation(const Instruction &I, const llvm::Twine &What);

  // The parts of a line and a column; llvm-pass/Numbering.cpp makes them.
  static constexpr unsigned SizeBits = 10, AfterIndex = 31, AfterFlag = 32;
  static constexpr unsigned ExemptLine = 1, InsideColumn = 1, OwnColumn = 3;
  static bool isMarkLine(unsigned Line) { return Line > 0 && Line % 2 == 0; }
  static bool isStoreLine(unsigned Line) { return Line > ExemptLine && Line % 2 == 1; }
  static unsigned sizeOf(const Instruction &I) { return I.Column & ((1u << SizeBits) - 1); }
  static unsigned markIndex(const Instruction &I) { return I.Column >> SizeBits & 31; }
  static bool isServedByLong(const Instruction &I) { return markIndex(I) == LongIndex; }
  static unsigned markCount(const Instruction &I) { return isServedByLong(I) ? 1 : std::max(1u, markIndex(I)); }
  static bool hasMarkAfter(const Instruction &I) { return I.Column >> SizeBits & AfterFlag; }

  const Program &P;
  const Function &F;
  std::vector<Instruction> Code;
  KnownJumps Jumps;
  Graph G;
  Values V;
  Totals T;
  std::vector<State> Begins, Ends; ///< of the blocks
  std::vector<Names> Known;        ///< of the blocks
  unsigned Reported = 0;           ///< the block that is being reported on
  bool NameChanged = false;
  llvm::DenseSet<unsigned> Across, AtMarks, AtCalls; ///< numbers in several blocks, at marks, at calls
  llvm::DenseMap<unsigned, unsigned> LinesOf;        ///< of a long mark's number: how many lines it marks
};

} // namespace order

#endif
