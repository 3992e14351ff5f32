//===- Stores.cpp - a call after each store -------------------------------===//
//
//   store i64 %v, ptr %p
//   call void @__prosper_store(ptr %p, i64 8)
//
// Behind the store, because who listens may read what was stored. The callee's effects on memory are not known to LLVM, so no later pass moves
// the store over the call, and a store that only the call could see is not dropped. It is never a tail call: the address may be of this frame.
//
// A store of vectors under a mask is told lane by lane, 0 bytes where the mask is off: what lies there may not even be mapped.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace prosper {
namespace {

/// Lanes of a vector and which of them are stored.
struct Lanes {
  Value *Pointer = nullptr;  ///< of the first lane, or a vector of each lane's
  Value *Mask = nullptr;     ///< of i1; of integers: the highest bit counts
  Value *Length = nullptr;   ///< null, or: lanes from this one on are off
  Type *Element = nullptr;
  bool IsCompressed = false; ///< those that are on lie one behind the other
};

std::optional<Lanes> lanesOf(Instruction &Store) {
  auto *I = dyn_cast<IntrinsicInst>(&Store);
  if (!I)
    return std::nullopt;
  auto Make = [&](unsigned Data, unsigned Pointer, unsigned Mask) {
    Lanes L;
    L.Pointer = I->getArgOperand(Pointer);
    L.Mask = I->getArgOperand(Mask);
    L.Element = I->getArgOperand(Data)->getType()->getScalarType();
    return L;
  };
  switch (I->getIntrinsicID()) {
  case Intrinsic::masked_store:
  case Intrinsic::masked_scatter:
    return Make(0, 1, 3);
  case Intrinsic::masked_compressstore: {
    Lanes L = Make(0, 1, 2);
    L.IsCompressed = true;
    return L;
  }
  case Intrinsic::vp_store:
  case Intrinsic::vp_scatter: {
    Lanes L = Make(0, 1, 2);
    L.Length = I->getArgOperand(3);
    return L;
  }
  default:
    break;
  }
  StringRef Name = I->getCalledFunction()->getName();
  if (Name.starts_with("llvm.x86.avx.maskstore") || Name.starts_with("llvm.x86.avx2.maskstore"))
    return Make(2, 0, 1);
  if (Name.starts_with("llvm.x86.sse2.maskmov.dqu"))
    return Make(0, 2, 1);
  return std::nullopt;
}

/// Bytes that depend on the processor, or are not all of its range: not told.
bool isOfUnknownExtent(const Instruction &Store) {
  const auto *I = dyn_cast<IntrinsicInst>(&Store);
  StringRef Name = I ? I->getCalledFunction()->getName() : StringRef();
  return Name.starts_with("llvm.x86.xsave") || Name.starts_with("llvm.x86.mmx.maskmovq");
}

class Teller {
public:
  explicit Teller(Function &F) : F(F), M(*F.getParent()), I64(Type::getInt64Ty(F.getContext())) {}

  void run(const FunctionPlan &Plan) {
    for (const Site &S : Plan.Told)
      after(S);
    for (Argument &A : F.args())
      if (A.hasByValAttr() && A.getType()->getPointerAddressSpace() == 0)
        atEntry(A);
  }

private:
  void after(const Site &S) {
    Instruction *Place = isOfUnknownExtent(*S.Store) ? nullptr : placeAfter(*S.Store);
    if (!Place)
      return;
    IRBuilder<> B(Place);
    B.SetCurrentDebugLocation(S.Store->getDebugLoc());
    if (std::optional<Lanes> L = lanesOf(*S.Store))
      return tellLanes(B, *L);
    tell(B, S.Pointer, S.Length ? B.CreateZExtOrTrunc(S.Length, I64) : B.getInt64(S.Size));
  }

  void tellLanes(IRBuilderBase &B, const Lanes &L) {
    auto *Mask = cast<FixedVectorType>(L.Mask->getType());
    const unsigned Count = Mask->getNumElements();
    const uint64_t Size = M.getDataLayout().getTypeStoreSize(L.Element);
    Value *On = Mask->getElementType()->isIntegerTy(1) ? L.Mask : B.CreateICmpSLT(L.Mask, Constant::getNullValue(Mask));
    if (L.IsCompressed) {
      Value *Bits = B.CreateZExtOrTrunc(B.CreateBitCast(On, B.getIntNTy(Count)), I64);
      return tell(B, L.Pointer, B.CreateMul(B.CreateUnaryIntrinsic(Intrinsic::ctpop, Bits), B.getInt64(Size)));
    }
    for (unsigned Lane = 0; Lane < Count; ++Lane) {
      Value *IsOn = B.CreateExtractElement(On, Lane);
      if (L.Length)
        IsOn = B.CreateAnd(IsOn, B.CreateICmpUGT(L.Length, ConstantInt::get(L.Length->getType(), Lane)));
      Value *Pointer = L.Pointer->getType()->isVectorTy() ? B.CreateExtractElement(L.Pointer, Lane)
                                                          : B.CreateConstGEP1_64(B.getInt8Ty(), L.Pointer, Lane * Size);
      tell(B, Pointer, B.CreateSelect(IsOn, B.getInt64(Size), B.getInt64(0)));
    }
  }

  /// An argument in memory: the caller stored it on the stack, and no code names that store.
  void atEntry(Argument &A) {
    IRBuilder<> B(&*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
    if (DISubprogram *Subprogram = F.getSubprogram())
      B.SetCurrentDebugLocation(DILocation::get(F.getContext(), 0, 0, Subprogram));
    tell(B, &A, B.getInt64(M.getDataLayout().getTypeStoreSize(A.getParamByValType())));
  }

  void tell(IRBuilderBase &B, Value *Pointer, Value *Bytes) {
    FunctionCallee Store = M.getOrInsertFunction(PRS_NAME_STORE, B.getVoidTy(), B.getPtrTy(), I64);
    if (auto *Callee = dyn_cast<Function>(Store.getCallee()))
      Callee->setDoesNotThrow();
    CallInst *Call = B.CreateCall(Store, {Pointer, Bytes});
    Call->setTailCallKind(CallInst::TCK_NoTail);
  }

  Function &F;
  Module &M;
  Type *I64;
};

} // namespace

void instrumentStores(Function &F, const FunctionPlan &Plan) {
  Teller(F).run(Plan);
  if (!Plan.Told.empty())
    F.removeFnAttr(Attribute::Memory); // it calls now
}

} // namespace prosper
