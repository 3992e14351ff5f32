//===- order_check.cpp - marks come before their stores in machine code ----===//
//
//   order_check [--at-least=N] [--figures] [--list] FILE...
//
// The pass puts marks before the stores it chooses, one for many, and a checkpoint may come between any two instructions: so a mark must come first
// in machine code too, on every path, with no call and no release in between (docs/abi.md). LLVM does not promise that. This program shows it for one
// linked program, compiled with -prosper-number-marks: pair n has line 2n at its marks and 2n + 1 at its stores (llvm-pass/Numbering.cpp). It ends with 1 when a rule is broken, or fewer than N stores were checked
// (default 1: a file without marks proves nothing), with 2 when a file cannot be read.
//
// Two proofs, independent of each other:
//   by number    on every path from the entry, a mark n was executed since the last call or release; a short one in the same round of each loop
//   by address   the bytes that the store writes were marked since the last call on every path: registers and frame slots are followed
//                symbolically (Values.h), and the address of a mark, map + (p >> 6), says which p it is for
//
// For both a short mark is in force only while at most PRS_GAP_MARKS short ones were executed after it, on the way with the most.
//
// RULES
//   R1  A mark writes 2, 0x0202 or 0x02020202 to the map: its address is recognised as map base + (p >> 6), or has the map's base as its
//       displacement, or it has the line of a mark and writes such a constant outside the frame. One byte covers what the pass says
//       the store writes (it knew that this does not leave the line), two bytes 64 from p on, four 192. A long mark goes to the long map, and may
//       have 8 or 16 bytes, too; p may be cut to the bits of an address. One that should go there and goes to the other map is a short one without a
//       number. A call of __prosper_mark_range is a long mark of its range.
//   R2  An instruction that may write memory and has line 2n + 1 needs one proof. Which instructions write is LLVM's knowledge, not
//       the line table's, and what LLVM is not sure of counts as writing (Program.h).
//   R3  A store with several marks (lanes of a scatter, outputs of inline assembly) needs all of them; the column says how many.
//   R4  Stores that share a mark share its number, and a number may have marks on several ways: R2 as it stands, each store for itself.
//   R5  Around a loop a short mark serves by address only, and not when marks are made in it: what was executed in an earlier round was for that
//       round's address. That is how cmpxchg loops pass (mark before the loop, the same address in each round) and a mark that was hoisted does
//       not. A long mark serves in any round: that the value stayed the same, or was marked anew, is the pass's word. It needs
//       none on a way on which its pointer is null.
//   R6  A call ends all marks in force, but one of __prosper_mark_range: it is the runtime's own, has no hook, and must be able to stand
//       between another mark and its store. A call, or a jump out of the function, with line 2n + 1 is a store that became a call
//       (memcpy, memset, a struct result): it needs mark n with no call in between. Calls of memcpy, memmove and memset without a number
//       need a proof by address. A release (1 to the thread's __prosper_released) ends all marks likewise.
//   R7  A store with a number that writes something else than what its mark is for needs a proof by address, and so does one that writes more than its
//       site and more than the mark is for: the code generator merges neighbouring stores, and the number of one of them goes. (Arguments
//       on their way to the stack are no part of it, and of a masked store as much counts as its site has: it may use a wider register
//       with the rest masked off.)
//   R8  A store without a number must write the function's own frame or a variable of the program, or have a proof by address. This is
//       where stores turn up that lost their number when the code generator merged the ends of blocks; if what holds on all ways into the
//       block does not suffice, each way is looked at alone (and once more, each way to it).
//   R9  Behind a call that fills in a result in foreign code (the column says so) the mark after it comes before the next call or return.
//   R10 Every instruction must be reached (Graph.h, G5), and every function have a solution; else it was not checked.
//   R11 A call with line 1 and column 1 leaves marks in force, as the pass says. Not believed of memcpy, memmove and memset, which were to stay inline, nor
//       of functions of the program that make marks, or call one that does, nor of a callee that is not known, nor of
//       __tls_get_addr, which may call the program's malloc.
//   R12 A wide mark is several stores: a store that it serves needs all of them, and they must be enough for what the column says.
//   R13 A store with line 1 needs no mark, as the pass says: its base is an object of the frame or a variable of the program. Where it goes is counted. It
//       must not go through an argument of the function, but by R14.
//   R14 A store with line 1 and another column than 3 may go through an argument, of a function that no other file can call. Where a caller hands in an argument
//       of its own, the same must be true of the caller. A store without a number (R8) may go through such an argument, too, where another store tells that it is one.
//
// LIMITS: what would not be noticed
//   L1  A pair whose mark and store both lost their number and were swapped within the same address is caught by address; a store in the
//       own frame that lost its number is not (frames in use are compared with the last checkpoint anyway).
//   L2  A store proven by number alone (the figures say how many) may carry the number of another one. Most of these have an index, or are stored along by a
//       loop that was marked strip by strip: that index and strip are in the range of the mark is the pass's word. One that is wider than its site was
//       merged with a neighbour, and may have more than one mark.
//   L3  What Values.h assumes of frame slots (V2), and that a landing pad and the targets of a jump table are where the tables say.
//   L4  A variable is known by its address (or the table that holds it) in an instruction, with any index: that an index stays inside is not shown. A pointer that was moved
//       by a constant that looks like the address of a variable is taken for one.
//   L5  Functions without numbers: start-up code, assembly. They are counted. Whether the pass chose the right stores is tested elsewhere.
// And what is refused although it may be right: jump tables of -mcmodel=large; modules of mode stack, which have no marks; modules whose note says that the
// pass could not name a store (opaque assembly, some intrinsics). Their stores break R8.
//
//===----------------------------------------------------------------------===//
#include "Checker.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;
using namespace order;

