//===- Placement.cpp - one mark for many stores ---------------------------===//
//
// Sites are gathered by base: a *window* is a base with an offset of which 64 bytes hold the ranges of all its sites (a mark of two bytes,
// "this line and the next", covers any 64 bytes from its address on). A mark of a window is in force
//
//   from the mark on, over edges between blocks, at a join if it is on all ways,
//   to   a call (Gaps.cpp); the next time that the base is computed; the head of a loop, and the way out of one;
//        the end of a chunk: blocks that lie next to each other in reverse post-order, with at most PRS_GAP_MARKS marks in all.
//
// A site in whose window a mark is in force needs none. WHY IT IS SAFE: between a mark and such a store there is no call, so nothing released
// it; and no block is passed twice, since a cycle leads through the head of a loop, and all blocks on the way belong to one chunk
// (reverse post-order ascends along every edge but those): so at most PRS_GAP_MARKS marks were executed in between, as docs/abi.md demands
// of short marks. The base is the same value, so the address is.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/ADT/BitVector.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/IntrinsicInst.h"

using namespace llvm;

namespace prosper {
namespace {

const uint64_t Span = PRS_PLANTED(span_72) ? 72 : 64;

struct Window {
  Value *Base = nullptr;
  int64_t Low = 0, High = 0; ///< of all sites, from the base
};

class Placer {
public:
  Placer(Function &F, FunctionPlan &Plan, const Options &O, const Analyses &A) : F(F), Plan(Plan), O(O), A(A) {
    FirstGroup = static_cast<unsigned>(Plan.LongGroups.size()); // they are numbered from 0
  }

  void run() {
    gather();
    if (Windows.empty())
      return;
    unsigned Next = 0;
    for (BasicBlock *B : ReversePostOrderTraversal<Function *>(&F))
      Order[B] = Next++;
    if (O.Blocks && !F.hasOptNone())
      cutChunks();
    solve();
    place();
  }

private:
  struct Member {
    unsigned Site;
    int64_t Low, High;
  };

  void gather() {
    MapVector<Value *, SmallVector<Member, 4>> ByBase;
    for (unsigned I = 0; I < Plan.Sites.size(); ++I) {
      Site &S = Plan.Sites[I];
      if (!isPlain(S))
        continue;
      APInt Offset(64, 0);
      Value *Base = S.Pointer;
      if (O.Spans)
        Base = Base->stripAndAccumulateConstantOffsets(F.getDataLayout(), Offset, /*AllowNonInbounds=*/true);
      ByBase[Base].push_back({I, Offset.getSExtValue(), Offset.getSExtValue() + static_cast<int64_t>(S.Size)});
    }
    WindowOf.assign(Plan.Sites.size(), ~0u);
    LowOf.assign(Plan.Sites.size(), 0);
    for (auto &[Base, Members] : ByBase) {
      llvm::sort(Members, [](const Member &A, const Member &B) { return std::tie(A.Low, A.Site) < std::tie(B.Low, B.Site); });
      for (const Member &M : Members) {
        Window *W = Windows.empty() ? nullptr : &Windows.back();
        if (!W || W->Base != Base || M.High > W->Low + static_cast<int64_t>(Span)) {
          Windows.push_back({Base, M.Low, M.High});
        } else {
          W->High = std::max(W->High, M.High);
        }
        LowOf[M.Site] = M.Low;
        WindowOf[M.Site] = static_cast<unsigned>(Windows.size() - 1);
      }
    }
    for (unsigned I = 0; I < Plan.Sites.size(); ++I)
      SitesOf[Plan.Sites[I].Store].push_back(I);
    for (unsigned W = 0; W < Windows.size(); ++W)
      if (auto *I = dyn_cast<Instruction>(Windows[W].Base))
        DefinedBy[I].push_back(W);
  }

  /// How many marks the sites of an instruction may have at most.
  unsigned marksAt(const Instruction &I) const {
    unsigned Count = 0;
    if (auto Found = SitesOf.find(&I); Found != SitesOf.end())
      for (unsigned S : Found->second) {
        auto *Lanes = dyn_cast<FixedVectorType>(Plan.Sites[S].Pointer->getType());
        Count += Lanes ? Lanes->getNumElements() : 1;
      }
    return Count;
  }

  void cutChunks() {
    unsigned Chunk = 1, Marks = 0;
    for (BasicBlock *B : ReversePostOrderTraversal<Function *>(&F)) {
      unsigned Here = 0;
      for (Instruction &I : *B)
        Here += marksAt(I);
      if (Marks + Here > PRS_GAP_MARKS && !PRS_PLANTED(gap_long)) {
        ++Chunk;
        Marks = 0;
      }
      Marks += Here;
      ChunkOf[B] = Marks > PRS_GAP_MARKS && !PRS_PLANTED(gap_long) ? 0 : Chunk; // 0: on its own
    }
  }

  bool isOpen(const BasicBlock *From, const BasicBlock *To) const {
    auto Of = [&](const BasicBlock *B) { return ChunkOf.lookup(B); };
    if (PRS_PLANTED(around_loop))
      return Of(From) == Of(To) && !To->isEHPad();
    if (!Of(To) || Of(From) != Of(To) || From == To || A.Loops.isLoopHeader(To) || To->isEHPad())
      return false;
    return A.Loops.getLoopFor(From) == A.Loops.getLoopFor(To) && !isa<IndirectBrInst>(From->getTerminator());
  }

