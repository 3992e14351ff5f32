//===- Strips.cpp - loops that store along, marked strip by strip ----------===//
//
// An innermost loop whose stores move by a constant each round gets no marks inside. It runs in strips of at most StripBytes; at the beginning of
// each, __prosper_mark_range marks what the strip will store (a long mark).
//
//   entry:                                   entry:   left = rounds; n = min(left, K); mark(start, n)
//     br header                                       last = x0 + step * (n - 1); br header
//   header: x = phi [x0], [x.next]      ->   header: x = phi ...; last = phi; left = phi
//     ...                                      ...
//     br (x.next < end), header, exit          br (x.next == last), turn, header
//                                            turn:    br (x.next < end), again, exit
//                                            again:   left -= K; n = min(left, K); mark(...); last = x.next + step * n; br header
//
// The loop itself runs as many instructions as before: one comparison, with another operand. x is the variable that the exit of the latch compares.
//
// WHY IT IS SAFE: there is no call in the loop, so no gap spans one; marks are made before the first store of their strip, and they are long: dropped only
// when the thread has released its marks. The number of rounds is LLVM's exact count of the one exit, and the exit is still decided by its own comparison.
// Within a strip the variable takes each value once: its type is wide enough. Whether no mark waits where a strip begins (then it releases those of the one before,
// which else would stay suspect) Hoisting.cpp tells. A strip is short so that a checkpoint in a long loop compares what was stored lately and not the whole array.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Analysis/ScalarEvolutionExpressions.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/MDBuilder.h"
#include "llvm/Transforms/Utils/BasicBlockUtils.h"
#include "llvm/Transforms/Utils/LoopUtils.h"
#include "llvm/Transforms/Utils/ScalarEvolutionExpander.h"

using namespace llvm;

namespace prosper {
namespace {

constexpr int64_t StripBytes = 64 << 10, StrideMax = 256, StepMax = 4096;
static_assert(StripBytes * StepMax < INT32_MAX, "else a variable of 32 bits may take a value twice in a strip");
constexpr double RoundsMin = 12; ///< fewer, and marking at the entry costs more than marks inside

class Finder {
public:
  Finder(Function &F, FunctionPlan &Plan, const Analyses &A) : F(F), Plan(Plan), A(A), SE(A.Evolution) {}

  void run() {
    for (unsigned I = 0; I < Plan.Sites.size(); ++I)
      if (Loop *L = A.Loops.getLoopFor(Plan.Sites[I].Store->getParent()); L && isPlain(Plan.Sites[I]) && L->isInnermost())
        SitesOf[L].push_back(I);
    for (auto &[L, Sites] : SitesOf)
      consider(*L, Sites);
  }

private:
  static bool isVector(const Loop &L) {
    return any_of(L.blocks(), [](const BasicBlock *B) { return any_of(*B, [](const Instruction &I) { return I.getType()->isVectorTy(); }); });
  }

  /// What the vectoriser left over: a few rounds.
  static bool isRest(const Loop &L) {
    MDNode *ID = L.getLoopID();
    return ID && findOptionMDForLoopID(ID, "llvm.loop.isvectorized") && !isVector(L);
  }

  /// A loop of a few rounds is better off with marks inside. Long: so many rounds for certain; as many each time that a loop around it comes by (the
  /// rows of a matrix, not the halves of a halving); or vectors, which only longer loops are made of.
  bool isLikelyLong(const Strip &S, const Loop &L) const {
    if (unsigned Known = SE.getSmallConstantTripCount(&L))
      return Known >= RoundsMin;
    if (SE.getSmallConstantMaxTripCount(&L) - 1u < RoundsMin || roundsOf(L, S.Entry) < RoundsMin) // 0: not known
      return false;
    const Loop *Outermost = &L;
    while (Outermost->getParentLoop())
      Outermost = Outermost->getParentLoop();
    return Outermost != &L ? SE.isLoopInvariant(S.Rounds, Outermost) : isVector(L);
  }

  bool isCallFree(const Loop &L) const {
    for (BasicBlock *B : L.blocks())
      for (Instruction &I : *B)
        if (endsGaps(I))
          return false;
    return true;
  }

  double roundsOf(const Loop &L, const BasicBlock *Entry) const {
    auto Of = [&](const BasicBlock *B) { return static_cast<double>(A.Frequencies.getBlockFreq(B).getFrequency()); };
    return Of(L.getHeader()) / std::max(1.0, Of(Entry));
  }

