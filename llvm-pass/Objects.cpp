//===- Objects.cpp - large stack objects announce themselves --------------===//
//
//   entry:        saved = __prosper_objects;  node = {saved, address, size, flags, check};  __prosper_objects = &node
//   exit:         __prosper_objects = saved                     (return; before a musttail call; resume)
//   landing pad,  __prosper_objects = what this function had    (frames that unwinding or longjmp skipped took no node off)
//   setjmp return
//
// Mode all restores the list of write windows at the latter two as well: libc functions that call back (qsort) open windows.
// A node of a static object is announced from entry to exit, so the object must have its place for that long: its lifetime
// markers go, or the code generator would put small, unmarked objects into the same bytes. Dynamic allocation (VLA, alloca) is
// announced when it turns out large; stackrestore takes off what it frees.
// Every access to nodes and heads is volatile: a checkpoint may look at any instant.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/DebugInfoMetadata.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"

using namespace llvm;

namespace prosper {
namespace {

class Announcer {
public:
  Announcer(Function &F, const FunctionPlan &Plan, const Options &O)
      : F(F), Plan(Plan), O(O), M(*F.getParent()), Ptr(PointerType::get(F.getContext(), 0)), I64(Type::getInt64Ty(F.getContext())) {}

  void run() {
    bool Owns = !Plan.StaticObjects.empty() || !Plan.DynamicObjects.empty();
    bool Windows = O.Mode == PRS_MODE_ALL && !Plan.LandingPads.empty();
    if (!Owns && Plan.LandingPads.empty())
      return;
    collectExits();
    for (AllocaInst *Object : Plan.StaticObjects) { // before the place where they are announced is looked for: it may be one of these
      dropLifetimes(*Object);
      Object->moveBefore(F.getEntryBlock(), F.getEntryBlock().begin());
    }
    Instruction *Entry = &*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca();
    IRBuilder<> B(Entry);
    B.SetCurrentDebugLocation(artificialLocation());
    Saved = B.CreateLoad(Ptr, head(B, PRS_NAME_OBJECTS), /*isVolatile=*/true, "prosper.saved");
    Value *SavedWindows = Windows ? B.CreateLoad(Ptr, head(B, PRS_NAME_WINDOWS), true, "prosper.windows") : nullptr;
    Current = Saved;
    for (unsigned I = 0; I < Plan.StaticObjects.size(); ++I)
      announceStatic(B, *Plan.StaticObjects[I], Plan.StaticEscapes[I]);
    if (!Plan.DynamicObjects.empty()) {
      IRBuilder<> First(&F.getEntryBlock(), F.getEntryBlock().begin());
      CurrentSlot = First.CreateAlloca(Ptr, nullptr, "prosper.current");
      B.CreateStore(Current, CurrentSlot, true);
    }
    for (unsigned I = 0; I < Plan.DynamicObjects.size(); ++I)
      announceDynamic(*Plan.DynamicObjects[I], Plan.DynamicEscapes[I]);
    for (IntrinsicInst *Restore : StackRestores)
      cut(*Restore);
    for (Instruction *Pad : Plan.LandingPads)
      restoreAt(*Pad, SavedWindows);
    if (Owns)
      for (Instruction *Exit : Exits)
        takeOff(*Exit);
  }

private:

  DebugLoc artificialLocation() const {
    if (!F.getSubprogram())
      return DebugLoc();
    return DILocation::get(F.getContext(), 0, 0, F.getSubprogram());
  }

  Value *head(IRBuilderBase &B, const char *Name) {
    auto *G = cast<GlobalVariable>(M.getOrInsertGlobal(Name, Ptr, [&] {
      return new GlobalVariable(M, Ptr, false, GlobalValue::ExternalLinkage, nullptr, Name, nullptr,
                                GlobalValue::InitialExecTLSModel);
    }));
    return B.CreateThreadLocalAddress(G);
  }

  void collectExits() {
    for (Instruction &I : instructions(F)) {
      if (auto *Return = dyn_cast<ReturnInst>(&I)) {
        CallInst *Tail = Return->getParent()->getTerminatingMustTailCall();
        Exits.push_back(Tail ? static_cast<Instruction *>(Tail) : Return);
      } else if (isa<ResumeInst>(I)) {
        Exits.push_back(&I);
      } else if (auto *Intrinsic = dyn_cast<IntrinsicInst>(&I);
                 Intrinsic && Intrinsic->getIntrinsicID() == Intrinsic::stackrestore && !Plan.DynamicObjects.empty()) {
        StackRestores.push_back(Intrinsic);
      }
    }
  }

  /// Fills the node and publishes it with one store.
  void push(IRBuilderBase &B, Value *Node, Value *Next, Value *Object, Value *Size, bool Escapes) {
    auto Field = [&](unsigned Index, Value *V) {
      B.CreateAlignedStore(V, B.CreateConstInBoundsGEP1_64(I64, Node, Index), Align(8), /*isVolatile=*/true);
    };
    Field(0, Next);
    Field(1, B.CreatePtrToInt(Object, I64));
    Field(2, Size);
    Field(3, B.getInt64(Escapes ? PRS_OBJECT_ESCAPES : 0));
    Field(4, B.CreateXor(B.CreatePtrToInt(Node, I64), PRS_OBJECT_CHECK));
    B.CreateStore(Node, head(B, PRS_NAME_OBJECTS), true);
  }

