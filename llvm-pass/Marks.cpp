//===- Marks.cpp - a mark before each chosen store ------------------------===//
//
//   map[p >> 6] = 2      one byte when alignment keeps the store in one line, else two ("this line and the next": any 64 bytes
//                        from p on), four up to 192 bytes; anything longer, or of unknown length, calls __prosper_mark_range
//
// The store of the mark is volatile, has no alias information, and its address is a constant plus a shifted copy of p: it may
// alias the store, so nothing moves the one over the other. The machine-order checker (tests/machine-order) holds the result.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace prosper {
namespace {

constexpr uint64_t AddressMask = (uint64_t(PRS_MAP_SIZE) << PRS_LINE_SHIFT) - 1;
constexpr uint64_t InlineMax = 192;

void emitInlineMark(IRBuilderBase &B, const Site &S, Value *Pointer, Value *Enabled) {
  Value *Address = B.CreatePtrToInt(Pointer, B.getInt64Ty());
  // A masked store may be given any address when all of it is off: then some mapped line is marked for nothing.
  if (S.MayBeWild)
    Address = B.CreateAnd(Address, AddressMask);
  if (Enabled)
    Address = B.CreateSelect(Enabled, Address, B.getInt64(0));
  Value *Line = B.CreateLShr(Address, PRS_LINE_SHIFT);
  Value *Mark = B.CreateIntToPtr(B.CreateAdd(Line, B.getInt64(PRS_MAP_BASE)), B.getPtrTy());
  unsigned Bytes = S.Size <= 64 ? (S.Alignment.value() >= PowerOf2Ceil(S.Size) ? 1 : 2) : 4;
  APInt Dirty = APInt::getSplat(Bytes * 8, APInt(8, PRS_MARK_DIRTY));
  B.CreateAlignedStore(ConstantInt::get(B.getContext(), Dirty), Mark, Align(1), /*isVolatile=*/true);
}

void emitMark(IRBuilderBase &B, const Site &S) {
  if (auto *Lanes = dyn_cast<FixedVectorType>(S.Pointer->getType())) {
    for (unsigned Lane = 0; Lane < Lanes->getNumElements(); ++Lane) {
      if (S.Number)
        B.SetCurrentDebugLocation(numberOfMark(S, *B.GetInsertBlock()->getParent(), Lane));
      emitInlineMark(B, S, B.CreateExtractElement(S.Pointer, Lane), B.CreateExtractElement(S.Enabled, Lane));
    }
    return;
  }
  if (!S.Length && S.Size <= InlineMax)
    return emitInlineMark(B, S, S.Pointer, S.Enabled);

  Module &M = *B.GetInsertBlock()->getModule();
  FunctionCallee MarkRange = M.getOrInsertFunction(PRS_NAME_MARK_RANGE, B.getVoidTy(), B.getPtrTy(), B.getInt64Ty());
  if (auto *F = dyn_cast<Function>(MarkRange.getCallee()))
    F->setDoesNotThrow();
  Value *Pointer = S.Pointer;
  if (S.MayBeWild)
    Pointer = B.CreateIntToPtr(B.CreateAnd(B.CreatePtrToInt(Pointer, B.getInt64Ty()), AddressMask), B.getPtrTy());
  Value *Length = S.Length ? B.CreateZExtOrTrunc(S.Length, B.getInt64Ty()) : B.getInt64(S.Size);
  B.CreateCall(MarkRange, {Pointer, Length});
}

/// Where control goes on after a call that returned.
Instruction *placeAfter(Instruction &Call) {
  auto *Invoke = dyn_cast<InvokeInst>(&Call);
  if (!Invoke)
    return Call.isTerminator() ? nullptr : Call.getNextNode();
  BasicBlock *Normal = Invoke->getNormalDest();
  if (!Normal->getSinglePredecessor())
    Normal = SplitEdge(Invoke->getParent(), Normal);
  return &*Normal->getFirstInsertionPt();
}

} // namespace

void instrumentMarks(Function &F, FunctionPlan &Plan) {
  for (Site &S : Plan.Sites) {
    if (S.Covered >= 0)
      continue;
    IRBuilder<> Before(S.Store);
    if (S.Number)
      Before.SetCurrentDebugLocation(numberOfMark(S, F, 0));
    emitMark(Before, S);
    Instruction *Place = S.AlsoAfter ? placeAfter(*S.Store) : nullptr;
    if (!Place)
      continue;
    IRBuilder<> After(Place);
    After.SetCurrentDebugLocation(S.Number ? DebugLoc(numberOfMarkAfter(S, F)) : S.Store->getDebugLoc());
    emitMark(After, S);
  }
}

} // namespace prosper
