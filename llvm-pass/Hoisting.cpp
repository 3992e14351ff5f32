//===- Hoisting.cpp - marks out of loops and behind rare calls -------------===//
//
// A *web* is a window (Placement.cpp), or a base with an index of known range (a wide window), together with the windows that flow into it
// through phis. It is *live* where some way leads to one of its stores before a call or a new value of its base. One long mark is put wherever it
// becomes live: behind a call, behind the computation of the base, at the entry of the region. Then it is in force wherever it is live, and
// its stores need no marks. Regions are the function, or one loop. Done where block frequencies say that it costs fewer instructions.
//
//   for (...) {                          mark(p)
//     p->x = ...            ->           for (...) {
//     if (rare) f();                       p->x = ...
//   }                                      if (rare) { f(); mark(p) }
//                                        }
//
// WHY IT IS SAFE: backwards from a store, every way meets a call, a computation of the base or the entry of the region, and behind the first of these that
// it meets the mark is made, of the value that the base has at the store (phis are followed). From there to the store there is no call, so the gap
// spans none; and it may be as long as it likes, because a long mark is only dropped when the thread has released its marks: before a return, where
// no store of this function is to come; before a mark at the entry of a loop, where no other web is live and no short mark in force.
// A mark is made where perhaps no store follows: then its address is cut to what the map has room for.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/PostOrderIterator.h"
#include "llvm/Analysis/ValueTracking.h"
#include "llvm/IR/InstIterator.h"
#include "llvm/IR/Operator.h"
#include "llvm/Support/KnownBits.h"

using namespace llvm;

namespace prosper {
namespace {

constexpr int64_t Span = 64, WideSpan = 4096 + 64;
constexpr unsigned MembersMax = 16;
constexpr double MarkCost = 3, ReleaseCost = 2; // instructions
constexpr double Margin = 1.25;                 // block frequencies are guesses

struct Member {
  Value *Base;
  int64_t Low, High;
  bool IsOpaque = false; ///< a phi of which some incoming value is no member

  double cost() const { return High - Low <= Span ? MarkCost + 2 : MarkCost + 2 + static_cast<double>((High - Low) / 1024); }
};

struct Candidate {
  Value *Base;
  int64_t Low, High;
  SmallVector<unsigned, 4> Sites;
  double Gain = 0;
  unsigned Number = 0; ///< orders equals
};

/// What happens to a web in a block, in order.
struct Event {
  enum Kind : uint8_t { Store, Definition, Call };
  unsigned Order;
  Kind What;
  unsigned Member;
  Instruction *At;
  bool operator<(const Event &Other) const { return std::tie(Order, What) < std::tie(Other.Order, Other.What); }
};

using Bits = uint32_t;

struct Web {
  SmallVector<Member, 4> Members;
  SmallVector<std::pair<unsigned, unsigned>, 8> Sites; ///< site, member
  DenseMap<const BasicBlock *, Bits> LiveIn, LiveOut;
  SmallVector<SharedMark, 8> Marks;
  const Loop *Region = nullptr;
};

class Hoister {
public:
  Hoister(Function &F, FunctionPlan &Plan, const Options &O, const Analyses &A) : F(F), Plan(Plan), O(O), A(A), DL(F.getDataLayout()) {}

  void run() {
    if (A.Loops.empty())
      return;
    if (O.Hoist)
      hoist();
    for (Strip &S : Plan.Strips) {
      S.ReleasesAtEntry = !isAnyLive(S.Entry) || PRS_PLANTED(release_at_loop);
      S.ReleasesBetween = !isAnyLive(S.Latch);
    }
  }

private:
  void hoist() {
    survey();
    SmallVector<Candidate, 16> Candidates = gather();
    llvm::sort(Candidates, [](const Candidate &X, const Candidate &Y) { return std::tie(Y.Gain, X.Number) < std::tie(X.Gain, Y.Number); });
    for (Candidate &C : Candidates)
      consider(C);
    accept();
  }

  bool isAnyLive(const BasicBlock *AtEndOf) const {
    return any_of(Accepted, [&](const Web &W) { return W.LiveOut.lookup(AtEndOf) != 0; });
  }

  double frequency(const BasicBlock *B) const {
    return static_cast<double>(A.Frequencies.getBlockFreq(B).getFrequency()) /
           static_cast<double>(std::max<uint64_t>(1, A.Frequencies.getEntryFreq().getFrequency()));
  }

