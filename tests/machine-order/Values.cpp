//===- Values.cpp - following values through instructions ------------------===//
#include "Values.h"
#include <algorithm>

using namespace llvm;

namespace order {

Values::Values(const Program &P) : P(&P) {
  Nodes.resize(4);
  Nodes[ConstantNode].What = NodeKind::Constant;
  Nodes[FrameNode].What = NodeKind::Frame;
  Nodes[FrameNode].IsFrame = Nodes[FrameNode].MentionsFrame = Nodes[FrameNode].IsSlotBase = true;
  Nodes[ThreadNode].What = NodeKind::Thread;
}

Value Values::make(NodeKind What, int64_t Number, int64_t Immediate, ArrayRef<Value> Operands, int Block) {
  SmallVector<int64_t, 12> Key{static_cast<int64_t>(What), Number, Immediate, Block};
  for (Value V : Operands) {
    if (!V)
      return {};
    Key.push_back(V.Base);
    Key.push_back(V.Offset);
  }
  auto [Found, New] = Numbers.try_emplace(std::move(Key), static_cast<unsigned>(Nodes.size()));
  if (!New)
    return {Found->second, 0};
  Node N;
  N.What = What;
  N.Number = Number;
  N.Immediate = Immediate;
  N.Operands.assign(Operands.begin(), Operands.end());
  if (Block >= 0)
    N.Blocks.push_back(static_cast<unsigned>(Block));
  for (Value V : Operands)
    for (unsigned B : Nodes[V.Base].Blocks)
      if (!is_contained(N.Blocks, B))
        N.Blocks.push_back(B);
  llvm::sort(N.Blocks);
  for (Value V : Operands)
    N.Depth = std::max(N.Depth, Nodes[V.Base].Depth + 1);
  if (N.Blocks.size() > BlocksMax) { // too long a story
    Found->second = 0;
    return {};
  }
  deriveFrame(N);
  Nodes.push_back(std::move(N));
  return {static_cast<unsigned>(Nodes.size()) - 1, 0};
}

/// A sum with the difference of two frame addresses could be any address.
void Values::deriveFrame(Node &N) const {
  if (N.Operands.empty())
    return;
  unsigned Frames = 0, Mentions = 0;
  for (Value V : N.Operands) {
    Frames += Nodes[V.Base].IsFrame;
    Mentions += Nodes[V.Base].MentionsFrame;
  }
  bool IsAlignment = N.What == NodeKind::Operation && N.Number == static_cast<int64_t>(Kind::AndImmediate) && N.Immediate < 0;
  N.MentionsFrame = Mentions > 0;
  N.IsFrame = Mentions == 1 && Frames == 1 && (N.What == NodeKind::Sum || IsAlignment);
  N.IsSlotBase = IsAlignment && Nodes[N.Operands[0].Base].IsSlotBase;
}

Value Values::join(unsigned Block, std::pair<unsigned, int64_t> Place, bool IsFrame, bool MentionsFrame) {
  size_t Before = Nodes.size();
  Value V = make(NodeKind::Join, Place.first, Place.second, {}, static_cast<int>(Block));
  Node &N = Nodes[V.Base];
  if (Nodes.size() != Before) {
    N.IsFrame = IsFrame;
    N.MentionsFrame = MentionsFrame;
  } else if ((N.IsFrame && !IsFrame) || (!N.MentionsFrame && MentionsFrame)) {
    N.IsFrame &= IsFrame;
    N.MentionsFrame |= MentionsFrame;
    for (unsigned I = V.Base + 1; I < Nodes.size(); ++I) // operands come before what is made of them
      deriveFrame(Nodes[I]);
    FrameChanged = true;
  }
  return V;
}

void Values::assumeFrames() {
  for (Node &N : Nodes) {
    if (N.What == NodeKind::Join) {
      N.IsFrame = true;
      N.MentionsFrame = false;
    }
    deriveFrame(N);
  }
  FrameChanged = false;
}

Value Values::rewrite(Value V, const DenseMap<unsigned, Value> &By, unsigned Block) {
  if (!V)
    return {};
  if (auto Found = By.find(V.Base); Found != By.end())
    return Found->second.plus(V.Offset);
  const NodeKind What = Nodes[V.Base].What;
  const int64_t Number = Nodes[V.Base].Number, Immediate = Nodes[V.Base].Immediate;
  const SmallVector<Value, 2> Old = Nodes[V.Base].Operands;
  if (Old.empty())
    return mentions(V, Block) ? Value() : V;
  SmallVector<Value, 2> New;
  for (Value O : Old) {
    New.push_back(rewrite(O, By, Block));
    if (!New.back())
      return {};
  }
  if (New == Old)
    return V;
  Value Result = New[0];
  if (What == NodeKind::Sum)
    for (unsigned I = 1; I < New.size(); ++I)
      Result = add(Result, New[I]);
  else if (What == NodeKind::Negative)
    Result = negate(New[0]);
  else if (Number == static_cast<int64_t>(Kind::ShiftLeft))
    Result = shiftLeft(New[0], Immediate);
  else
    Result = operation(Number, Immediate, New);
  return Result.plus(V.Offset);
}

std::optional<uint64_t> Values::tableOf(Value V) const {
  if (V && Nodes[V.Base].What == NodeKind::Result && V.Offset > 0)
    return static_cast<uint64_t>(V.Offset);
  return std::nullopt;
}

std::optional<uint64_t> Values::offsetOf(Value V) const {
  return V && V.Base != ConstantNode && V.Offset > 0 ? std::optional(static_cast<uint64_t>(V.Offset)) : std::nullopt;
}

std::optional<Value> Values::slotUnder(Value V) const {
  if (isSlot(V))
    return V;
  if (isFrame(V))
    for (Value O : Nodes[V.Base].Operands)
      if (isFrame(O))
        return slotUnder(O.plus(V.Offset));
  return std::nullopt;
}

bool Values::mentions(Value V, unsigned Block) const { return V && is_contained(Nodes[V.Base].Blocks, Block); }

std::optional<Value> Values::shiftedBySix(Value V, int64_t Base) const {
  if (!V)
    return std::nullopt;
  int64_t Lines = V.Offset - Base;
  if (std::abs(Lines) < LinesMax) {
    Value Line{V.Base, 0};
    if (const Node *Mask = nodeOf(Line, Kind::AndImmediate); Mask && Mask->Immediate == AddressMax >> 6)
      Line = Mask->Operands[0];
    const Node *Shift = nodeOf(Line, Kind::ShiftRight);
    if (Shift && Shift->Immediate == 6 && Line.Offset == 0) {
      Value Of = Shift->Operands[0];
      if (const Node *Mask = nodeOf(Of, Kind::AndImmediate); Mask && Of.Offset == 0 && (Mask->Immediate | 63) == AddressMax)
        Of = Mask->Operands[0];
      return Of.plus(Lines * 64);
    }
  }
  // The address of the store was a constant.
  if (V.Base == ConstantNode && Lines >= 0 && Lines < (int64_t(1) << 41))
    return Value{ConstantNode, Lines << 6};
  return std::nullopt;
}

const Values::Node *Values::nodeOf(Value V, Kind Operation) const {
  const Node &N = Nodes[V.Base];
  return N.What == NodeKind::Operation && N.Number == static_cast<int64_t>(Operation) ? &N : nullptr;
}

bool Values::isSymbol(Value V) const {
  if (!V)
    return false;
  const Node &N = Nodes[V.Base];
  return N.What == NodeKind::Table || (N.What == NodeKind::Sum && any_of(N.Operands, [&](Value O) { return Nodes[O.Base].What == NodeKind::Table; }));
}

unsigned Values::argument(Value V) const {
  const Node &N = Nodes[V.Base];
  const bool IsArgument = N.What == NodeKind::Join && N.Blocks.size() == 1 && N.Blocks[0] == 0 && is_contained(ArgumentRegisters, static_cast<unsigned>(N.Number));
  return IsArgument ? static_cast<unsigned>(N.Number) : NoRegister;
}

StringRef Values::function(Value V) const {
  if (V && Nodes[V.Base].What == NodeKind::Table && V.Offset == 0)
    return P->relocationAt(static_cast<uint64_t>(Nodes[V.Base].Number));
  return V.Base == ConstantNode ? P->functionAt(static_cast<uint64_t>(V.Offset)) : StringRef();
}

StringRef Values::threadLocal(Value V) const {
  if (!V || Nodes[V.Base].What != NodeKind::Sum || V.Offset != 0)
    return {};
  const Node &N = Nodes[V.Base];
  if (N.Operands.size() != 2)
    return {};
  for (unsigned I = 0; I < 2; ++I)
    if (N.Operands[I].Base == ThreadNode && Nodes[N.Operands[1 - I].Base].What == NodeKind::Table)
      return P->relocationAt(static_cast<uint64_t>(Nodes[N.Operands[1 - I].Base].Number));
  return {};
}

std::optional<int64_t> Values::lowConstant(Value V) const {
  if (V.Base == ConstantNode)
    return V.Offset;
  if (V && Nodes[V.Base].What == NodeKind::LowResult)
    return Nodes[V.Base].Immediate;
  return std::nullopt;
}

std::pair<int64_t, int64_t> Values::alignmentOf(unsigned Base) const {
  const Node &N = Nodes[Base];
  if (Base == ConstantNode)
    return {64, 0};
  if (Base == FrameNode) // a call has just pushed eight bytes
    return {16, 8};
  if (N.What == NodeKind::Operation && N.Number == static_cast<int64_t>(Kind::AndImmediate) && N.Immediate < 0)
    return {std::min<int64_t>(64, int64_t(1) << llvm::countr_zero(static_cast<uint64_t>(N.Immediate))), 0};
  if (N.What == NodeKind::Operation && N.Number == static_cast<int64_t>(Kind::ShiftLeft))
    return {int64_t(1) << std::min<int64_t>(6, N.Immediate), 0};
  if (N.What != NodeKind::Sum)
    return {1, 0};
  std::pair<int64_t, int64_t> Result{64, 0};
  for (Value O : N.Operands) {
    auto [Alignment, Skew] = alignmentOf(O.Base);
    Result = {std::min(Result.first, Alignment), Result.second + Skew};
  }
  return Result;
}

std::pair<int64_t, int64_t> Values::alignedAround(Value V) const {
  auto [Alignment, Skew] = alignmentOf(V.Base);
  int64_t Low = ((V.Offset + Skew) & -Alignment) - Skew;
  return {Low, Low + Alignment};
}

/// Sums are flat and sorted, and what is added and taken away again is gone.
Value Values::add(Value A, Value B) {
  if (!A || !B)
    return {};
  int64_t Offset = A.plus(B.Offset).Offset;
  SmallVector<Value, 6> Terms;
  for (Value V : {A, B}) {
    if (V.Base == ConstantNode)
      continue;
    if (Nodes[V.Base].What == NodeKind::Sum)
      Terms.append(Nodes[V.Base].Operands.begin(), Nodes[V.Base].Operands.end());
    else
      Terms.push_back({V.Base, 0});
  }
  for (unsigned I = 0; I < Terms.size(); ++I)
    if (auto *Opposite = llvm::find(Terms, negate(Terms[I])); Opposite != Terms.end()) {
      unsigned Other = static_cast<unsigned>(Opposite - Terms.begin());
      Terms.erase(Terms.begin() + std::max(I, Other));
      Terms.erase(Terms.begin() + std::min(I, Other));
      I = ~0u;
    }
  if (Terms.empty())
    return constant(Offset);
  if (Terms.size() == 1)
    return Terms[0].plus(Offset);
  llvm::sort(Terms);
  return Terms.size() > TermsMax ? Value() : make(NodeKind::Sum, 0, 0, Terms).plus(Offset);
}

Value Values::negate(Value A) {
  if (!A)
    return A;
  int64_t Offset = static_cast<int64_t>(-static_cast<uint64_t>(A.Offset));
  const Node &N = Nodes[A.Base];
  if (A.Base == ConstantNode)
    return constant(Offset);
  if (N.What == NodeKind::Negative)
    return N.Operands[0].plus(Offset);
  return make(NodeKind::Negative, 0, 0, Value{A.Base, 0}).plus(Offset);
}

Value Values::shiftLeft(Value A, int64_t By) {
  if (!A || By == 0)
    return A;
  int64_t Offset = static_cast<int64_t>(static_cast<uint64_t>(A.Offset) << By);
  if (A.Base == ConstantNode)
    return constant(Offset);
  if (Nodes[A.Base].What == NodeKind::Negative)
    return negate(shiftLeft(Nodes[A.Base].Operands[0], By)).plus(Offset);
  return operation(static_cast<int64_t>(Kind::ShiftLeft), By, Value{A.Base, 0}).plus(Offset);
}

Value Values::slot(const Machine &M, Value Address) const {
  auto At = llvm::lower_bound(M.Slots, Address, [](const auto &Slot, Value A) { return Slot.first < A; });
  return Address && At != M.Slots.end() && At->first == Address ? At->second : Value();
}

Value Values::registerValue(const Machine &M, unsigned Register) const {
  unsigned Number = P->registerIndex(Register);
  return Number == NoRegister || !P->isWhole(Register) ? Value() : M.Registers[Number];
}

Value Values::addressOf(const Instruction &I, const Machine &M) {
  if (I.What == Kind::String)
    return M.Registers[RDI];
  if (I.Memory < 0)
    return {};
  if (!I.memory(Instruction::Displacement).isImm())
    return {};
  Value Address = constant(I.memory(Instruction::Displacement).getImm());
  if (P->isRelative(I))
    Address = Address.plus(static_cast<int64_t>(I.end()));
  else if (unsigned Base = I.memory(Instruction::BaseRegister).getReg())
    Address = add(Address, registerValue(M, Base));
  if (unsigned Register = I.memory(Instruction::IndexRegister).getReg(); Register && P->registerName(Register) != "RIZ") {
    int64_t Scale = I.memory(Instruction::Scale).getImm();
    Address = add(Address, shiftLeft(registerValue(M, Register), Scale == 8 ? 3 : Scale / 2));
  }
  if (unsigned Register = I.memory(Instruction::Segment).getReg(); Register && I.What != Kind::Lea) {
    if (P->registerName(Register) == "FS")
      Address = add(Address, Value{ThreadNode, 0});
    else if (P->registerName(Register) == "GS")
      Address = {};
  }
  return Address;
}

} // namespace order
