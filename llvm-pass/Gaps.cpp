//===- Gaps.cpp - what ends the gap between a mark and its stores ---------===//
//
// No gap spans a call: code that is called may release the thread's marks (docs/abi.md), or make any number of marks. What has no stores
// does neither. (That a function is said to write no memory which its caller can see is not enough: it may fill memory of its own, with marks and
// a release.) What looks like a call here and is none in machine code (most intrinsics) does not end a gap; what looks like none and
// becomes one does.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace prosper {

/// Atomics that no single instruction (or loop around one) does: calls of libatomic.
static bool isWideAtomic(const Instruction &I) {
  Type *T = nullptr;
  Align A;
  if (const auto *Store = dyn_cast<StoreInst>(&I); Store && Store->isAtomic()) {
    T = Store->getValueOperand()->getType();
    A = Store->getAlign();
  } else if (const auto *Load = dyn_cast<LoadInst>(&I); Load && Load->isAtomic()) {
    T = Load->getType();
    A = Load->getAlign();
  } else if (const auto *RMW = dyn_cast<AtomicRMWInst>(&I)) {
    T = RMW->getValOperand()->getType();
    A = RMW->getAlign();
  } else if (const auto *CmpXchg = dyn_cast<AtomicCmpXchgInst>(&I)) {
    T = CmpXchg->getNewValOperand()->getType();
    A = CmpXchg->getAlign();
  }
  if (!T)
    return false;
  uint64_t Size = I.getDataLayout().getTypeStoreSize(T).getKnownMinValue();
  return Size > 8 || A.value() < Size;
}

/// Arithmetic that x86-64 has no instructions for: half and quadruple precision, remainders, division and conversion of wide integers.
static bool isArithmeticByCall(const Instruction &I) {
  if (!isa<BinaryOperator, UnaryOperator, CastInst, CmpInst>(I))
    return false;
  auto IsSoft = [](const Type *T) { return T->isHalfTy() || T->isBFloatTy() || T->isFP128Ty() || T->isPPC_FP128Ty(); };
  auto IsWide = [](const Type *T) { return T->isIntegerTy() && T->getIntegerBitWidth() > 64; };
  const Type *To = I.getType()->getScalarType(), *From = I.getOperand(0)->getType()->getScalarType();
  if (IsSoft(To) || IsSoft(From))
    return true;
  switch (I.getOpcode()) {
  case Instruction::FRem:
    return true;
  case Instruction::UDiv:
  case Instruction::SDiv:
  case Instruction::URem:
  case Instruction::SRem:
  case Instruction::FPToUI:
  case Instruction::FPToSI:
  case Instruction::UIToFP:
  case Instruction::SIToFP:
    return IsWide(To) || IsWide(From);
  default:
    return false;
  }
}

/// How many bytes of a copy are moves for certain: the code generator has 8 stores for one, or 4 where code is to be small (which a profile may ask for, block
/// by block), and may have to do without vectors. Where it must load everything before it stores, the last bytes take up to three stores.
static uint64_t bytesCopiedInline(const MemIntrinsic &I) {
  const Function &F = *I.getFunction();
  if (F.hasOptNone())
    return 0;
  if (F.hasOptSize() || F.hasMinSize() || F.hasFnAttribute(Attribute::NoImplicitFloat) || F.getParent()->getProfileSummary(/*IsCS=*/false))
    return 16;
  return isa<MemMoveInst>(I) ? 32 : 64;
}