  void survey() {
    unsigned Next = 0;
    for (BasicBlock *B : ReversePostOrderTraversal<Function *>(&F)) {
      Blocks.push_back(B);
      for (Instruction &I : *B) {
        Order[&I] = Next++;
        if (endsGaps(I))
          Calls[B].push_back(&I);
      }
    }
  }

  /// Narrow candidates: windows whose base may stay the same for some time. Wide ones: a base and an index of known range.
  SmallVector<Candidate, 16> gather() {
    MapVector<Value *, SmallVector<Candidate, 2>> Narrow, Wide;
    for (unsigned I = 0; I < Plan.Sites.size(); ++I) {
      const Site &S = Plan.Sites[I];
      if (!isPlain(S) || !Order.count(S.Store) || !A.Loops.getLoopFor(S.Store->getParent()))
        continue;
      APInt Offset(64, 0);
      Value *Base = S.Pointer->stripAndAccumulateConstantOffsets(DL, Offset, /*AllowNonInbounds=*/true);
      int64_t Low = Offset.getSExtValue(), High = Low + static_cast<int64_t>(S.Size);
      enter(Narrow[Base], Base, Low, High, I, Span);
      if (O.Wide && widen(Base, Low, High) && High - Low <= WideSpan)
        enter(Wide[Base], Base, Low, High, I, WideSpan);
    }
    SmallVector<Candidate, 16> All;
    for (auto *Map : {&Narrow, &Wide})
      for (auto &[Base, Candidates] : *Map)
        for (Candidate &C : Candidates) {
          SmallPtrSet<const BasicBlock *, 8> Seen;
          for (unsigned S : C.Sites)
            if (Map == &Wide || Seen.insert(Plan.Sites[S].Store->getParent()).second)
              C.Gain += MarkCost * frequency(Plan.Sites[S].Store->getParent());
          C.Number = static_cast<unsigned>(All.size());
          All.push_back(std::move(C));
        }
    return All;
  }

  static void enter(SmallVectorImpl<Candidate> &Candidates, Value *Base, int64_t Low, int64_t High, unsigned Site, int64_t Limit) {
    for (Candidate &C : Candidates)
      if (std::max(C.High, High) - std::min(C.Low, Low) <= Limit) {
        C.Low = std::min(C.Low, Low);
        C.High = std::max(C.High, High);
        C.Sites.push_back(Site);
        return;
      }
    Candidates.push_back({Base, Low, High, {Site}});
  }

  /// From base + index of known range to the base under it, and the range of all of that.
  bool widen(Value *&Base, int64_t &Low, int64_t &High) const {
    bool Widened = false;
    while (auto *GEP = dyn_cast<GEPOperator>(Base)) {
      MapVector<Value *, APInt> Variable;
      APInt Constant(64, 0);
      if (!GEP->getType()->isPointerTy() || !GEP->collectOffset(DL, 64, Variable, Constant))
        break;
      int64_t From = Constant.getSExtValue(), To = From;
      for (const auto &[Index, Scale] : Variable) {
        KnownBits Known = computeKnownBits(Index, DL);
        if (!Known.isNonNegative() || Known.getMaxValue().ugt(WideSpan) || Scale.sgt(WideSpan) || Scale.slt(-WideSpan))
          return Widened;
        int64_t Least = Known.getMinValue().getSExtValue() * Scale.getSExtValue(), Most = Known.getMaxValue().getSExtValue() * Scale.getSExtValue();
        if (PRS_PLANTED(index_least))
          Most = Least;
        From += std::min(Least, Most);
        To += std::max(Least, Most);
      }
      if (High + To - (Low + From) > WideSpan)
        break;
      Low += From;
      High += To;
      Base = GEP->getPointerOperand();
      Widened = true;
    }
    return Widened;
  }

  /// The web of a candidate, over its phis.
  Web weave(const Candidate &C) {
    Web W;
    W.Members.push_back({C.Base, C.Low, C.High});
    for (unsigned M = 0; M < W.Members.size(); ++M)
      if (auto *Phi = dyn_cast<PHINode>(W.Members[M].Base))
        for (Value *Incoming : Phi->incoming_values())
          if (memberFor(W, M, Incoming, /*Add=*/true) == NoMember)
            W.Members[M].IsOpaque = true;
    for (unsigned M = 0; M < W.Members.size(); ++M) // what became opaque when there were too many
      if (auto *Phi = dyn_cast<PHINode>(W.Members[M].Base))
        for (Value *Incoming : Phi->incoming_values())
          W.Members[M].IsOpaque |= memberFor(W, M, Incoming, false) == NoMember;
    return W;
  }

