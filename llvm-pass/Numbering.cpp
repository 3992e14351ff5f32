//===- Numbering.cpp - pairs of mark and store, readable from the object --===//
//
// For the machine-order checker (-prosper-number-marks): all debug information is replaced by a line table of the file "prosper-marks"
// in which pair n has line 2n at its mark and 2n + 1 at its store; everything else has line 0. The numbers are unique in a module. Stores
// that share a mark share its number. The column says what else the checker must know:
//
//   bits 0 to 9     bytes of the site, or of what the mark is for; 0: not known now, or 1023 and more
//   bits 10 to 14   mark: which of the store's marks this is, from 0 (30: a long mark; 31: the mark after a call); store: how many marks it has
//                   (30: one, long)
//   bit 15          store: a mark after the call follows
//
// A number may have several marks, on different ways to its stores. Line 1 is no pair: a store with it needs no mark (Interest.cpp: frames, variables);
// column 1 of it says that a call does not end the gap (Gaps.cpp), column 2 that the store goes through an argument for which each caller hands in such memory (Callers.cpp), column 3 that it does
// not. Merged stores of both kinds have column 0.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/DIBuilder.h"
#include "llvm/IR/DebugInfo.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace prosper {

namespace {

constexpr unsigned SizeBits = 10, SizeMax = (1u << SizeBits) - 1, MarksMax = 29, LongIndex = 30, AfterIndex = 31, AfterFlag = 32;
constexpr unsigned InsideColumn = 1, HandedInColumn = 2, OwnColumn = 3;

unsigned sizeOf(const Site &S) { return S.Length || S.Size > SizeMax ? 0 : static_cast<unsigned>(S.Size); }

unsigned marksOf(const Site &S) {
  auto *Lanes = dyn_cast<FixedVectorType>(S.Pointer->getType());
  return Lanes ? Lanes->getNumElements() : 1;
}

DILocation *locate(const Function &F, unsigned Line, unsigned High, unsigned Size) {
  return DILocation::get(F.getContext(), Line, High << SizeBits | Size, F.getSubprogram());
}

unsigned numberOfGroup(FunctionPlan &Plan, unsigned Group, unsigned &Next) {
  auto [Found, New] = Plan.GroupNumber.try_emplace(Group, 0);
  if (New)
    Found->second = ++Next;
  return Found->second;
}

} // namespace

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
  if (!M.getModuleFlag("Debug Info Version")) // a module that was compiled with -g has it
    M.addModuleFlag(Module::Warning, "Debug Info Version", DEBUG_METADATA_VERSION);
}

void numberSites(Function &F, FunctionPlan &Plan, unsigned &Next) {
  struct Pair {
    unsigned Number = 0, Marks = 0;
    bool After = false;
  };
  DenseMap<const Instruction *, Pair> Pairs;
  for (Instruction &I : instructions(F)) {
    auto *Call = dyn_cast<CallBase>(&I);
    bool IsStore = isa<StoreInst, AtomicRMWInst, AtomicCmpXchgInst, AnyMemIntrinsic>(I), IsInside = Call && !endsGaps(I);
    if (IsStore || IsInside)
      I.setDebugLoc(locate(F, 1, 0, IsInside ? InsideColumn : OwnColumn));
  }
  for (const NotMarked &N : Plan.Unmarked)
    if (N.IsHandedIn)
      N.Store->setDebugLoc(locate(F, 1, 0, HandedInColumn));
  for (Site &S : Plan.Sites) {
    Pair &P = Pairs[S.Store];
    if (!P.Number)
      P.Number = S.IsServed ? numberOfGroup(Plan, S.Group, Next) : ++Next;
    S.Number = P.Number;
    S.FirstMark = P.Marks;
    P.Marks += marksOf(S);
    P.After |= S.AlsoAfter;
    unsigned Size = P.Marks > 1 ? 0 : sizeOf(S); // each mark has its own
    unsigned High = S.IsServed && Plan.LongGroups.contains(S.Group) ? LongIndex : std::min(P.Marks, MarksMax);
    S.Store->setDebugLoc(locate(F, 2 * P.Number + 1, High | (P.After ? AfterFlag : 0), Size));
  }
}

DILocation *numberOfStream(const Strip::Stream &S, const FunctionPlan &Plan, const Function &F) {
  auto Found = Plan.GroupNumber.find(S.Group);
  return Found == Plan.GroupNumber.end() ? nullptr : locate(F, 2 * Found->second, LongIndex, static_cast<unsigned>(S.High - S.Low)); // of one round
}

DILocation *numberOfSharedMark(const SharedMark &M, const FunctionPlan &Plan, const Function &F) {
  auto Found = Plan.GroupNumber.find(M.Group);
  return Found == Plan.GroupNumber.end() ? nullptr : locate(F, 2 * Found->second, M.IsLong ? LongIndex : 0, static_cast<unsigned>(M.Bytes > SizeMax ? 0 : M.Bytes));
}

DILocation *numberOfMark(const Site &S, const Function &F, unsigned Lane) {
  return locate(F, 2 * S.Number, std::min(S.FirstMark + Lane, MarksMax - 1), sizeOf(S));
}

DILocation *numberOfMarkAfter(const Site &S, const Function &F) { return locate(F, 2 * S.Number, AfterIndex, sizeOf(S)); }

} // namespace prosper