/// Integer and vector intrinsics of at most 64 bits an element, which are instructions on x86-64 whatever the options; small copies, which
/// are moves.
static bool staysInline(const IntrinsicInst &I) {
  auto IsPlain = [](const Type *T) {
    const Type *Scalar = T->getScalarType();
    return Scalar->isPointerTy() || Scalar->isFloatTy() || Scalar->isDoubleTy() || (Scalar->isIntegerTy() && Scalar->getIntegerBitWidth() <= 64);
  };
  switch (I.getIntrinsicID()) {
  case Intrinsic::abs:
  case Intrinsic::smax:
  case Intrinsic::smin:
  case Intrinsic::umax:
  case Intrinsic::umin:
  case Intrinsic::ctpop:
  case Intrinsic::ctlz:
  case Intrinsic::cttz:
  case Intrinsic::bswap:
  case Intrinsic::bitreverse:
  case Intrinsic::fshl:
  case Intrinsic::fshr:
  case Intrinsic::uadd_sat:
  case Intrinsic::usub_sat:
  case Intrinsic::sadd_sat:
  case Intrinsic::ssub_sat:
  case Intrinsic::fabs:
  case Intrinsic::copysign:
  case Intrinsic::sqrt:
  case Intrinsic::fmuladd:
  case Intrinsic::vector_reduce_add:
  case Intrinsic::vector_reduce_and:
  case Intrinsic::vector_reduce_or:
  case Intrinsic::vector_reduce_xor:
  case Intrinsic::masked_load:
  case Intrinsic::prefetch:
    return IsPlain(I.getType()->isVoidTy() ? I.getArgOperand(0)->getType() : I.getType());
  case Intrinsic::uadd_with_overflow:
  case Intrinsic::usub_with_overflow:
  case Intrinsic::umul_with_overflow:
  case Intrinsic::sadd_with_overflow:
  case Intrinsic::ssub_with_overflow:
  case Intrinsic::smul_with_overflow:
    return IsPlain(I.getArgOperand(0)->getType());
  case Intrinsic::memcpy_inline:
  case Intrinsic::memset_inline:
    return true;
  case Intrinsic::memcpy:
  case Intrinsic::memmove:
  case Intrinsic::memset: {
    const auto *Length = dyn_cast<ConstantInt>(cast<MemIntrinsic>(I).getLength());
    return Length && Length->getZExtValue() <= bytesCopiedInline(cast<MemIntrinsic>(I));
  }
  default:
    return I.isAssumeLikeIntrinsic();
  }
}

/// Functions of libc that only read, and that programs call often.
static bool isKnownReader(StringRef Name) {
  return StringSwitch<bool>(Name)
      .Cases("strlen", "strnlen", "strcmp", "strncmp", "strcasecmp", "strncasecmp", "strchr", "strrchr", "strstr", true)
      .Cases("strspn", "strcspn", "strpbrk", "memchr", "memrchr", "memcmp", "bcmp", "wcslen", "wmemchr", "wmemcmp", true)
      .Cases("__errno_location", "__ctype_b_loc", "__ctype_tolower_loc", "__ctype_toupper_loc", "pthread_self", true)
      .Cases("fabs", "floor", "ceil", "trunc", "sqrt", "floorf", "ceilf", "truncf", "sqrtf", true)
      .Default(false);
}

/// Neither it nor what it calls has a store, and no other definition may take its place when the program is loaded; so none of it gets a mark or a release.
static bool hasNoStores(const Function &F, unsigned Depth = 0) {
  constexpr unsigned DepthMax = 2, InstructionsMax = 300;
  if (F.isDeclaration())
    return isKnownReader(F.getName());
  if (!F.hasExactDefinition() || !F.isDSOLocal() || Depth > DepthMax)
    return false;
  unsigned Count = 0;
  for (const Instruction &I : instructions(F)) {
    if (++Count > InstructionsMax)
      return false;
    const auto *Call = dyn_cast<CallBase>(&I);
    if (!Call || isa<IntrinsicInst>(Call)) {
      if (I.mayWriteToMemory() && !(Call && cast<IntrinsicInst>(Call)->isAssumeLikeIntrinsic()))
        return false;
    } else if (!Call->getCalledFunction() || !Call->onlyReadsMemory() || !hasNoStores(*Call->getCalledFunction(), Depth + 1)) {
      return false;
    }
  }
  return true;
}

/// In a shared library the address of a thread-local variable may be what __tls_get_addr returns, which calls malloc the first time.
static bool isThreadLocalByCall(const IntrinsicInst &I) {
  if (I.getIntrinsicID() != Intrinsic::threadlocal_address || I.getModule()->getPICLevel() == PICLevel::NotPIC || I.getModule()->getPIELevel() != PIELevel::Default)
    return false;
  const auto *Variable = dyn_cast<GlobalValue>(I.getArgOperand(0)->stripPointerCasts());
  return !Variable || Variable->getThreadLocalMode() == GlobalValue::GeneralDynamicTLSModel || Variable->getThreadLocalMode() == GlobalValue::LocalDynamicTLSModel;
}

bool endsGaps(const Instruction &I) {
  if (const auto *Call = dyn_cast<CallBase>(&I)) {
    const auto *Intrinsic = dyn_cast<IntrinsicInst>(Call);
    if (Intrinsic && isThreadLocalByCall(*Intrinsic))
      return true;
    if (Intrinsic && staysInline(*Intrinsic))
      return false;
    if (Intrinsic || !Call->getCalledFunction()) // inline assembly may call
      return !Intrinsic || !Call->onlyReadsMemory();
    return !Call->onlyReadsMemory() || !hasNoStores(*Call->getCalledFunction());
  }
  return isWideAtomic(I) || (isArithmeticByCall(I) && !PRS_PLANTED(soft_arithmetic));
}

} // namespace prosper
