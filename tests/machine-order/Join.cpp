//===- Join.cpp - what holds where ways meet -------------------------------===//
//
// At a join holds what holds on all ways, said in names that mean the same whichever way was taken. A register (or slot) that differs
// gets a name of its own, and what a way knows of the old value is rewritten into that name: that a pointer was marked on both ways, or that
// this register is the shifted copy of that one, is still known behind the join. Names are renamed on entry of their own block, too
// (Values.h, V1). Everything here only finds more of what holds; leaving a fact out is always right.
//
//===----------------------------------------------------------------------===//
#include "Facts.h"
#include "llvm/Support/MathExtras.h"
#include "prosper/abi.h"
#include <algorithm>

using namespace llvm;

namespace order {
namespace {

class Joiner {
public:
  Joiner(unsigned B, const Graph &G, ArrayRef<State> Ends, Values &V) : B(B), V(V) {
    for (auto [From, Edge] : G.Blocks[B].Predecessors)
      if (Ends[From].Visited)
        add(Ends[From], G.Blocks[From].Successors[Edge]);
    if (G.Blocks[B].IsRoot) { // nothing is known there, but the stack pointer at the entry of the function
      if (B == 0)
        AtEntry.M.Registers[RSP] = V.frame(0);
      add(AtEntry, {B, false, false});
    }
  }

  /// Forgets all ways but one, and says how many there are.
  unsigned keepOnly(unsigned Way) {
    unsigned Count = static_cast<unsigned>(Ways.size());
    if (Way < Count) {
      Ways = {Ways[Way]};
      Retreats = {Retreats[Way]};
      Unwinds = {Unwinds[Way]};
    }
    return Count;
  }

  State run(Names &Known) {
    State S;
    S.Visited = !Ways.empty();
    if (Ways.empty())
      return S;
    NewNames.resize(Ways.size());
    AllNames.resize(Ways.size());
    joinPlaces(S.M, Known);
    joinAddresses(S);
    joinRanges(S);
    joinNumbers(S);
    for (unsigned Way = 0; Way < Ways.size(); ++Way)
      if (!Unwinds[Way]) // who throws has no result
        for (unsigned Number : Ways[Way]->F.Pending)
          if (!is_contained(S.F.Pending, Number))
            S.F.Pending.push_back(Number);
    llvm::sort(S.F.Pending);
    return S;
  }

private:
  void add(const State &Way, const Edge &E) {
    Ways.push_back(&Way);
    Retreats.push_back(E.Retreats);
    Unwinds.push_back(E.Unwinds);
  }

  bool isKept(Value A) const { return A && !V.mentions(A, B); }

  /// In the names that hold from here on.
  Value rewritten(Value A, unsigned Way) { return V.rewrite(A, NewNames[Way], B); }

  /// The same on all ways, as it is.
  Value unchanged(function_ref<Value(unsigned)> On) const {
    return isKept(On(0)) ? agreed(On) : Value();
  }

  /// The same on all ways once it is rewritten. When a node has several new names, the first of them may be the wrong one.
  Value changed(function_ref<Value(unsigned)> On) {
    if (Value Said = agreed([&](unsigned Way) { return rewritten(On(Way), Way); }))
      return Said;
    if (V.depth(On(0)) == 0)
      return {};
    for (unsigned Name = 0; Name < AllNames[0].size(); ++Name)
      if (Value Said = agreed([&](unsigned Way) { return rewrittenBy(On(Way), Way, Name); }))
        return Said;
    return {};
  }

  Value rewrittenBy(Value A, unsigned Way, unsigned Name) {
    DenseMap<unsigned, Value> Single;
    if (AllNames[Way][Name].first)
      Single[AllNames[Way][Name].first] = AllNames[Way][Name].second;
    return V.rewrite(A, Single, B);
  }

  Value agreed(function_ref<Value(unsigned)> On) const {
    Value First = On(0);
    for (unsigned Way = 1; Way < Ways.size() && First; ++Way)
      if (On(Way) != First)
        return {};
    return First;
  }

  /// What was renamed once is said in the new names if that is possible: while only one way is known, both would do.
  Value changedOrNot(function_ref<Value(unsigned)> On) {
    Value New = changed(On);
    return New ? New : unchanged(On);
  }
  Value unchangedOrNot(function_ref<Value(unsigned)> On) {
    Value Old = unchanged(On);
    return Old ? Old : changed(On);
  }

  /// A register or slot, and what is in it on each way.
  struct Place {
    bool IsSlot;
    unsigned Register;
    Value Slot;
    bool IsNamed;
    SmallVector<Value, 4> On;
  };

