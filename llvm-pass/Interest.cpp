//===- Interest.cpp - deciding what to instrument -------------------------===//
//
// Looks only. In mode all a store is interesting when it may reach memory that is not compared anyway: everything but stack objects, of whatever
// size, and the program's variables, where that is the base. A frame is compared while it is in use, and by pages when it lies deep in the stack;
// data segments are compared, or by pages when they are large. All of these see any writer, so it does not matter who else knows the
// address. In mode stack no store is.
// What writes memory without naming the place (opaque inline assembly, unknown intrinsics, other address spaces) sets a flag of the
// module's note, so that the runtime does not rely on marks for this code.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/InlineAsm.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace prosper {
namespace {

class Decider {
public:
  Decider(Function &F, const Options &O, const FoundArguments &Found, FunctionPlan &Plan)
      : F(F), O(O), Found(Found), Plan(Plan), DL(F.getDataLayout()) {}

  void run() {
    for (Instruction &I : instructions(F))
      visit(I);
  }

private:
  bool areInteresting(ArrayRef<const Value *> Bases) const {
    return O.Mode == PRS_MODE_ALL && !all_of(Bases, [&](const Value *Base) { return isFoundAnyway(Base, O, Found); });
  }

  Site *add(Instruction &Store, Value *Pointer, uint64_t Size, Value *Length = nullptr, MaybeAlign Alignment = std::nullopt) {
    if (!Pointer->getType()->isPointerTy() || Pointer->getType()->getPointerAddressSpace() != 0) {
      Plan.Flags |= PRS_FLAG_OPAQUE_STORE;
      return nullptr;
    }
    if (!Length && Size == 0)
      return nullptr;
    tell(Store, Pointer, Size, Length);
    SmallVector<const Value *, 4> Bases;
    getUnderlyingObjects(Pointer, Bases, nullptr, /*MaxLookup=*/0);
    if (!areInteresting(Bases) || (PRS_PLANTED(arguments_skipped) && isa<Argument>(getUnderlyingObject(Pointer))) ||
        (PRS_PLANTED(atomics_skipped) && isa<AtomicRMWInst, AtomicCmpXchgInst>(Store))) {
      const bool IsHandedIn = any_of(Bases, [&](const Value *Base) {
        const auto *A = dyn_cast<Argument>(Base);
        return A && Found.contains(A) && !A->hasByValAttr();
      });
      const Value *Base = Bases.empty() ? nullptr : Bases[0]; // none: code that is not reached
      const bool IsFrame = !IsHandedIn && isa_and_nonnull<AllocaInst, Argument>(Base) && isFoundAnyway(Base, O, Found);
      Plan.Unmarked.push_back({&Store, IsFrame, !IsHandedIn && isa_and_nonnull<GlobalVariable>(Base), IsHandedIn});
      return nullptr;
    }
    Site S;
    S.Store = &Store;
    S.Pointer = Pointer;
    S.Size = Size;
    S.Length = Length;
    S.Alignment = Alignment ? *Alignment : Align(1);
    Plan.Sites.push_back(S);
    return &Plan.Sites.back();
  }

  void tell(Instruction &Store, Value *Pointer, uint64_t Size, Value *Length = nullptr) {
    if (!O.Stores)
      return;
    if (isa<CallBrInst>(Store)) { // no one place follows it
      Plan.Flags |= PRS_FLAG_OPAQUE_ASM;
      return;
    }
    Site S;
    S.Store = &Store;
    S.Pointer = Pointer;
    S.Size = Size;
    S.Length = Length;
    Plan.Told.push_back(S);
  }

  uint64_t sizeOf(Type *T) {
    TypeSize Size = DL.getTypeStoreSize(T);
    return Size.isScalable() ? 0 : Size.getFixedValue();
  }

