//===- Graph.cpp - the control flow of one function ------------------------===//
#include "Graph.h"
#include "llvm/ADT/DenseMap.h"
#include <algorithm>

using namespace llvm;

namespace order {
namespace {

class Builder {
public:
  Builder(const Program &P, const Function &F, ArrayRef<Instruction> Code, const KnownJumps &Known) : P(P), Code(Code), Known(Known) {
    for (unsigned I = 0; I < Code.size(); ++I)
      At[Code[I].Address] = I;
    Sites = P.callSites(F);
    if (any_of(Code, [](const Instruction &I) { return I.Desc->isIndirectBranch(); }))
      for (uint64_t Target : P.possibleTargets(F, Code))
        if (auto Found = At.find(Target); Found != At.end()) // else inside an instruction: not an address of this function's code
          Targets.push_back(Found->second);
  }

  Graph run() {
    split();
    for (unsigned B = 0; B < G.Blocks.size(); ++B)
      connect(B);
    connectBehindEndlessCalls();
    findRoots();
    order();
    for (unsigned B = 0; B < G.Blocks.size(); ++B)
      for (unsigned E = 0; E < G.Blocks[B].Successors.size(); ++E)
        G.Blocks[G.Blocks[B].Successors[E].To].Predecessors.push_back({B, E});
    return std::move(G);
  }

private:
  bool isEndless(const Instruction &I) const { return I.Desc->isCall() && P.neverReturns(I); }
  static bool stops(const Instruction &I) { return I.Desc->isReturn() || I.Desc->isBarrier() || I.IsTrap; }
  static bool ends(const Instruction &I) { return stops(I) || I.Desc->isBranch(); }

  uint64_t padOf(const Instruction &I) const {
    if (I.Desc->isCall())
      for (const CallSite &S : Sites)
        if (I.Address >= S.Start && I.Address < S.End)
          return S.Pad;
    return 0;
  }

  void split() {
    std::vector<bool> Leads(Code.size() + 1);
    Leads[0] = true;
    auto Lead = [&](uint64_t Address) {
      if (auto Found = At.find(Address); Found != At.end())
        Leads[Found->second] = true;
    };
    for (unsigned I = 0; I < Code.size(); ++I) {
      if (ends(Code[I]) || padOf(Code[I]) || isEndless(Code[I]))
        Leads[I + 1] = true;
      if (Code[I].Desc->isBranch())
        Lead(Code[I].Target);
    }
    for (const CallSite &S : Sites)
      Lead(S.Pad);
    for (unsigned Target : Targets)
      Leads[Target] = true;
    for (unsigned I = 0; I < Code.size(); ++I) {
      if (Leads[I]) {
        G.Blocks.emplace_back();
        G.Blocks.back().First = I;
      }
      G.Blocks.back().Last = I + 1;
      BlockOf.push_back(static_cast<unsigned>(G.Blocks.size()) - 1);
    }
  }

  void add(unsigned From, unsigned ToInstruction, bool Unwinds = false) {
    unsigned To = BlockOf[ToInstruction];
    for (Edge &E : G.Blocks[From].Successors)
      if (E.To == To && E.Unwinds == Unwinds)
        return;
    G.Blocks[From].Successors.push_back({To, Unwinds, false});
  }

  void connect(unsigned B) {
    const Instruction &I = Code[G.Blocks[B].Last - 1];
    if (uint64_t Pad = padOf(I))
      add(B, At.lookup(Pad), /*Unwinds=*/true);
    if (auto Table = Known.find(I.Address); Table != Known.end()) {
      ++G.IndirectJumps;
      for (uint64_t Target : Table->second)
        if (auto Found = At.find(Target); Found != At.end())
          add(B, Found->second);
    } else if (I.Desc->isIndirectBranch()) {
      ++G.IndirectJumps;
      ++G.JumpsToAny;
      G.ExitsByIndirectJump += Targets.empty();
      G.Blocks[B].Exits = Targets.empty();
      for (unsigned Target : Targets)
        add(B, Target);
    } else if (I.Desc->isBranch()) {
      if (auto Found = At.find(I.Target); Found != At.end())
        add(B, Found->second);
      else
        G.Blocks[B].Exits = true;
    }
    G.Blocks[B].Exits |= I.Desc->isReturn();
    if (!stops(I) && !isEndless(I) && G.Blocks[B].Last < Code.size())
      add(B, G.Blocks[B].Last);
  }

  void connectBehindEndlessCalls() {
    std::vector<bool> Led(G.Blocks.size());
    for (const Block &From : G.Blocks)
      for (const Edge &E : From.Successors)
        Led[E.To] = true;
    for (unsigned B = 0; B + 1 < G.Blocks.size(); ++B)
      if (isEndless(Code[G.Blocks[B].Last - 1]) && !Led[B + 1])
        add(B, G.Blocks[B].Last);
  }

  /// Padding between a jump and the next, aligned block is reached by nobody and leads nowhere.
  void findRoots() {
    std::vector<bool> Reached(G.Blocks.size());
    std::vector<unsigned> Stack;
    auto Root = [&](unsigned B) {
      G.Blocks[B].IsRoot = true;
      Stack.push_back(B);
      while (!Stack.empty()) {
        unsigned Next = Stack.back();
        Stack.pop_back();
        if (Reached[Next])
          continue;
        Reached[Next] = true;
        for (const Edge &E : G.Blocks[Next].Successors)
          Stack.push_back(E.To);
      }
    };
    Root(0);
    for (unsigned B = 1; B < G.Blocks.size(); ++B) {
      if (Reached[B])
        continue;
      unsigned I = G.Blocks[B].First;
      while (I < G.Blocks[B].Last && Code[I].IsNop)
        ++I;
      if (I == G.Blocks[B].Last) {
        G.Blocks[B].Successors.clear();
        continue;
      }
      G.Unreached.push_back(I);
      Root(B);
    }
  }

  void order() {
    enum : uint8_t { New, Open, Done };
    std::vector<uint8_t> State(G.Blocks.size(), New);
    std::vector<std::pair<unsigned, unsigned>> Stack;
    for (unsigned Root = 0; Root < G.Blocks.size(); ++Root) {
      if (!G.Blocks[Root].IsRoot || State[Root] != New)
        continue;
      State[Root] = Open;
      Stack.push_back({Root, 0});
      while (!Stack.empty()) {
        auto &[B, Next] = Stack.back();
        if (Next == G.Blocks[B].Successors.size()) {
          State[B] = Done;
          G.Order.push_back(B);
          Stack.pop_back();
          continue;
        }
        Edge &E = G.Blocks[B].Successors[Next++];
        if (State[E.To] == Open)
          E.Retreats = true;
        else if (State[E.To] == New) {
          State[E.To] = Open;
          Stack.push_back({E.To, 0});
        }
      }
    }
    std::reverse(G.Order.begin(), G.Order.end());
  }

  const Program &P;
  ArrayRef<Instruction> Code;
  const KnownJumps &Known;
  DenseMap<uint64_t, unsigned> At;
  std::vector<unsigned> BlockOf, Targets;
  std::vector<CallSite> Sites;
  Graph G;
};

} // namespace

Graph buildGraph(const Program &P, const Function &F, ArrayRef<Instruction> Code, const KnownJumps &Known) {
  return Builder(P, F, Code, Known).run();
}

} // namespace order