  /// What differs gets a new name; what can be said by the names that were given before (the next field, the address of the mark) is
  /// said so.
  void joinPlaces(Machine &M, Names &Known) {
    SmallVector<Place, 24> Different;
    for (unsigned Register = 0; Register < 16; ++Register) {
      Place P{false, Register, {}, (Known.Named >> Register & 1) != 0, {}};
      for (const State *Way : Ways)
        P.On.push_back(Way->M.Registers[Register]);
      if (!(Known.Renamed >> Register & 1) && isKept(P.On[0]) && llvm::all_equal(P.On))
        M.Registers[Register] = P.On[0];
      else
        Different.push_back(std::move(P));
    }
    for (auto &Slot : Ways[0]->M.Slots) {
      Place P{true, 0, Slot.first, Known.NamedSlots.count(Slot.first) != 0, {}};
      for (const State *Way : Ways)
        P.On.push_back(V.slot(Way->M, Slot.first));
      if (!isKept(Slot.first) || !all_of(P.On, [](Value A) { return bool(A); }))
        continue;
      if (!Known.RenamedSlots.count(Slot.first) && isKept(P.On[0]) && llvm::all_equal(P.On))
        M.Slots.push_back({Slot.first, P.On[0]});
      else
        Different.push_back(std::move(P));
    }
    auto Order = [&](const Place &P) { // counters, then simple values, then what is made of them
      return std::tuple(!P.IsNamed, !V.isConstant(P.On[0]), V.depth(P.On[0]), P.IsSlot, P.Register, P.Slot.Base, P.Slot.Offset);
    };
    llvm::sort(Different, [&](const Place &A, const Place &C) { return Order(A) < Order(C); });
    for (const Place &P : Different)
      settle(P, M, Known);
    llvm::sort(M.Slots);
  }

  void settle(const Place &P, Machine &M, Names &Known) {
    if (P.IsSlot) {
      Known.RenamedSlots.insert(P.Slot);
      Value Said = P.IsNamed ? Value() : changedOrNot([&](unsigned Way) { return P.On[Way]; });
      if (!Said) {
        Known.NamedSlots.insert(P.Slot);
        Said = name(V.slotName(P.Slot), P.On);
      }
      M.Slots.push_back({P.Slot, Said});
      return;
    }
    Known.Renamed = static_cast<uint16_t>(Known.Renamed | 1u << P.Register);
    Value Said = P.IsNamed ? Value() : sayRegister(P.Register, Known, M);
    if (!Said) {
      Known.Named = static_cast<uint16_t>(Known.Named | 1u << P.Register);
      Said = name({P.Register, 0}, P.On);
    }
    M.Registers[P.Register] = Said;
  }

  /// In the names that were given before; or as a multiple of one of them and something that is the same on all ways: a pointer that goes
  /// along with a counter.
  Value sayRegister(unsigned Register, Names &Known, const Machine &M) {
    auto Old = [&](unsigned Way, unsigned Of) { return Ways[Way]->M.Registers[Of]; };
    if (!Known.Along.count(Register))
      if (Value Said = changedOrNot([&](unsigned Way) { return Old(Way, Register); }))
        return Said;
    if (!all_of(Ways, [&](const State *Way) { return bool(Way->M.Registers[Register]); }))
      return {};
    auto Along = [&](unsigned Counter, int64_t Shift) -> Value {
      Value Rest = unchangedOrNot([&](unsigned Way) { return V.add(Old(Way, Register), V.negate(V.shiftLeft(Old(Way, Counter), Shift))); });
      return Rest ? V.add(Rest, V.shiftLeft(M.Registers[Counter], Shift)) : Value();
    };
    if (auto Found = Known.Along.find(Register); Found != Known.Along.end())
      return Along(Found->second.first, Found->second.second);
    if (Ways.size() < 2)
      return {};
    for (unsigned Counter = 0; Counter < 16; ++Counter) {
      bool MayCount = Known.Named >> Counter & 1 && M.Registers[Counter] && Old(0, Counter) && Old(1, Counter);
      if (!MayCount)
        continue;
      // Only what moves by a constant is worth the trouble.
      Value By = V.add(Old(1, Counter), V.negate(Old(0, Counter))), Moved = V.add(Old(1, Register), V.negate(Old(0, Register)));
      for (int64_t Shift = 0; Shift <= ShiftMax && By && Moved; ++Shift)
        if (V.shiftLeft(By, Shift) == Moved)
          if (Value Said = Along(Counter, Shift)) {
            Known.Along[Register] = {Counter, Shift};
            return Said;
          }
    }
    return {};
  }

