//===- Numbering.cpp - pairs of mark and store, readable from the object --===//
//
// For the machine-order checker (-prosper-number-marks): all debug information is replaced by a line table in which pair n has line
// 2n at its mark and 2n + 1 at its store; everything else has line 0. The numbers are unique in a module.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"

using namespace llvm;

namespace prosper {

void prepareNumbering(Module &M) {
  StripDebugInfo(M);
  DIBuilder Builder(M);
  DIFile *File = Builder.createFile("prosper-marks", "/");
  Builder.createCompileUnit(dwarf::DW_LANG_C99, File, "prosper", true, "", 0);
  DISubroutineType *Type = Builder.createSubroutineType(Builder.getOrCreateTypeArray({}));
  for (Function &F : M) {
    if (F.isDeclaration())
      continue;
    DISubprogram *Subprogram = Builder.createFunction(File, F.getName(), F.getName(), File, 0, Type, 0, DINode::FlagZero,
                                                      DISubprogram::SPFlagDefinition | DISubprogram::SPFlagOptimized);
    F.setSubprogram(Subprogram);
    Builder.finalizeSubprogram(Subprogram);
    DILocation *Nowhere = DILocation::get(M.getContext(), 0, 0, Subprogram);
    for (Instruction &I : instructions(F))
      I.setDebugLoc(Nowhere);
  }
  Builder.finalize();
  M.addModuleFlag(Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
}

void numberSites(Function &F, FunctionPlan &Plan, unsigned &Next) {
  DenseMap<const Instruction *, unsigned> Numbers;
  for (Site &S : Plan.Sites) {
    unsigned &Number = Numbers[S.Store];
    if (!Number)
      Number = S.Covered >= 0 ? Plan.Sites[static_cast<unsigned>(S.Covered)].Number : ++Next;
    S.Number = Number;
    S.Store->setDebugLoc(DILocation::get(F.getContext(), 2 * Number + 1, 0, F.getSubprogram()));
  }
}

} // namespace prosper
