//===- Prosper.h - the parts of the pass and what they hand on --*- C++ -*-===//
//
//   Options.cpp      what the command line, or the module flags of a module that comes out of LTO, ask for
//   Interest.cpp     DECIDES, on the untouched function: which stores and calls -> FunctionPlan
//   Callers.cpp      facts about the module: arguments that point to no marked memory, whoever calls
//   Gaps.cpp         what ends the gap between a mark and its stores
//   Placement.cpp    DECIDES which marks serve which stores of a function, one mark for many
//   Hoisting.cpp     DECIDES which marks move out of loops and behind rare calls
//   Strips.cpp       DECIDES on loops that store along, and rewrites them: marked strip by strip
//   Marks.cpp        rewrites: the chosen marks
//   Stores.cpp       rewrites: a call after each store, whatever it reaches (-prosper-track=stores)
//   LandingPads.cpp  rewrites: the list of write windows is put right where unwinding and longjmp land
//   Writers.cpp      rewrites: libc functions that write -> __prosper_w_*
//   ModuleNote.cpp   the ELF note and the reference to the ABI symbol
//   Report.cpp       remarks, and a summary of each function
//   Numbering.cpp    for tests: line numbers that pair marks and stores
//   Plugin.cpp       registration, order of the above
//
// Invariants, which the parts rely on:
//   1. Nothing is rewritten before everything of the function is decided: a mark makes its address escape.
//   2. A mark is volatile and addresses the map by a constant base, so that no later pass moves it behind its store.
//   3. A function is rewritten once: the attribute "prosper" says so (link-time optimisation runs passes again).
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_PROSPER_H
#define PROSPER_PROSPER_H

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Analysis/BlockFrequencyInfo.h"
#include "llvm/Analysis/LoopInfo.h"
#include "llvm/Analysis/ScalarEvolution.h"
#include "llvm/Analysis/TargetTransformInfo.h"
#include "llvm/IR/Dominators.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Alignment.h"
#include "../runtime/planted.h"
#include "prosper/abi.h"

namespace llvm {
class OptimizationRemarkEmitter;
}