  /// A new name for what is in a register or slot.
  Value name(std::pair<unsigned, int64_t> Place, ArrayRef<Value> Contents) {
    bool IsFrame = all_of(Contents, [&](Value A) { return V.isFrame(A); });
    bool MentionsFrame = any_of(Contents, [&](Value A) { return V.mentionsFrame(A); });
    Value New = V.join(B, Place, IsFrame, MentionsFrame);
    for (unsigned Way = 0; Way < Ways.size(); ++Way) {
      if (Contents[Way])
        NewNames[Way].try_emplace(Contents[Way].Base, New.plus(-Contents[Way].Offset));
      AllNames[Way].push_back({Contents[Way].Base, New.plus(-Contents[Way].Offset)});
    }
    return New;
  }

  /// Each range under its old name, when that stays, and under its new ones.
  void joinAddresses(State &S) {
    SmallVector<Marked, 16> Common;
    bool IsFirst = true;
    for (unsigned Way : waysInOrder()) {
      SmallVector<Marked, 16> Here;
      for (const Marked &M : Ways[Way]->F.Addresses) {
        Value Old{M.Base, 0}, New = rewritten(Old, Way);
        if (isKept(Old))
          Here.push_back(M);
        if (New && New != Old)
          Here.push_back({New.Base, M.Low + New.Offset, M.High + New.Offset, M.Age});
        for (auto [Base, Other] : AllNames[Way])
          if (Base == M.Base && Other != New)
            Here.push_back({Other.Base, M.Low + Other.Offset, M.High + Other.Offset, M.Age});
      }
      llvm::sort(Here);
      Common = IsFirst ? Here : both(Common, Here, Retreats[Way]);
      IsFirst = false;
    }
    for (const Marked &M : Common)
      if (M.Age <= PRS_GAP_MARKS)
        S.F.markAddress({M.Base, M.Low}, M.High - M.Low, M.Age);
  }

  /// Those that come around a loop last.
  SmallVector<unsigned, 4> waysInOrder() const {
    SmallVector<unsigned, 4> Order;
    for (bool Retreating : {false, true})
      for (unsigned Way = 0; Way < Ways.size(); ++Way)
        if (Retreats[Way] == Retreating)
          Order.push_back(Way);
    return Order;
  }

  /// What a value of the first way is here: the same, or what stands in a register or slot that held it. On says what that was on each way.
  struct Whereabouts {
    Value Now;
    SmallVector<Value, 4> On;
  };
  SmallVector<Whereabouts, 4> placesOf(Value First, const Machine &M) const {
    SmallVector<Whereabouts, 4> Places;
    if (isKept(First))
      Places.push_back({First, SmallVector<Value, 4>(Ways.size(), First)});
    auto Add = [&](Value Now, function_ref<Value(const Machine &)> In) {
      if (!Now || In(Ways[0]->M) != First)
        return;
      Places.push_back({Now, {}});
      for (const State *Way : Ways)
        Places.back().On.push_back(In(Way->M));
    };
    for (unsigned Register = 0; Register < 16; ++Register)
      Add(M.Registers[Register], [&](const Machine &Way) { return Way.Registers[Register]; });
    for (const auto &Slot : M.Slots)
      Add(Slot.second, [&](const Machine &Way) { return V.slot(Way, Slot.first); });
    return Places;
  }

  /// Ranges of which start and length are in the same two places on all ways, as the arguments of a merged call are.
  void joinRanges(State &S) {
    if (!all_of(Ways, [](const State *Way) { return !Way->F.Ranges.empty(); }))
      return;
    for (const Range &R : Ways[0]->F.Ranges)
      for (const Whereabouts &From : placesOf(R.From, S.M))
        for (const Whereabouts &Length : placesOf(R.Length, S.M)) {
          bool InAll = true;
          for (unsigned Way = 0; Way < Ways.size(); ++Way)
            InAll &= is_contained(Ways[Way]->F.Ranges, Range{From.On[Way], Length.On[Way]});
          if (InAll && !is_contained(S.F.Ranges, Range{From.Now, Length.Now}))
            S.F.Ranges.push_back({From.Now, Length.Now});
        }
  }

  /// What is older around a loop may become still older: in steps, so that this ends soon.
  static SmallVector<Marked, 16> both(ArrayRef<Marked> A, ArrayRef<Marked> C, bool IsAroundLoop) {
    auto Older = [&](int Before, int Age) {
      return Age > Before && IsAroundLoop ? static_cast<int>(PowerOf2Ceil(static_cast<uint64_t>(Age))) : std::max(Before, Age);
    };
    SmallVector<Marked, 16> Result;
    for (const Marked &M : A)
      for (auto N = llvm::lower_bound(C, Marked{M.Base, INT64_MIN, 0}); N != C.end() && N->Base == M.Base; ++N)
        if (int64_t Low = std::max(M.Low, N->Low), High = std::min(M.High, N->High); Low < High)
          Result.push_back({M.Base, Low, High, Older(M.Age, N->Age)});
    return Result;
  }

