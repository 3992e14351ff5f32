//===- Marks.cpp - a mark before each chosen store ------------------------===//
//
//   map[p >> 6] = 2      one byte when alignment keeps the store in one line, else two ("this line and the next": any 64 bytes
//                        from p on), four up to 192 bytes; anything longer, or of unknown length, calls __prosper_mark_range
//
// Shared marks (Placement.cpp, Hoisting.cpp) likewise; a long one goes to the long map, which no displacement reaches: one instruction more.
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

/// Where the line of an address has its byte.
Value *byteOf(IRBuilderBase &B, Value *Address, bool IsLong) {
  Value *Line = B.CreateLShr(Address, PRS_LINE_SHIFT);
  return B.CreateIntToPtr(B.CreateAdd(Line, B.getInt64(IsLong ? PRS_LONG_MAP_BASE : PRS_MAP_BASE)), B.getPtrTy());
}

void emitBytes(IRBuilderBase &B, Value *Mark, unsigned Bytes) {
  if (PRS_PLANTED(one_line) && Bytes == 2)
    Bytes = 1;
  APInt Dirty = APInt::getSplat(Bytes * 8, APInt(8, PRS_MARK_DIRTY));
  B.CreateAlignedStore(ConstantInt::get(B.getContext(), Dirty), Mark, Align(1), /*isVolatile=*/true);
}

void emitInlineMark(IRBuilderBase &B, const Site &S, Value *Pointer, Value *Enabled) {
  Value *Address = B.CreatePtrToInt(Pointer, B.getInt64Ty());
  // A masked store may be given any address when all of it is off: then some mapped line is marked for nothing.
  if (S.MayBeWild)
    Address = B.CreateAnd(Address, AddressMask);
  if (Enabled)
    Address = B.CreateSelect(Enabled, Address, B.getInt64(0));
  emitBytes(B, byteOf(B, Address, /*IsLong=*/false), S.Size <= 64 ? (S.Alignment.value() >= PowerOf2Ceil(S.Size) ? 1 : 2) : 4);
}

/// A long one may be of any constant length: one byte more than the lines that so many bytes fill.
void emitShared(IRBuilderBase &B, const SharedMark &M) {
  Value *Address = B.CreatePtrToInt(M.Base, B.getInt64Ty());
  if (M.Offset)
    Address = B.CreateAdd(Address, B.getInt64(static_cast<uint64_t>(M.Offset)));
  if (M.MayBeWild && !PRS_PLANTED(wild_uncut))
    Address = B.CreateAnd(Address, AddressMask);
  Value *Mark = byteOf(B, Address, M.IsLong && !PRS_PLANTED(short_hoisted));
  if (M.Bytes <= 64 || (PRS_PLANTED(span_72) && M.Bytes <= 72))
    return emitBytes(B, Mark, M.InOneLine ? 1 : 2);
  uint64_t Left = divideCeil(M.Bytes, 64) + (PRS_PLANTED(wide_short) ? 0 : 1), At = 0;
  for (unsigned Width : {16u, 8u, 4u, 2u, 1u})
    for (; Left >= Width; Left -= Width, At += Width) {
      Value *Place = B.CreateConstInBoundsGEP1_64(B.getInt8Ty(), Mark, At);
      if (Width < 16) {
        emitBytes(B, Place, Width);
        continue;
      }
      Constant *Dirty = ConstantVector::getSplat(ElementCount::getFixed(16), B.getInt8(PRS_MARK_DIRTY));
      B.CreateAlignedStore(Dirty, Place, Align(1), /*isVolatile=*/true);
    }
}

void emitMark(IRBuilderBase &B, const Site &S) {
  if (auto *Lanes = dyn_cast<FixedVectorType>(S.Pointer->getType())) {
    for (unsigned Lane = 0; Lane < Lanes->getNumElements() - (PRS_PLANTED(lane_skipped) ? 1 : 0); ++Lane) {
      if (S.Number)
        B.SetCurrentDebugLocation(numberOfMark(S, *B.GetInsertBlock()->getParent(), Lane));
      emitInlineMark(B, S, B.CreateExtractElement(S.Pointer, Lane), B.CreateExtractElement(S.Enabled, Lane));
    }
    return;
  }
  if (!isRange(S))
    return emitInlineMark(B, S, S.Pointer, S.Enabled);

  Module &M = *B.GetInsertBlock()->getModule();
  FunctionCallee MarkRange = M.getOrInsertFunction(PRS_NAME_MARK_RANGE, B.getVoidTy(), B.getPtrTy(), B.getInt64Ty());
  if (auto *F = dyn_cast<Function>(MarkRange.getCallee()))
    F->setDoesNotThrow();
  Value *Pointer = S.Pointer;
  if (S.MayBeWild)
    Pointer = B.CreateIntToPtr(B.CreateAnd(B.CreatePtrToInt(Pointer, B.getInt64Ty()), AddressMask), B.getPtrTy());
  Value *Length = S.Length ? B.CreateZExtOrTrunc(S.Length, B.getInt64Ty()) : B.getInt64(S.Size);
  if (PRS_PLANTED(copy_short))
    Length = B.CreateBinaryIntrinsic(Intrinsic::usub_sat, Length, B.getInt64(64));
  B.CreateCall(MarkRange, {Pointer, Length});
}

} // namespace

Instruction *placeAfter(Instruction &I) {
  auto *Invoke = dyn_cast<InvokeInst>(&I);
  if (!Invoke) {
    const auto *Call = dyn_cast<CallInst>(&I);
    return I.isTerminator() || (Call && Call->isMustTailCall()) ? nullptr : I.getNextNode();
  }
  BasicBlock *Normal = Invoke->getNormalDest();
  if (!Normal->getSinglePredecessor())
    Normal = SplitEdge(Invoke->getParent(), Normal);
  return &*Normal->getFirstInsertionPt();
}

void emitRelease(IRBuilderBase &B) {
  Module &M = *B.GetInsertBlock()->getModule();
  Type *Byte = B.getInt8Ty();
  auto *Released = cast<GlobalVariable>(M.getOrInsertGlobal(PRS_NAME_RELEASED, Byte, [&] {
    return new GlobalVariable(M, Byte, false, GlobalValue::ExternalLinkage, nullptr, PRS_NAME_RELEASED, nullptr,
                              GlobalValue::InitialExecTLSModel);
  }));
  B.CreateStore(B.getInt8(1), B.CreateThreadLocalAddress(Released), /*isVolatile=*/true);
}

void instrumentMarks(Function &F, FunctionPlan &Plan) {
  for (Instruction *Place : Plan.Releases) {
    IRBuilder<> B(Place);
    emitRelease(B);
  }
  for (const SharedMark &Shared : Plan.Marks) {
    IRBuilder<> B(PRS_PLANTED(mark_behind) && isa<StoreInst>(Shared.Before) ? Shared.Before->getNextNode() : Shared.Before);
    if (DILocation *Number = numberOfSharedMark(Shared, Plan, F))
      B.SetCurrentDebugLocation(Number);
    emitShared(B, Shared);
  }
  for (Site &S : Plan.Sites) {
    if (S.IsServed)
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
