//===- Prosper.h - the parts of the pass and what they hand on --*- C++ -*-===//
//
//   Options.cpp      what the command line, or the module flags of a module that comes out of LTO, ask for
//   Interest.cpp     DECIDES, on the untouched function: which stores, objects and calls -> FunctionPlan
//   Marks.cpp        rewrites: a mark before each chosen store
//   Objects.cpp      rewrites: large stack objects announce themselves; heads put right where unwinding lands
//   Writers.cpp      rewrites: libc functions that write -> __prosper_w_*
//   ModuleNote.cpp   the ELF note and the reference to the ABI symbol
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

#include "llvm/ADT/SmallVector.h"
#include "llvm/IR/Instructions.h"
#include "llvm/IR/Module.h"
#include "llvm/Support/Alignment.h"
#include "prosper/abi.h"

namespace prosper {

struct Options {
  unsigned Mode = PRS_MODE_STACK;
  uint64_t LargeObject = PRS_LARGE_OBJECT_DEFAULT;
  bool NumberMarks = false;
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
  int Covered = -1;               ///< index of an earlier site whose mark serves this one too
  unsigned Number = 0;            ///< for Numbering
  unsigned FirstMark = 0;         ///< for Numbering: a store of several sites, or of several lanes, has several marks
};

struct FunctionPlan {
  llvm::SmallVector<Site, 16> Sites;
  llvm::SmallVector<llvm::AllocaInst *, 2> StaticObjects, DynamicObjects;
  llvm::SmallVector<bool, 2> StaticEscapes, DynamicEscapes;
  llvm::SmallVector<llvm::Instruction *, 4> LandingPads; ///< where unwinding or longjmp comes back to
  unsigned Flags = 0;                                    ///< PRS_FLAG_*
};

bool isInterestingFunction(const llvm::Function &F, unsigned &Flags);
FunctionPlan planFunction(llvm::Function &F, const Options &O);

void instrumentMarks(llvm::Function &F, FunctionPlan &Plan);
void instrumentObjects(llvm::Function &F, const FunctionPlan &Plan, const Options &O);
bool replaceWriters(llvm::Module &M);
void addNote(llvm::Module &M, const Options &O, unsigned Flags);

void prepareNumbering(llvm::Module &M);
void numberSites(llvm::Function &F, FunctionPlan &Plan, unsigned &Next);
llvm::DILocation *numberOfMark(const Site &S, const llvm::Function &F, unsigned Lane);
llvm::DILocation *numberOfMarkAfter(const Site &S, const llvm::Function &F);

} // namespace prosper

#endif