  void visit(Instruction &I) {
    if (auto *Store = dyn_cast<StoreInst>(&I)) {
      if (!Store->getPointerOperand()->isSwiftError())
        add(I, Store->getPointerOperand(), sizeOf(Store->getValueOperand()->getType()), nullptr, Store->getAlign());
    } else if (auto *RMW = dyn_cast<AtomicRMWInst>(&I)) {
      add(I, RMW->getPointerOperand(), sizeOf(RMW->getValOperand()->getType()), nullptr, RMW->getAlign());
    } else if (auto *CmpXchg = dyn_cast<AtomicCmpXchgInst>(&I)) {
      add(I, CmpXchg->getPointerOperand(), sizeOf(CmpXchg->getNewValOperand()->getType()), nullptr, CmpXchg->getAlign());
    } else if (auto *VAArg = dyn_cast<VAArgInst>(&I)) {
      add(I, VAArg->getPointerOperand(), VaListSize);
    } else if (auto *Intrinsic = dyn_cast<IntrinsicInst>(&I)) {
      visitIntrinsic(*Intrinsic);
    } else if (auto *Call = dyn_cast<CallBase>(&I)) {
      if (Call->isInlineAsm())
        visitAsm(*Call);
      else
        visitCall(*Call);
    }
    if (isa<LandingPadInst>(I))
      Plan.LandingPads.push_back(&I);
    else if (auto *Call = dyn_cast<CallBase>(&I); Call && Call->hasFnAttr(Attribute::ReturnsTwice))
      Plan.LandingPads.push_back(&I);
  }

  /// A callee without instrumentation may fill the result in; in the frame of ours it does no harm, elsewhere it must be seen.
  void visitCall(CallBase &Call) {
    const Function *Callee = Call.getCalledFunction();
    if (Callee && !Callee->isDeclaration())
      return;
    if (Callee)
      visitKnownCallee(Call, Callee->getName());
    for (unsigned Arg = 0; Arg < Call.arg_size(); ++Arg)
      if (Type *Result = Call.getParamStructRetType(Arg))
        if (Site *S = add(Call, Call.getArgOperand(Arg), sizeOf(Result)))
          S->AlsoAfter = !Call.isMustTailCall();
  }

  /// Code without instrumentation that no stand-in can take the place of (writers.def has the others).
  void visitKnownCallee(CallBase &Call, StringRef Name) {
    struct Known {
      const char *Name;
      uint64_t Size; ///< written through the first argument
    };
    static constexpr Known Functions[] = {
        {"_setjmp", 200},      {"setjmp", 200},     {"__sigsetjmp", 200},        {"sigsetjmp", 200},          {"getcontext", 968},
        {"swapcontext", 968},  {"makecontext", 968}, {"__cxa_guard_acquire", 8}, {"__cxa_guard_release", 8}, {"__cxa_guard_abort", 8},
    };
    for (const Known &K : Functions)
      if (Name == K.Name && Call.arg_size() > 0)
        add(Call, Call.getArgOperand(0), K.Size);
    if (!Name.starts_with("__atomic_") && !Name.starts_with("__sync_"))
      return;
    Value *Length = Call.arg_size() && Call.getArgOperand(0)->getType()->isIntegerTy(64) ? Call.getArgOperand(0) : nullptr;
    uint64_t Size = 16;
    (void)Name.rsplit('_').second.getAsInteger(10, Size); // "__atomic_exchange_8"
    for (Value *Argument : Call.args())
      if (Argument->getType()->isPointerTy())
        add(Call, Argument, Size, Length);
  }