  static constexpr unsigned NoMember = ~0u, NothingNeeded = ~1u;

  unsigned memberFor(Web &W, unsigned Phi, Value *Incoming, bool Add) const {
    if (isa<UndefValue>(Incoming) || isa<ConstantPointerNull>(Incoming))
      return NothingNeeded;
    APInt Offset(64, 0);
    Value *Base = Incoming->stripAndAccumulateConstantOffsets(DL, Offset, true);
    Member Wanted = W.Members[Phi];
    if (Base == Wanted.Base && !Offset.isZero())
      return PRS_PLANTED(base_moves) ? Phi : NoMember; // goes along with the loop
    for (unsigned M = 0; M < W.Members.size(); ++M)
      if (W.Members[M].Base == Base && W.Members[M].Low == Wanted.Low + Offset.getSExtValue() && W.Members[M].High == Wanted.High + Offset.getSExtValue())
        return M;
    if (!Add || W.Members.size() == MembersMax)
      return NoMember;
    W.Members.push_back({Base, Wanted.Low + Offset.getSExtValue(), Wanted.High + Offset.getSExtValue()});
    return static_cast<unsigned>(W.Members.size() - 1);
  }

  /// Sites of the members that nothing serves yet, in the region.
  void collectSites(Web &W) const {
    W.Sites.clear();
    for (unsigned I = 0; I < Plan.Sites.size(); ++I) {
      const Site &S = Plan.Sites[I];
      if (Taken.count(I) || !isPlain(S) || !Order.count(S.Store) || !inRegion(W, S.Store->getParent()))
        continue;
      APInt Offset(64, 0);
      Value *Base = S.Pointer->stripAndAccumulateConstantOffsets(DL, Offset, true);
      int64_t Low = Offset.getSExtValue(), High = Low + static_cast<int64_t>(S.Size);
      unsigned M = find(W, Base, Low, High);
      if (M == NoMember && O.Wide && widen(Base, Low, High))
        M = find(W, Base, Low, High);
      if (M != NoMember)
        W.Sites.push_back({I, M});
    }
  }

  static unsigned find(const Web &W, const Value *Base, int64_t Low, int64_t High) {
    for (unsigned M = 0; M < W.Members.size(); ++M)
      if (W.Members[M].Base == Base && W.Members[M].Low <= Low && High <= W.Members[M].High)
        return M;
    return NoMember;
  }

  static bool inRegion(const Web &W, const BasicBlock *B) { return !W.Region || W.Region->contains(B); }

  void consider(const Candidate &C) {
    if (all_of(C.Sites, [&](unsigned S) { return Taken.count(S); }))
      return;
    Web W = weave(C);
    SmallVector<const Loop *, 4> Regions = {nullptr};
    for (unsigned S : C.Sites)
      for (const Loop *L = A.Loops.getLoopFor(Plan.Sites[S].Store->getParent()); L; L = L->getParentLoop())
        if (!is_contained(Regions, L))
          Regions.push_back(L);
    auto Depth = [](const Loop *L) { return L ? L->getLoopDepth() : 0; };
    for (unsigned I = 1; I < Regions.size(); ++I) // few, and equals stay in order
      for (unsigned J = I; J > 0 && Depth(Regions[J]) < Depth(Regions[J - 1]); --J)
        std::swap(Regions[J], Regions[J - 1]);
    for (const Loop *Region : Regions) {
      W.Region = Region;
      collectSites(W);
      if (W.Sites.empty() || !placeIn(W))
        continue;
      for (auto [S, M] : W.Sites)
        Taken.insert(S);
      Accepted.push_back(W);
    }
  }

  /// What the sites of the web cost without it.
  double costOfSites(const Web &W) const {
    DenseSet<std::pair<const BasicBlock *, const Value *>> Seen;
    double Cost = 0;
    for (auto [S, M] : W.Sites) {
      const BasicBlock *B = Plan.Sites[S].Store->getParent();
      APInt Offset(64, 0);
      const Value *Base = Plan.Sites[S].Pointer->stripAndAccumulateConstantOffsets(DL, Offset, true);
      if (Seen.insert({B, Base}).second)
        Cost += MarkCost * frequency(B);
    }
    return Cost;
  }