  /// Nothing needs to be marked where the pointer of a long mark is null: the pass leaves such ways out of what flows together. Mark is what holds on
  /// another way. The address that it would be for, on this one.
  std::optional<Value> nullInstead(unsigned Way, unsigned Other, const NumberFact &Mark) const {
    auto IsNull = [&](Value There, Value Here) { return There && There.Base == Mark.Address.Base && Here == V.constant(0); };
    for (unsigned Register = 0; Register < 16; ++Register)
      if (Value There = Ways[Other]->M.Registers[Register]; IsNull(There, Ways[Way]->M.Registers[Register]))
        return V.constant(Mark.Address.Offset - There.Offset);
    for (const auto &Slot : Ways[Other]->M.Slots)
      if (IsNull(Slot.second, V.slot(Ways[Way]->M, Slot.first)))
        return V.constant(Mark.Address.Offset - Slot.second.Offset);
    return std::nullopt;
  }

  std::optional<Value> nullInstead(unsigned Way, unsigned Number, unsigned Index) const {
    for (unsigned Other = 0; Other < Ways.size() && Index == LongIndex; ++Other)
      if (const NumberFact *Mark = Ways[Other]->F.find(Number, Index); Mark && Mark->How == Standing::InForce && Mark->Address && !V.isConstant(Mark->Address))
        if (std::optional<Value> Null = nullInstead(Way, Other, *Mark))
          return Null;
    return std::nullopt;
  }

  void joinNumbers(State &S) {
    SmallVector<std::pair<unsigned, unsigned>, 8> Keys;
    for (const State *Way : Ways)
      for (const NumberFact &N : Way->F.Numbers)
        Keys.push_back({N.Number, N.Index});
    llvm::sort(Keys);
    Keys.erase(std::unique(Keys.begin(), Keys.end()), Keys.end());
    for (auto [Number, Index] : Keys) {
      SmallVector<Value, 4> Found;
      bool IsFirst = true;
      NumberFact Joined(Number, Index);
      Joined.Distance = ~0u;
      for (unsigned Way = 0; Way < Ways.size(); ++Way) {
        const NumberFact *N = Ways[Way]->F.find(Number, Index);
        std::optional<Value> Null;
        if (!N || N->How != Standing::InForce)
          Null = nullInstead(Way, Number, Index);
        if (Null) {
          Found.push_back(*Null);
          continue;
        }
        if (!N) {
          Joined.How = std::max(Joined.How, Standing::MissingOnPath);
          continue;
        }
        Found.push_back(N->Address);
        Standing How = N->How == Standing::InForce && Retreats[Way] && !N->isLong() ? Standing::OtherRound : N->How;
        if (How >= Joined.How) {
          Joined.How = How;
          Joined.Call = N->Call;
        }
        Joined.Distance = std::min(Joined.Distance, N->Distance);
        Joined.Lines = std::exchange(IsFirst, false) ? N->Lines : std::min(Joined.Lines, N->Lines);
        Joined.Size = std::max(Joined.Size, N->Size);
        Joined.Age = std::max(Joined.Age, N->Age);
        Joined.Block = N->Block;
      }
      if (Found.size() == Ways.size())
        Joined.Address = unchangedOrNot([&](unsigned Way) { return Found[Way]; });
      if (Joined.How != Standing::InForce)
        Joined.Age = 0;
      S.F.Numbers.push_back(Joined);
    }
  }

  static constexpr int64_t ShiftMax = 4;

  unsigned B;
  Values &V;
  State AtEntry;
  SmallVector<const State *, 4> Ways;
  SmallVector<bool, 4> Retreats, Unwinds;
  SmallVector<DenseMap<unsigned, Value>, 4> NewNames; ///< one for each node
  SmallVector<SmallVector<std::pair<unsigned, Value>, 16>, 4> AllNames;
};

} // namespace

State joinAt(unsigned B, const Graph &G, ArrayRef<State> Ends, Values &V, Names &Known) { return Joiner(B, G, Ends, V).run(Known); }

std::vector<State> comingFromEach(unsigned B, const Graph &G, ArrayRef<State> Ends, Values &V) {
  std::vector<State> States;
  for (unsigned Way = 0;; ++Way) {
    Joiner J(B, G, Ends, V);
    if (Way >= J.keepOnly(Way))
      return States;
    Names Known;
    States.push_back(J.run(Known));
  }
}

} // namespace order