static constexpr std::pair<Figure, const char *> Texts[] = {
    {Figure::Functions, "functions checked"},
    {Figure::FunctionsOutside, "functions without numbers (start-up code, assembly)"},
    {Figure::InstructionsOutside, "instructions in no function"},
    {Figure::PairsGiven, "pairs the pass made (highest numbers)"},
    {Figure::PairsWhole, "pairs seen at mark and store"},
    {Figure::PairsOnlyMark, "pairs seen at a mark only (store gone, or merged with others: R7)"},
    {Figure::PairsOnlyStore, "pairs seen at a store only"},
    {Figure::PairsAcross, "pairs in more than one block"},
    {Figure::Marks, "marks"},
    {Figure::LongMarks, "  of these stores to the long map"},
    {Figure::RangeMarks, "calls of __prosper_mark_range"},
    {Figure::MarksUnread, "marks whose address was not understood"},
    {Figure::MarksWithoutNumber, "marks without a number (merged)"},
    {Figure::Releases, "releases"},
    {Figure::CallsInside, "calls that do not end a gap"},
    {Figure::Stores, "stores with a number"},
    {Figure::StoreCalls, "  of these calls"},
    {Figure::ByBoth, "  proven by number and by address"},
    {Figure::ByNumber, "  by number alone"},
    {Figure::Merged, "    wider than their site, but not than what the mark is for"},
    {Figure::ByAddress, "  by address alone"},
    {Figure::OfLong, "  of these served by a long mark"},
    {Figure::OfLongByNumber, "    by number alone"},
    {Figure::ExemptHandedIn, "stores that need no mark: through an argument of which all callers are known"},
    {Figure::ExemptFrame, "  into the own frame"},
    {Figure::ExemptData, "  into variables of the program"},
    {Figure::ExemptThread, "  into thread-local variables"},
    {Figure::ExemptMarked, "  marked all the same"},
    {Figure::ExemptUnknown, "  it is not known where"},
    {Figure::LostByAddress, "stores without a number, proven by address"},
    {Figure::InFrame, "stores into the own frame without a number"},
    {Figure::InFrameIndexed, "  the same with an index"},
    {Figure::InData, "stores into variables of the program without a number"},
    {Figure::NotMarked, "other stores"},
    {Figure::IndirectJumps, "indirect jumps"},
    {Figure::JumpsToAny, "  whose table is not known (to any label, or out)"},
    {Figure::ExitsByIndirectJump, "  out of the function"},
    {Figure::Violations, "violations"},
};

/// Rule R14.
static void checkHandedIn(const Program &P, Totals &T) {
  for (const auto &[Of, Store] : T.PerhapsHandedIn) {
    if (T.HandedIn.count(Of))
      continue;
    ++T[Figure::Violations];
    T.Messages.push_back(Store + ": this store has no number, and no mark in force is for its address");
  }
  std::vector<Argument> Open(T.HandedIn.begin(), T.HandedIn.end());
  while (!Open.empty()) {
    const Argument Of = Open.back();
    Open.pop_back();
    for (const Argument &From : T.HandedOn[Of]) {
      if (!T.HandedIn.insert(From).second)
        continue;
      Open.push_back(From);
      const auto Caller = find_if(P.functions(), [&](const Function &F) { return F.Start == From.first; });
      if (Caller->IsLocal)
        continue;
      ++T[Figure::Violations];
      T.Messages.push_back(formatv("{0}: hands on an argument of its own to {1}, where stores through it have no mark, and any file can call it", Caller->Name,
                                   P.functionAt(Of.first)));
    }
  }
}