  Bits acrossEdge(Web &W, const BasicBlock *From, const BasicBlock *To, Bits Live) const {
    Bits Result = 0;
    for (unsigned M = 0; M < W.Members.size(); ++M) {
      if (!(Live >> M & 1))
        continue;
      auto *Phi = dyn_cast<PHINode>(W.Members[M].Base);
      if (!Phi || Phi->getParent() != To) {
        Result |= Bits(1) << M;
        continue;
      }
      unsigned Incoming = memberFor(W, M, Phi->getIncomingValueForBlock(From), false);
      if (Incoming < MembersMax)
        Result |= Bits(1) << Incoming;
    }
    return Result;
  }

  /// Backwards through a block. Place is told where marks must be made.
  static Bits backward(ArrayRef<Event> Events, Bits Live, function_ref<void(Instruction *After, Bits)> Place = nullptr) {
    for (const Event &E : reverse(Events)) {
      if (E.What == Event::Store) {
        Live |= Bits(1) << E.Member;
        continue;
      }
      Bits Gone = E.What == Event::Call ? ~Bits(0) : Bits(1) << E.Member;
      if (Place && (Live & Gone))
        Place(E.At, Live & Gone);
      Live &= ~Gone;
    }
    return Live;
  }

  DenseMap<const BasicBlock *, SmallVector<Event, 4>> eventsOf(const Web &W) const {
    DenseMap<const BasicBlock *, SmallVector<Event, 4>> Events;
    for (auto [S, M] : W.Sites)
      Events[Plan.Sites[S].Store->getParent()].push_back({Order.lookup(Plan.Sites[S].Store), Event::Store, M, Plan.Sites[S].Store});
    for (unsigned M = 0; M < W.Members.size(); ++M)
      if (auto *I = dyn_cast<Instruction>(W.Members[M].Base);
          I && (!isa<PHINode>(I) || (W.Members[M].IsOpaque && !PRS_PLANTED(hoist_over_phi))) && Order.count(I))
        Events[I->getParent()].push_back({Order.lookup(I), Event::Definition, M, I});
    for (const auto &[B, Instructions] : Calls)
      for (Instruction *I : PRS_PLANTED(hoist_over_calls) ? ArrayRef<Instruction *>() : ArrayRef<Instruction *>(Instructions))
        Events[B].push_back({Order.lookup(I), Event::Call, 0, I});
    for (auto &Entry : Events)
      llvm::sort(Entry.second);
    return Events;
  }

  /// Finds where the web is live and what its marks cost. False when they are not worth it, or cannot be placed.
  bool placeIn(Web &W) {
    auto Events = eventsOf(W);
    W.LiveIn.clear();
    W.LiveOut.clear();
    W.Marks.clear();
    for (bool Changed = true; Changed;) {
      Changed = false;
      for (BasicBlock *B : reverse(Blocks)) {
        if (!inRegion(W, B))
          continue;
        Bits Out = 0;
        for (BasicBlock *To : successors(B))
          if (inRegion(W, To))
            Out |= acrossEdge(W, B, To, W.LiveIn.lookup(To));
        Bits In = backward(Events[B], Out);
        W.LiveOut[B] = Out;
        Bits &Old = W.LiveIn[B];
        Changed |= Old != In;
        Old = In;
      }
    }
    double Cost = 0;
    bool IsPossible = true;
    DenseSet<std::pair<Instruction *, unsigned>> Placed;
    auto PlaceBefore = [&](Instruction *At, Bits Live) {
      for (unsigned M = 0; M < W.Members.size(); ++M)
        if (Live >> M & 1 && Placed.insert({At, M}).second) {
          Cost += W.Members[M].cost() * frequency(At->getParent());
          SharedMark Mark;
          Mark.Before = At;
          Mark.Base = W.Members[M].Base;
          Mark.Offset = W.Members[M].Low;
          Mark.Bytes = static_cast<uint64_t>(W.Members[M].High - W.Members[M].Low);
          Mark.IsLong = Mark.MayBeWild = true;
          W.Marks.push_back(Mark);
        }
    };
    for (BasicBlock *B : Blocks) {
      if (!inRegion(W, B))
        continue;
      backward(Events[B], W.LiveOut[B], [&](Instruction *After, Bits Live) {
        if (After->isTerminator())
          for (BasicBlock *To : successors(B))
            IsPossible &= placeAtBegin(W, To, PlaceBefore);
        else
          PlaceBefore(isa<PHINode>(After) ? &*B->getFirstInsertionPt() : After->getNextNode(), Live);
      });
    }
    if (!W.Region) {
      BasicBlock &Entry = F.getEntryBlock();
      PlaceBefore(&*Entry.getFirstNonPHIOrDbgOrAlloca(), W.LiveIn[&Entry]);
    } else {
      BasicBlock *Header = W.Region->getHeader();
      for (BasicBlock *From : predecessors(Header))
        if (Order.count(&From->front()) && !W.Region->contains(From)) {
          if (Bits Live = acrossEdge(W, From, Header, W.LiveIn[Header])) {
            IsPossible &= !endsGaps(*From->getTerminator());
            PlaceBefore(From->getTerminator(), Live);
          }
        }
    }
    return IsPossible && Cost * Margin < costOfSites(W);
  }