  /// An announced object lives as long as its frame: its node names it all that time, and other objects must not share its place.
  void dropLifetimes(AllocaInst &Object) {
    SmallVector<IntrinsicInst *, 4> Lifetimes;
    for (User *U : Object.users())
      if (auto *Intrinsic = dyn_cast<IntrinsicInst>(U); Intrinsic && Intrinsic->isLifetimeStartOrEnd())
        Lifetimes.push_back(Intrinsic);
    for (IntrinsicInst *Lifetime : Lifetimes)
      Lifetime->eraseFromParent();
  }

  void announceStatic(IRBuilderBase &B, AllocaInst &Object, bool Escapes) {
    IRBuilder<> First(&F.getEntryBlock(), F.getEntryBlock().begin());
    Value *Node = First.CreateAlloca(ArrayType::get(I64, NodeWords), nullptr, "prosper.object");
    uint64_t Size = Object.getAllocationSize(F.getDataLayout())->getFixedValue();
    push(B, Node, Current, &Object, B.getInt64(Size), Escapes);
    Current = Node;
  }

  void announceDynamic(AllocaInst &Object, bool Escapes) {
    IRBuilder<> B(Object.getNextNode());
    B.SetCurrentDebugLocation(Object.getDebugLoc());
    Value *Count = B.CreateZExtOrTrunc(Object.getArraySize(), I64);
    Value *Size = B.CreateMul(Count, B.getInt64(F.getDataLayout().getTypeAllocSize(Object.getAllocatedType())));
    Value *Large = B.CreateICmpUGE(Size, B.getInt64(O.LargeObject));
    Instruction *Then = SplitBlockAndInsertIfThen(Large, &*B.GetInsertPoint(), /*Unreachable=*/false);
    IRBuilder<> Inner(Then);
    Inner.SetCurrentDebugLocation(Object.getDebugLoc());
    Value *Node = Inner.CreateAlloca(ArrayType::get(I64, NodeWords), nullptr, "prosper.object");
    Value *Next = Inner.CreateLoad(Ptr, CurrentSlot, true);
    push(Inner, Node, Next, &Object, Size, Escapes);
    Inner.CreateStore(Node, CurrentSlot, true);
  }

  /// Memory below the restored stack pointer goes, and the nodes in it.
  void cut(IntrinsicInst &Restore) {
    IRBuilder<> B(&Restore);
    FunctionCallee Cut = M.getOrInsertFunction(PRS_NAME_OBJECTS_CUT, Ptr, Ptr, Ptr);
    if (auto *Callee = dyn_cast<Function>(Cut.getCallee()))
      Callee->setDoesNotThrow();
    Value *Left = B.CreateCall(Cut, {B.CreateLoad(Ptr, CurrentSlot, true), Restore.getArgOperand(0)});
    B.CreateStore(Left, CurrentSlot, true);
    B.CreateStore(Left, head(B, PRS_NAME_OBJECTS), true);
  }

  /// Pad: a landing pad, or a call that may return twice.
  void restoreAt(Instruction &Pad, Value *SavedWindows) {
    Instruction *Place = Pad.isTerminator() ? &*cast<InvokeInst>(Pad).getNormalDest()->getFirstInsertionPt() : Pad.getNextNode();
    IRBuilder<> B(Place);
    B.SetCurrentDebugLocation(Pad.getDebugLoc() && !O.NumberMarks ? Pad.getDebugLoc() : artificialLocation());
    Value *Head = CurrentSlot ? B.CreateLoad(Ptr, CurrentSlot, true) : Current;
    B.CreateStore(Head, head(B, PRS_NAME_OBJECTS), true);
    if (!SavedWindows)
      return;
    FunctionCallee Leave = M.getOrInsertFunction(PRS_NAME_WINDOWS_LEAVE, B.getVoidTy(), Ptr);
    if (auto *Callee = dyn_cast<Function>(Leave.getCallee()))
      Callee->setDoesNotThrow();
    B.CreateCall(Leave, {SavedWindows});
  }

  void takeOff(Instruction &Exit) {
    IRBuilder<> B(&Exit);
    B.CreateStore(Saved, head(B, PRS_NAME_OBJECTS), true);
  }

  static constexpr unsigned NodeWords = sizeof(prs_object) / 8;

  Function &F;
  const FunctionPlan &Plan;
  const Options &O;
  Module &M;
  PointerType *Ptr;
  Type *I64;
  Value *Saved = nullptr;
  Value *Current = nullptr;           ///< the function's own head: its last static node
  AllocaInst *CurrentSlot = nullptr;  ///< the same when there are dynamic ones
  SmallVector<Instruction *, 4> Exits;
  SmallVector<IntrinsicInst *, 2> StackRestores;
};

} // namespace

void instrumentObjects(Function &F, const FunctionPlan &Plan, const Options &O) { Announcer(F, Plan, O).run(); }

} // namespace prosper