  void visitIntrinsic(IntrinsicInst &I) {
    if (auto *Mem = dyn_cast<AnyMemIntrinsic>(&I)) {
      if (auto *Constant = dyn_cast<ConstantInt>(Mem->getLength()))
        add(I, Mem->getRawDest(), Constant->getZExtValue(), nullptr, Mem->getDestAlign());
      else
        add(I, Mem->getRawDest(), 0, Mem->getLength(), Mem->getDestAlign());
      return;
    }
    switch (I.getIntrinsicID()) {
    case Intrinsic::masked_store:
    case Intrinsic::masked_compressstore:
    case Intrinsic::vp_store:
      addMasked(I, 1, sizeOf(I.getArgOperand(0)->getType()));
      return;
    case Intrinsic::masked_scatter:
      addScatter(I, I.getArgOperand(1), I.getArgOperand(3), I.getArgOperand(0)->getType());
      return;
    case Intrinsic::vp_scatter:
      addScatter(I, I.getArgOperand(1), I.getArgOperand(2), I.getArgOperand(0)->getType());
      return;
    case Intrinsic::vastart:
    case Intrinsic::vacopy:
      add(I, I.getArgOperand(0), VaListSize);
      return;
    case Intrinsic::init_trampoline:
      add(I, I.getArgOperand(0), 64);
      return;
    case Intrinsic::instrprof_increment:
    case Intrinsic::instrprof_increment_step:
    case Intrinsic::instrprof_cover:
      Plan.Flags |= PRS_FLAG_OPAQUE_STORE;
      return;
    case Intrinsic::vaend:
    case Intrinsic::prefetch:
    case Intrinsic::clear_cache:
    case Intrinsic::stackrestore:
    case Intrinsic::localescape:
    case Intrinsic::eh_typeid_for:
      return;
    default:
      visitOtherIntrinsic(I);
    }
  }

  void visitOtherIntrinsic(IntrinsicInst &I) {
    if (!I.mayWriteToMemory() || I.isAssumeLikeIntrinsic() || I.onlyAccessesInaccessibleMemory())
      return;
    struct Writer {
      const char *Prefix;
      unsigned Arg;
      uint64_t Size;
    };
    static constexpr Writer Writers[] = {
        {"llvm.x86.avx.maskstore", 0, 32},  {"llvm.x86.avx2.maskstore", 0, 32}, {"llvm.x86.sse2.maskmov.dqu", 2, 16},
        {"llvm.x86.mmx.maskmovq", 2, 8},    {"llvm.x86.movdir64b", 0, 64},      {"llvm.x86.directstore", 0, 8},
        {"llvm.x86.sse.stmxcsr", 0, 4},     {"llvm.x86.fxsave", 0, 512},        {"llvm.x86.xsave", 0, 16384},
    };
    StringRef Name = I.getCalledFunction()->getName();
    for (const Writer &W : Writers)
      if (Name.starts_with(W.Prefix) && W.Size) {
        addMasked(I, W.Arg, W.Size);
        return;
      }
    for (unsigned Arg = 0; Arg < I.arg_size(); ++Arg)
      if (I.getArgOperand(Arg)->getType()->isPtrOrPtrVectorTy() && !I.onlyReadsMemory(Arg))
        Plan.Flags |= PRS_FLAG_OPAQUE_STORE;
  }

  void addMasked(IntrinsicInst &I, unsigned Arg, uint64_t Size) {
    if (Size == 0)
      Plan.Flags |= PRS_FLAG_OPAQUE_STORE;
    else if (Site *S = add(I, I.getArgOperand(Arg), Size))
      S->MayBeWild = true;
  }

  /// One site for each lane; Marks.cpp takes the lane out of the vector, so Pointer holds the whole vector until then.
  void addScatter(IntrinsicInst &I, Value *Pointers, Value *Mask, Type *Data) {
    auto *Vector = dyn_cast<FixedVectorType>(Pointers->getType());
    if (!Vector || Vector->getElementType()->getPointerAddressSpace() != 0) {
      Plan.Flags |= PRS_FLAG_OPAQUE_STORE;
      return;
    }
    tell(I, Pointers, sizeOf(Data->getScalarType()));
    if (O.Mode != PRS_MODE_ALL)
      return;
    Site S;
    S.Store = &I;
    S.Pointer = Pointers;
    S.Enabled = Mask;
    S.Size = sizeOf(Data->getScalarType());
    Plan.Sites.push_back(S);
  }