namespace prosper {

struct Options {
  unsigned Mode = PRS_MODE_STACK;
  bool Stores = false; ///< each store is told by a call
#define PRS_OPTION(Type, Field, Name, Default, Text) Type Field = Default;
#include "Options.def"
};

/// Options of this module. They come from the command line; at the end of link-time optimisation, from the flags that
/// deferOptions left in the module, because lld reads its command line before it loads plugins.
Options optionsFor(const llvm::Module &M);
void deferOptions(llvm::Module &M);
bool isDeferred(const llvm::Module &M);
/// This is the compile step of a link-time optimisation: the real run is still to come.
bool isLTOCompileStep(const llvm::Module &M);

/// One range that an instruction writes.
struct Site {
  llvm::Instruction *Store = nullptr;
  llvm::Value *Pointer = nullptr;
  llvm::Value *Length = nullptr; ///< null: Size bytes, known now
  uint64_t Size = 0;
  llvm::Align Alignment = llvm::Align(1);
  llvm::Value *Enabled = nullptr; ///< i1 or null: the store does not happen where this is false
  bool MayBeWild = false;         ///< the store may be masked off and its address anything
  bool AlsoAfter = false;         ///< written by code that may let a checkpoint pass between mark and store
  bool IsServed = false;          ///< by one of FunctionPlan::Marks; else it has a mark of its own
  unsigned Group = 0;             ///< IsServed: the sites and marks that go together
  unsigned Number = 0;            ///< for Numbering
  unsigned FirstMark = 0;         ///< for Numbering: a store of several sites, or of several lanes, has several marks
};

/// A mark that serves several sites: Bytes bytes from Base + Offset.
struct SharedMark {
  llvm::Instruction *Before = nullptr;
  llvm::Value *Base = nullptr;
  int64_t Offset = 0;
  uint64_t Bytes = 0;
  bool InOneLine = false; ///< alignment keeps it within one line
  bool IsLong = false;    ///< in the long map: its stores may lie in other rounds of a loop
  bool MayBeWild = false; ///< made where no store is certain to follow: the address may be anything
  unsigned Group = 0;
};

/// A loop whose stores move by constants, to be marked strip by strip (Strips.cpp).
struct Strip {
  struct Stream {
    const llvm::SCEV *Start;
    int64_t Stride, Low, High; ///< in a round: bytes [Low, High) from the start, which moves by the stride
    llvm::SmallVector<unsigned, 4> Sites;
    unsigned Group;
  };
  llvm::BasicBlock *Entry = nullptr, *Header = nullptr, *Latch = nullptr;
  llvm::Value *Variable = nullptr; ///< compared by the latch's exit
  const llvm::SCEV *First = nullptr;  ///< of the variable
  int64_t Step = 0;
  const llvm::SCEV *Rounds = nullptr; ///< less one
  int64_t RoundsOfStrip = INT64_MAX;
  llvm::SmallVector<Stream, 2> Streams;
  bool ReleasesAtEntry = false, ReleasesBetween = false; ///< no mark waits there
};

/// A store that needs no mark, whatever else is marked.
struct NotMarked {
  llvm::Instruction *Store;
  bool IsFrame, IsVariable, IsHandedIn;
};

struct FunctionPlan {
  llvm::SmallVector<NotMarked, 16> Unmarked;
  llvm::SmallVector<Site, 16> Sites;
  llvm::SmallVector<Site, 0> Told; ///< Options::Stores: every store that has an address, marked or not
  llvm::SmallVector<SharedMark, 16> Marks;
  llvm::SmallVector<Strip, 0> Strips;
  llvm::SmallVector<llvm::Instruction *, 4> Releases; ///< places in front of which no mark waits for its store
  llvm::DenseMap<unsigned, unsigned> GroupNumber;     ///< for Numbering
  llvm::DenseSet<unsigned> LongGroups;                ///< groups with a long mark
  llvm::SmallVector<llvm::Instruction *, 4> LandingPads; ///< where unwinding or longjmp comes back to
  unsigned Flags = 0;                                    ///< PRS_FLAG_*
};

/// Analyses of a function that was not rewritten yet.
struct Analyses {
  llvm::LoopInfo &Loops;
  llvm::BlockFrequencyInfo &Frequencies;
  llvm::ScalarEvolution &Evolution;
  const llvm::TargetTransformInfo *Costs;
  llvm::DominatorTree &Dominators;
};

bool isInterestingFunction(const llvm::Function &F, unsigned &Flags);

/// Arguments of local functions that never point into marked memory: every caller hands in such.
using FoundArguments = llvm::DenseSet<const llvm::Argument *>;
FoundArguments findArguments(const llvm::Module &M, const Options &O);
/// Memory that is compared, or found by pages, whoever writes it: objects of frames, variables of the program, such arguments.
bool isFoundAnyway(const llvm::Value *Base, const Options &O, const FoundArguments &Found);
FunctionPlan planFunction(llvm::Function &F, const Options &O, const FoundArguments &Found);

void emitRelease(llvm::IRBuilderBase &B);

/// After this instruction has run, no mark in front of it serves a store behind it.
bool endsGaps(const llvm::Instruction &I);

/// A site that may share marks: address and size are known, the store is an instruction.
bool isPlain(const Site &S);

/// The mark of its own that a site has is a call of __prosper_mark_range.
bool isRange(const Site &S);
constexpr uint64_t InlineMax = 192; ///< bytes that a mark in line covers at most

bool hasLongMarks(const FunctionPlan &Plan);
void placeMarks(llvm::Function &F, FunctionPlan &Plan, const Options &O, const Analyses &A);
void findStrips(llvm::Function &F, FunctionPlan &Plan, const Analyses &A);
void cutStrips(llvm::Function &F, FunctionPlan &Plan, const Analyses &A);
void hoistMarks(llvm::Function &F, FunctionPlan &Plan, const Options &O, const Analyses &A);

/// Where control goes on after an instruction that has run to its end; null: in more places than one, or not in this function.
llvm::Instruction *placeAfter(llvm::Instruction &I);

void instrumentMarks(llvm::Function &F, FunctionPlan &Plan);
void instrumentStores(llvm::Function &F, const FunctionPlan &Plan);
void restoreWindows(llvm::Function &F, const FunctionPlan &Plan, const Options &O);
bool replaceWriters(llvm::Module &M);

/// Makes the module's own copies of functions of namespace std hidden (Hidden.cpp).
bool hideStandardFunctions(llvm::Module &M);
void addNote(llvm::Module &M, const Options &O, unsigned Flags);

void emitRemarks(llvm::Function &F, const FunctionPlan &Plan, llvm::OptimizationRemarkEmitter &Emitter);
void printReport(const llvm::Function &F, const FunctionPlan &Plan, bool IsFirst);

void prepareNumbering(llvm::Module &M);
void numberSites(llvm::Function &F, FunctionPlan &Plan, unsigned &Next);
llvm::DILocation *numberOfMark(const Site &S, const llvm::Function &F, unsigned Lane);
llvm::DILocation *numberOfStream(const Strip::Stream &S, const FunctionPlan &Plan, const llvm::Function &F);
llvm::DILocation *numberOfSharedMark(const SharedMark &M, const FunctionPlan &Plan, const llvm::Function &F);
llvm::DILocation *numberOfMarkAfter(const Site &S, const llvm::Function &F);

} // namespace prosper

#endif