  /// What is in force behind the block, and with Visit, what was in front of each of its plain sites.
  BitVector walk(BasicBlock &B, BitVector InForce, function_ref<void(unsigned Site, bool InForce)> Visit = nullptr) {
    unsigned Marks = 0;
    for (Instruction &I : B) {
      if (auto Found = SitesOf.find(&I); Found != SitesOf.end()) {
        Marks += marksAt(I);
        if (Marks > PRS_GAP_MARKS && !PRS_PLANTED(gap_long)) { // one block with very many stores
          InForce.reset();
          Marks = marksAt(I);
        }
        for (unsigned S : Found->second)
          if (unsigned W = WindowOf[S]; W != ~0u) {
            if (Visit)
              Visit(S, InForce.test(W));
            InForce.set(W);
          }
      }
      if (endsGaps(I) && !(PRS_PLANTED(across_call) && isa<CallBase>(I)))
        InForce.reset();
      if (auto Found = DefinedBy.find(&I); Found != DefinedBy.end())
        for (unsigned W : Found->second)
          InForce.reset(W);
    }
    return InForce;
  }

  BitVector begin(const BasicBlock &B) {
    const BitVector Nothing(static_cast<unsigned>(Windows.size()));
    BitVector InForce = Nothing;
    bool IsFirst = true;
    for (const BasicBlock *From : predecessors(&B)) {
      auto Found = Order.find(From);
      if (Found == Order.end())
        continue; // never executed
      if (PRS_PLANTED(around_loop) && Found->second >= Order.lookup(&B))
        continue;
      if (Found->second >= Order.lookup(&B) || !isOpen(From, &B))
        return Nothing;
      if (IsFirst)
        InForce = Ends.lookup(From);
      else if (PRS_PLANTED(join_or))
        InForce |= Ends.lookup(From);
      else
        InForce &= Ends.lookup(From);
      IsFirst = false;
    }
    return InForce;
  }

  /// Edges over which marks stay in force lead forward, so one round in reverse post-order is the solution.
  void solve() {
    for (BasicBlock *B : ReversePostOrderTraversal<Function *>(&F))
      Ends[B] = walk(*B, begin(*B));
  }

  void place() {
    for (BasicBlock *B : ReversePostOrderTraversal<Function *>(&F))
      walk(*B, begin(*B), [&](unsigned Index, bool IsInForce) {
        Site &S = Plan.Sites[Index];
        const Window &W = Windows[WindowOf[Index]];
        S.IsServed = true;
        S.Group = WindowOf[Index] + FirstGroup;
        if (IsInForce)
          return;
        SharedMark M;
        M.Before = S.Store;
        M.Base = W.Base;
        M.Offset = W.Low;
        M.Bytes = static_cast<uint64_t>(W.High - W.Low);
        // What this store says of its own address holds here, and for all that this mark will serve.
        M.InOneLine = LowOf[Index] == W.Low && S.Alignment.value() >= PowerOf2Ceil(M.Bytes);
        M.Group = S.Group;
        Plan.Marks.push_back(M);
      });
  }

  Function &F;
  FunctionPlan &Plan;
  const Options &O;
  const Analyses &A;
  unsigned FirstGroup = 0;
  SmallVector<Window, 16> Windows;
  SmallVector<unsigned, 16> WindowOf; ///< of each site; ~0: it has its own mark
  SmallVector<int64_t, 16> LowOf;     ///< where it begins, from the base of its window
  DenseMap<const BasicBlock *, unsigned> Order; ///< in reverse post-order; what is not reached has none
  DenseMap<const Instruction *, SmallVector<unsigned, 2>> SitesOf, DefinedBy;
  DenseMap<const BasicBlock *, unsigned> ChunkOf;
  DenseMap<const BasicBlock *, BitVector> Ends;
};

/// The call that may become a jump: nothing but the return comes behind it, and its result is what is returned. (One that stores for itself has marks around it.)
CallInst *tailCallBefore(ReturnInst &Return, const FunctionPlan &Plan) {
  auto *Call = dyn_cast_or_null<CallInst>(Return.getPrevNonDebugInstruction());
  bool IsTail = Call && Call->isTailCall() && !isa<IntrinsicInst>(Call) && (!Return.getReturnValue() || Return.getReturnValue() == Call);
  return IsTail && none_of(Plan.Sites, [&](const Site &S) { return S.Store == Call; }) ? Call : nullptr;
}

/// Before a return no mark of this function waits, and none of its callers; nor before a call right in front of it, which must stay so near to it: programs
/// recurse that way without a stack for it.
void releaseAtExits(Function &F, FunctionPlan &Plan) {
  for (BasicBlock &B : F)
    if (auto *Return = dyn_cast<ReturnInst>(B.getTerminator())) {
      CallInst *Tail = B.getTerminatingMustTailCall();
      Tail = Tail ? Tail : tailCallBefore(*Return, Plan);
      Plan.Releases.push_back(PRS_PLANTED(release_early) ? &*B.getFirstInsertionPt() : Tail ? static_cast<Instruction *>(Tail) : Return);
    }
}

} // namespace

bool isRange(const Site &S) { return S.Length || S.Size > InlineMax; }

bool hasLongMarks(const FunctionPlan &Plan) {
  return !Plan.LongGroups.empty() || any_of(Plan.Sites, [](const Site &S) { return !S.IsServed && isRange(S) && S.Pointer->getType()->isPointerTy(); });
}

bool isPlain(const Site &S) {
  return !S.IsServed && !S.Length && !S.Enabled && !S.MayBeWild && !S.AlsoAfter && S.Size <= Span && S.Pointer->getType()->isPointerTy() &&
         !endsGaps(*S.Store);
}

void placeMarks(Function &F, FunctionPlan &Plan, const Options &O, const Analyses &A) {
  if (O.Strips && !F.hasOptNone())
    findStrips(F, Plan, A);
  if (!F.hasOptNone())
    hoistMarks(F, Plan, O, A);
  Placer(F, Plan, O, A).run();
  if (hasLongMarks(Plan))
    releaseAtExits(F, Plan);
}

} // namespace prosper
