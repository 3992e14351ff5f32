//===- LandingPads.cpp - the list of write windows where unwinding lands --===//
//
//   entry:                        saved = __prosper_windows
//   landing pad, setjmp return:   __prosper_windows_leave(saved)
//
// Frames that unwinding or longjmp skipped took their nodes off no list: libc functions that call back (qsort) open windows. Mode all alone
// has windows (Writers.cpp). The load is volatile: a handler may run at any instant.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/DebugInfoMetadata.h"

using namespace llvm;

namespace prosper {

void restoreWindows(Function &F, const FunctionPlan &Plan, const Options &O) {
  if (O.Mode != PRS_MODE_ALL || Plan.LandingPads.empty())
    return;
  Module &M = *F.getParent();
  PointerType *Ptr = PointerType::get(F.getContext(), 0);
  const DebugLoc Artificial = F.getSubprogram() ? DebugLoc(DILocation::get(F.getContext(), 0, 0, F.getSubprogram())) : DebugLoc();
  auto *Head = cast<GlobalVariable>(M.getOrInsertGlobal(PRS_NAME_WINDOWS, Ptr, [&] {
    return new GlobalVariable(M, Ptr, false, GlobalValue::ExternalLinkage, nullptr, PRS_NAME_WINDOWS, nullptr, GlobalValue::InitialExecTLSModel);
  }));
  FunctionCallee Leave = M.getOrInsertFunction(PRS_NAME_WINDOWS_LEAVE, Type::getVoidTy(F.getContext()), Ptr);
  if (auto *Callee = dyn_cast<Function>(Leave.getCallee()))
    Callee->setDoesNotThrow();

  IRBuilder<> Entry(&*F.getEntryBlock().getFirstNonPHIOrDbgOrAlloca());
  Entry.SetCurrentDebugLocation(Artificial);
  Value *Saved = Entry.CreateLoad(Ptr, Entry.CreateThreadLocalAddress(Head), /*isVolatile=*/true, "prosper.windows");
  for (Instruction *Pad : Plan.LandingPads) {
    IRBuilder<> B(Pad->isTerminator() ? &*cast<InvokeInst>(Pad)->getNormalDest()->getFirstInsertionPt() : Pad->getNextNode());
    B.SetCurrentDebugLocation(Pad->getDebugLoc() && !O.NumberMarks ? Pad->getDebugLoc() : Artificial);
    B.CreateCall(Leave, {Saved});
  }
}

} // namespace prosper