  void consider(Loop &L, ArrayRef<unsigned> Sites) {
    Strip S;
    S.Header = L.getHeader();
    S.Latch = L.getLoopLatch();
    S.Entry = L.getLoopPredecessor();
    if (!S.Latch || L.getExitingBlock() != S.Latch || !S.Entry || !isa<BranchInst, SwitchInst>(S.Entry->getTerminator()) ||
        llvm::count(successors(S.Entry), S.Header) != 1 || isRest(L) || !isCallFree(L))
      return;
    auto *Branch = dyn_cast<BranchInst>(S.Latch->getTerminator());
    if (!Branch || !Branch->isConditional() || L.contains(Branch->getSuccessor(0)) == L.contains(Branch->getSuccessor(1)))
      return;
    auto *Compare = dyn_cast<ICmpInst>(Branch->getCondition());
    if (!Compare || !Compare->hasOneUse() || !isVariable(S, L, Compare->getOperand(0), Compare->getOperand(1)))
      if (!Compare || !Compare->hasOneUse() || !isVariable(S, L, Compare->getOperand(1), Compare->getOperand(0)))
        return;
    S.Rounds = SE.getExitCount(&L, S.Latch); // one less, and in a type of its own
    if (isa<SCEVCouldNotCompute>(S.Rounds) || SE.getTypeSizeInBits(S.Rounds->getType()) > 64)
      return;
    SCEVExpander Expander(SE, F.getDataLayout(), "prosper");
    if (!Expander.isSafeToExpandAt(S.Rounds, S.Entry->getTerminator()) || isCostly(Expander, S.Rounds, L, S.Entry))
      return;
    if (!isLikelyLong(S, L))
      return;
    if (!gatherStreams(S, L, Sites, Expander))
      return;
    for (Strip::Stream &Stream : S.Streams) {
      Stream.Group = static_cast<unsigned>(Plan.LongGroups.size());
      Plan.LongGroups.insert(Stream.Group);
      for (unsigned I : Stream.Sites) {
        Plan.Sites[I].IsServed = true;
        Plan.Sites[I].Group = Stream.Group;
      }
    }
    Plan.Strips.push_back(std::move(S));
  }

  /// More than a few instructions (a division) at each entry.
  bool isCostly(SCEVExpander &Expander, const SCEV *Value, Loop &L, BasicBlock *Entry) const {
    return Expander.isHighCostExpansion({Value}, &L, 4, A.Costs, Entry->getTerminator());
  }

  bool isVariable(Strip &S, const Loop &L, Value *Variable, Value *Other) const {
    if (!L.isLoopInvariant(Other) || !SE.isSCEVable(Variable->getType()) || SE.getTypeSizeInBits(Variable->getType()) > 64)
      return false;
    auto *Moves = dyn_cast<SCEVAddRecExpr>(SE.getSCEV(Variable));
    auto *Step = Moves && Moves->getLoop() == &L && Moves->isAffine() ? dyn_cast<SCEVConstant>(Moves->getStepRecurrence(SE)) : nullptr;
    if (!Step || Step->getAPInt().abs().sgt(StepMax) || Step->isZero() || SE.getTypeSizeInBits(Variable->getType()) < 32)
      return false;
    S.Variable = Variable;
    S.First = Moves->getStart();
    S.Step = Step->getAPInt().getSExtValue();
    return true;
  }

  /// Sites that move by the same stride from starts that differ by constants are one stream.
  bool gatherStreams(Strip &S, const Loop &L, ArrayRef<unsigned> Sites, SCEVExpander &Expander) {
    SCEVExpander &E = Expander;
    for (unsigned I : Sites) {
      const Site &At = Plan.Sites[I];
      auto *Moves = At.IsServed ? nullptr : dyn_cast<SCEVAddRecExpr>(SE.getSCEV(At.Pointer));
      auto *Stride = Moves && Moves->getLoop() == &L && Moves->isAffine() ? dyn_cast<SCEVConstant>(Moves->getStepRecurrence(SE)) : nullptr;
      if (!Stride || Stride->isZero() || Stride->getAPInt().abs().sgt(StrideMax))
        continue;
      int64_t By = Stride->getAPInt().getSExtValue();
      Strip::Stream *Found = nullptr;
      int64_t Offset = 0;
      for (Strip::Stream &Other : S.Streams)
        if (auto *Apart = Other.Stride == By ? dyn_cast<SCEVConstant>(SE.getMinusSCEV(Moves->getStart(), Other.Start)) : nullptr)
          if (Apart->getAPInt().abs().sle(StrideMax)) {
            Found = &Other;
            Offset = Apart->getAPInt().getSExtValue();
          }
      if (!Found) {
        if (!E.isSafeToExpandAt(Moves->getStart(), S.Entry->getTerminator()) || S.Streams.size() == StreamsMax)
          continue;
        S.Streams.push_back({Moves->getStart(), By, 0, 0, {}, 0});
        Found = &S.Streams.back();
      }
      Found->Low = std::min(Found->Low, Offset);
      Found->High = std::max(Found->High, Offset + static_cast<int64_t>(At.Size));
      Found->Sites.push_back(I);
      S.RoundsOfStrip = std::min(S.RoundsOfStrip, StripBytes / std::abs(By));
    }
    return !S.Streams.empty();
  }