static void print(StringRef Path, const Totals &T, bool Figures, bool List) {
  unsigned Proven = T[Figure::ByBoth] + T[Figure::ByNumber] + T[Figure::ByAddress];
  outs() << formatv("{0}: {1} pairs, {2} stores proven ({3} both ways, {4} by number, {5} by address) + {6} without number by address; "
                    "{7} pairs across blocks, longest gap {8}, oldest mark {9}, {10} served by long marks, {11} need none, {12} violations\n",
                    Path, T[Figure::PairsGiven], Proven, T[Figure::ByBoth], T[Figure::ByNumber],
                    T[Figure::ByAddress], T[Figure::LostByAddress], T[Figure::PairsAcross], T.LongestGap, T.Oldest, T[Figure::OfLong],
                    T[Figure::ExemptHandedIn] + T[Figure::ExemptFrame] + T[Figure::ExemptData] + T[Figure::ExemptThread] + T[Figure::ExemptMarked] + T[Figure::ExemptUnknown],
                    T[Figure::Violations]);
  if (Figures) {
    for (auto [F, Text] : Texts)
      outs() << formatv("  {0,8}  {1}\n", T[F], Text);
    outs() << formatv("  {0,8}  longest gap in instructions, at {1}\n", T.LongestGap, T.LongestGapAt);
    outs() << formatv("  {0,8}  of a long mark, at {1}\n", T.LongestGapOfLong, T.LongestGapOfLongAt);
    outs() << formatv("  {0,8}  most short marks between one and its store, at {1}\n", T.Oldest, T.OldestAt);
  }
  for (const std::string &Message : ArrayRef(T.Messages).take_front(List ? T.Messages.size() : 20))
    outs() << "  VIOLATION " << Message << "\n";
  if (!List)
    return;
  for (const std::string &Store : T.NumberOnly)
    outs() << "  by number alone: " << Store << "\n";
  for (const std::string &Store : T.AddressOnly)
    outs() << "  by address alone: " << Store << "\n";
  for (const std::string &Store : T.Lost)
    outs() << "  without number:  " << Store << "\n";
  for (const std::string &Call : T.Inside)
    outs() << "  call in a gap: " << Call << "\n";
  for (const std::string &Store : T.Exempt)
    outs() << "  needs no mark, where to is not known: " << Store << "\n";
}

int main(int argc, char **argv) {
  unsigned AtLeast = 1;
  bool Figures = false, List = false, Good = true;
  std::vector<StringRef> Files;
  for (StringRef Argument : ArrayRef(argv + 1, argv + argc)) {
    bool IsNumber = Argument.consume_front("--at-least=");
    if (IsNumber && !Argument.getAsInteger(10, AtLeast))
      continue;
    Figures |= Argument == "--figures";
    List |= Argument == "--list";
    if (!Argument.starts_with("--") && !IsNumber) {
      Files.push_back(Argument);
    } else if (Argument != "--figures" && Argument != "--list") {
      errs() << "usage: order_check [--at-least=N] [--figures] [--list] FILE...\n";
      return 2;
    }
  }
  for (StringRef Path : Files) {
    Program P(Path);
    Totals T;
    T[Figure::PairsGiven] = P.pairCount();
    T[Figure::InstructionsOutside] = P.instructionsOutside();
    for (const Function &F : P.functions()) {
      if (P.isNumbered(F))
        T.add(Checker(P, F).run());
      else
        ++T[Figure::FunctionsOutside];
    }
    checkHandedIn(P, T);
    print(Path, T, Figures, List);
    const unsigned Checked = T[Figure::Stores] + T[Figure::ExemptHandedIn]; // by R2 and by R14
    if (Checked < AtLeast)
      outs() << formatv("  TOO FEW: {0} stores were checked, expected are at least {1}\n", Checked, AtLeast);
    Good &= T[Figure::Violations] == 0 && Checked >= AtLeast;
  }
  return Good && !Files.empty() ? 0 : 1;
}