  void visitAsm(CallBase &Call) {
    const auto *Asm = cast<InlineAsm>(Call.getCalledOperand());
    unsigned Arg = 0;
    bool Clobbers = false;
    for (const InlineAsm::ConstraintInfo &C : Asm->ParseConstraints()) {
      if (C.Type == InlineAsm::isClobber)
        Clobbers |= is_contained(C.Codes, "{memory}");
      if (C.Type == InlineAsm::isClobber || C.Type == InlineAsm::isLabel || (C.Type == InlineAsm::isOutput && !C.isIndirect))
        continue;
      if (C.Type == InlineAsm::isOutput) {
        Type *Element = Call.getParamElementType(Arg);
        uint64_t Size = Element ? sizeOf(Element) : AsmOutputMax;
        if (Size == 0) // "=m"(*(char (*)[])p): how much of it, only the assembly knows
          Plan.Flags |= PRS_FLAG_OPAQUE_ASM;
        add(Call, Call.getArgOperand(Arg), Size);
      }
      ++Arg;
    }
    if (Clobbers && !isHarmlessAsm(Asm->getAsmString()))
      Plan.Flags |= PRS_FLAG_OPAQUE_ASM;
  }

  /// Memory clobbers that only order: an empty template, fences, hints, clock and processor queries.
  static bool isHarmlessAsm(StringRef Text) {
    for (StringRef Rest = Text; !Rest.empty();) {
      size_t End = Rest.find_first_of(";\n");
      StringRef Statement = Rest.substr(0, End).trim();
      Rest = End == StringRef::npos ? StringRef() : Rest.substr(End + 1);
      if (Statement.empty() || Statement.starts_with("#"))
        continue;
      StringRef Word = Statement.split(' ').first.split('\t').first;
      bool Known = StringSwitch<bool>(Word)
                       .Cases("pause", "mfence", "lfence", "sfence", "nop", "cpuid", "rdtsc", "rdtscp", "ud2", "int3", true)
                       .Default(false);
      if (!Known && Statement != "rep nop" && Statement != "rep")
        return false;
    }
    return true;
  }

  static constexpr uint64_t VaListSize = 24;          // System V x86-64
  static constexpr uint64_t AsmOutputMax = 64;  // an output whose type is not given

  Function &F;
  const Options &O;
  const FoundArguments &Found;
  FunctionPlan &Plan;
  const DataLayout &DL;
};

} // namespace

bool isFoundAnyway(const Value *Base, const Options &O, const FoundArguments &Found) {
  if (isa<AllocaInst>(Base))
    return O.SkipFrames;
  if (const auto *Argument = dyn_cast<llvm::Argument>(Base))
    return Found.contains(Argument) || (O.SkipFrames && Argument->hasByValAttr());
  return O.SkipGlobals && isa<GlobalVariable>(Base);
}

bool isInterestingFunction(const Function &F, unsigned &Flags) {
  if (F.isDeclaration() || F.hasAvailableExternallyLinkage() || F.hasFnAttribute("prosper"))
    return false;
  if (F.hasFnAttribute(Attribute::Naked) || F.hasFnAttribute(Attribute::DisableSanitizerInstrumentation)) {
    Flags |= PRS_FLAG_UNCOVERED;
    return false;
  }
  for (const GlobalIFunc &IFunc : F.getParent()->ifuncs())
    if (IFunc.getResolverFunction() == &F) { // runs before anything is relocated, the dirty map included
      Flags |= PRS_FLAG_UNCOVERED;
      return false;
    }
  return true;
}

FunctionPlan planFunction(Function &F, const Options &O, const FoundArguments &Found) {
  FunctionPlan Plan;
  Decider(F, O, Found, Plan).run();
  return Plan;
}

} // namespace prosper