  static constexpr unsigned StreamsMax = 4;

  Function &F;
  FunctionPlan &Plan;
  const Analyses &A;
  ScalarEvolution &SE;
  MapVector<Loop *, SmallVector<unsigned, 4>> SitesOf;
};

class Stripper {
public:
  Stripper(Function &F, const FunctionPlan &Plan, const Strip &S, const Analyses &A)
      : F(F), Plan(Plan), S(S), Dominators(A.Dominators), Expander(A.Evolution, F.getDataLayout(), "prosper"), I64(Type::getInt64Ty(F.getContext())) {}

  /// Returns the block that leads out of the loop from now on.
  BasicBlock *run() {
    auto *Branch = cast<BranchInst>(S.Latch->getTerminator());
    auto *Compare = cast<ICmpInst>(Branch->getCondition());
    BasicBlock *Exit = Branch->getSuccessor(Branch->getSuccessor(0) == S.Header ? 1 : 0);

    Instruction *At = (S.Entry->getSingleSuccessor() ? S.Entry : SplitEdge(S.Entry, S.Header, &Dominators))->getTerminator();
    IRBuilder<> B(At);
    B.SetCurrentDebugLocation(artificial());
    Type *CountType = S.Rounds->getType();
    Value *Count = Expander.expandCodeFor(S.Rounds, CountType, At);
    Rounds = B.CreateAdd(B.CreateZExt(Count, I64), B.getInt64(1), "prosper.rounds"); // 0: 2^64
    for (const Strip::Stream &Stream : S.Streams)
      Starts.push_back(Expander.expandCodeFor(Stream.Start, PointerType::get(F.getContext(), 0), At));
    Value *First = Expander.expandCodeFor(S.First, S.Variable->getType(), At);
    B.SetInsertPoint(At);
    if (S.ReleasesAtEntry)
      emitRelease(B);
    Value *LastOfFirst = beginStrip(B, Rounds, B.getInt64(0), First, /*IsNext=*/false);

    BasicBlock *Turn = BasicBlock::Create(F.getContext(), "prosper.turn", &F, Exit);
    BasicBlock *Again = BasicBlock::Create(F.getContext(), "prosper.again", &F, Exit);
    IRBuilder<> H(S.Header, S.Header->begin());
    PHINode *Last = H.CreatePHI(S.Variable->getType(), 3, "prosper.last");
    PHINode *Left = H.CreatePHI(I64, 3, "prosper.left");

    // The latch asks for the end of the strip, what it asked for is asked there.
    IRBuilder<> L(Branch);
    Value *IsLast = L.CreateICmpEQ(S.Variable, Last);
    IRBuilder<> T(Turn);
    T.SetCurrentDebugLocation(Branch->getDebugLoc());
    Compare->removeFromParent();
    Compare->insertInto(Turn, Turn->end());
    bool StaysIfTrue = Branch->getSuccessor(0) == S.Header;
    T.CreateCondBr(Compare, StaysIfTrue ? Again : Exit, StaysIfTrue ? Exit : Again);
    Branch->setCondition(IsLast);
    Branch->setSuccessor(0, Turn);
    Branch->setSuccessor(1, S.Header);
    if (Branch->hasMetadata(LLVMContext::MD_prof))
      Branch->setMetadata(LLVMContext::MD_prof, MDBuilder(F.getContext()).createBranchWeights(1, 1023));
    Exit->replacePhiUsesWith(S.Latch, Turn);

    IRBuilder<> N(Again);
    N.SetCurrentDebugLocation(artificial());
    if (S.ReleasesBetween)
      emitRelease(N);
    Value *StillLeft = N.CreateSub(Left, N.getInt64(static_cast<uint64_t>(S.RoundsOfStrip)));
    Value *Done = N.CreateSub(Rounds, StillLeft);
    Value *LastOfNext = beginStrip(N, StillLeft, Done, S.Variable, /*IsNext=*/true);
    N.CreateBr(S.Header);
    BasicBlock *End = N.GetInsertBlock();

    for (PHINode &Phi : S.Header->phis())
      if (&Phi != Last && &Phi != Left)
        Phi.addIncoming(Phi.getIncomingValueForBlock(S.Latch), End);
    Last->addIncoming(LastOfFirst, At->getParent());
    Last->addIncoming(Last, S.Latch);
    Last->addIncoming(LastOfNext, End);
    Left->addIncoming(Rounds, At->getParent());
    Left->addIncoming(Left, S.Latch);
    Left->addIncoming(StillLeft, End);
    return Turn;
  }

private:
  DebugLoc artificial() const { return F.getSubprogram() ? DebugLoc(DILocation::get(F.getContext(), 0, 0, F.getSubprogram())) : DebugLoc(); }