  /// Behind a call that ends its block. What is live at the beginning of a block behind it may be marked there, whatever way led to it.
  bool placeAtBegin(const Web &W, BasicBlock *To, function_ref<void(Instruction *, Bits)> PlaceBefore) const {
    if (!inRegion(W, To) || !W.LiveIn.lookup(To))
      return true;
    if (To->getFirstInsertionPt() == To->end())
      return false;
    PlaceBefore(&*To->getFirstInsertionPt(), W.LiveIn.lookup(To));
    return true;
  }

  /// The webs are worth it when they save more than the releases cost.
  void accept() {
    double Saved = 0, Spent = 0;
    for (const Web &W : Accepted) {
      Saved += costOfSites(W);
      for (const SharedMark &M : W.Marks)
        Saved -= (M.Bytes <= static_cast<uint64_t>(Span) ? MarkCost + 2 : MarkCost + 6) * frequency(M.Before->getParent());
    }
    for (BasicBlock *B : Blocks)
      if (isa<ReturnInst>(B->getTerminator()))
        Spent += ReleaseCost * frequency(B);
    if (!Plan.Strips.empty())
      Spent = 0; // they need the releases anyway
    if (Accepted.empty() || Saved < Margin * Spent) {
      Accepted.clear();
      return;
    }
    unsigned Group = static_cast<unsigned>(Plan.LongGroups.size()); // Strips.cpp has made some
    for (Web &W : Accepted) {
      for (auto [S, M] : W.Sites) {
        Plan.Sites[S].IsServed = true;
        Plan.Sites[S].Group = Group;
      }
      for (SharedMark &M : W.Marks) {
        M.Group = Group;
        Plan.Marks.push_back(M);
      }
      Plan.LongGroups.insert(Group++);
    }
    for (const Web &W : Accepted)
      if (W.Region)
        releaseAtEntry(W);
  }

  /// In front of the marks of a loop no mark waits, unless another web is live there: else what many rounds of an outer loop marked would stay suspect
  /// until the function returns. A block with another way out may have a short mark in force on it.
  void releaseAtEntry(const Web &W) {
    BasicBlock *From = W.Region->getLoopPredecessor();
    bool IsStrips = any_of(Plan.Strips, [&](const Strip &S) { return S.Entry == From; }); // these see to it themselves
    if (!From || !From->getSingleSuccessor() || IsStrips || (isAnyLive(From) && !PRS_PLANTED(release_at_loop)) || is_contained(Plan.Releases, From->getTerminator()))
      return;
    Plan.Releases.push_back(From->getTerminator());
  }

  Function &F;
  FunctionPlan &Plan;
  const Options &O;
  const Analyses &A;
  const DataLayout &DL;
  SmallVector<BasicBlock *, 32> Blocks; ///< reachable, reverse post-order
  DenseMap<const Instruction *, unsigned> Order;
  DenseMap<const BasicBlock *, SmallVector<Instruction *, 4>> Calls;
  DenseSet<unsigned> Taken; ///< sites of accepted webs
  SmallVector<Web, 4> Accepted;
};

} // namespace

void hoistMarks(Function &F, FunctionPlan &Plan, const Options &O, const Analyses &A) { Hoister(F, Plan, O, A).run(); }

} // namespace prosper
