//===- Callers.cpp - arguments that never point into marked memory --------===//
//
// A pointer argument is "found anyway" when each caller hands in an object of its frame, a variable of the program, or an argument of
// its own of which the same is true. Both kinds of memory are compared, or found by pages, whoever writes them (Interest.cpp), so a store
// through such an argument needs no mark.
//
// WHY IT IS SAFE. All callers are known: the function is local to the module and nothing but direct calls uses it. The set begins with
// all candidates and loses those that one call contradicts, until none does: what is left is the greatest solution, and it holds for every
// chain of calls by induction over its length. An object of a frame lives as long as the call does, on the caller's stack above ours.
//
// Under full link-time optimisation everything is local but what other objects look up, so this is a fact about the whole program.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/Analysis/ValueTracking.h"

using namespace llvm;

namespace prosper {
namespace {

bool allCallersAreKnown(const Function &F) {
  if (F.isDeclaration() || !F.hasLocalLinkage())
    return false;
  return all_of(F.uses(), [&](const Use &U) {
    const auto *Call = dyn_cast<CallBase>(U.getUser());
    return Call && Call->isCallee(&U) && Call->getFunctionType() == F.getFunctionType();
  });
}

/// Nowhere a store through null, with whatever index, has a meaning.
bool isNullNowhere(const Module &M) {
  return none_of(M, [](const Function &F) { return NullPointerIsDefined(&F); });
}

bool holds(const Value *Handed, const Options &O, const FoundArguments &Found, bool NullIsNowhere) {
  if (isa<ConstantPointerNull>(Handed))
    return NullIsNowhere; // a store through it does not happen
  SmallVector<const Value *, 4> Bases;
  getUnderlyingObjects(Handed, Bases, nullptr, /*MaxLookup=*/0);
  return all_of(Bases, [&](const Value *Base) { return isFoundAnyway(Base, O, Found); });
}

} // namespace

FoundArguments findArguments(const Module &M, const Options &O) {
  FoundArguments Found;
  if (!O.Callers || O.Mode != PRS_MODE_ALL)
    return Found;
  const bool NullIsNowhere = isNullNowhere(M);
  SmallVector<const Function *, 32> Functions;
  for (const Function &F : M) {
    if (!allCallersAreKnown(F))
      continue;
    Functions.push_back(&F);
    for (const Argument &A : F.args())
      if (A.getType()->isPointerTy())
        Found.insert(&A);
  }
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const Function *F : Functions)
      for (const Argument &A : F->args())
        if (Found.contains(&A) && !all_of(F->uses(), [&](const Use &U) {
              return holds(cast<CallBase>(U.getUser())->getArgOperand(A.getArgNo()), O, Found, NullIsNowhere);
            })) {
          Found.erase(&A);
          Changed = true;
        }
  }
  return Found;
}

} // namespace prosper