  /// Marks what the strip stores. Done: rounds before it. Returns what the variable is in its last round; At is what it is in the first, or, for the next strip, in the
  /// round before.
  Value *beginStrip(IRBuilderBase &B, Value *StillLeft, Value *Done, Value *At, bool IsNext) {
    Module &M = *F.getParent();
    FunctionCallee MarkRange = M.getOrInsertFunction(PRS_NAME_MARK_RANGE, B.getVoidTy(), B.getPtrTy(), I64);
    if (auto *Callee = dyn_cast<Function>(MarkRange.getCallee()))
      Callee->setDoesNotThrow();
    // Less one: 2^64 rounds are 0 here.
    Value *Limit = B.getInt64(static_cast<uint64_t>(S.RoundsOfStrip - 1));
    Value *More = B.CreateBinaryIntrinsic(Intrinsic::umin, B.CreateSub(StillLeft, B.getInt64(1)), Limit); // rounds of the strip, less one
    for (unsigned I = 0; I < S.Streams.size(); ++I) {
      const Strip::Stream &Stream = S.Streams[I];
      Value *Lowest = Stream.Stride > 0 ? Done : B.CreateAdd(Done, More);
      Value *From = B.CreateAdd(B.CreateMul(Lowest, signedConstant(Stream.Stride)), signedConstant(Stream.Low));
      Value *Pointer = B.CreateIntToPtr(B.CreateAdd(B.CreatePtrToInt(Starts[I], I64), From), B.getPtrTy());
      Value *Bytes = B.CreateMul(More, signedConstant(std::abs(Stream.Stride)));
      if (!PRS_PLANTED(strip_short))
        Bytes = B.CreateAdd(Bytes, signedConstant(Stream.High - Stream.Low));
      if (PRS_PLANTED(strip_once) && IsNext)
        Bytes = B.getInt64(0);
      CallInst *Call = B.CreateCall(MarkRange, {Pointer, Bytes});
      if (DILocation *Number = numberOfStream(Stream, Plan, F))
        Call->setDebugLoc(Number);
    }
    Value *Rest = IsNext ? B.CreateAdd(More, B.getInt64(1)) : More;
    Type *T = S.Variable->getType();
    if (T->isPointerTy())
      return B.CreateIntToPtr(B.CreateAdd(B.CreatePtrToInt(At, I64), B.CreateMul(Rest, signedConstant(S.Step))), T);
    Value *Moved = B.CreateMul(Rest, signedConstant(S.Step));
    return B.CreateAdd(At, B.CreateZExtOrTrunc(Moved, T));
  }

  Constant *signedConstant(int64_t Value) const { return ConstantInt::getSigned(I64, Value); }

  Function &F;
  const FunctionPlan &Plan;
  const Strip &S;
  DominatorTree &Dominators; ///< of all blocks that values are expanded in
  SCEVExpander Expander;
  Type *I64;
  Value *Rounds = nullptr;
  SmallVector<Value *, 2> Starts;
};

} // namespace

void findStrips(Function &F, FunctionPlan &Plan, const Analyses &A) { Finder(F, Plan, A).run(); }

void cutStrips(Function &F, FunctionPlan &Plan, const Analyses &A) {
  for (const Strip &S : Plan.Strips) {
    BasicBlock *WayOut = Stripper(F, Plan, S, A).run();
    A.Dominators.recalculate(F); // the expander takes what there is where that dominates, and everything dominates a block that the tree does not know
    for (Strip &Next : Plan.Strips) // one that begins right where this one ends
      if (Next.Entry == S.Latch)
        Next.Entry = WayOut;
  }
}

} // namespace prosper
