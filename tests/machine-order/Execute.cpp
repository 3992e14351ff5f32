//===- Execute.cpp - what instructions do to registers and slots -----------===//
//
// One line for each kind of instruction that is followed exactly (Decode.cpp names them); of all others the results are new, unknown
// values, except that the same computation on the same registers gives the same value again.
//
//===----------------------------------------------------------------------===//
#include "Values.h"
#include <algorithm>

using namespace llvm;

namespace order {

/// The address of something in the frame has been computed: it may be written through from now on.
void Values::take(Value Address) {
  std::optional<Value> Slot = slotUnder(Address);
  if (!Slot)
    return;
  mix(*Slot, 1);
  auto [Lowest, New] = LowestTaken.try_emplace(Slot->Base, Slot->Offset);
  if (New || Slot->Offset < Lowest->second) {
    Lowest->second = Slot->Offset;
    Changed = true;
  }
}

void Values::set(Machine &M, const Instruction &I, unsigned Register, Value V) {
  if (Register != RSP && !(Register == RBP && I.What == Kind::Move)) // not the frame pointer
    take(V);
  M.Registers[Register] = V;
}

void Values::setSlot(Machine &M, Value Address, Value V) {
  auto At = llvm::lower_bound(M.Slots, Address, [](const auto &Slot, Value A) { return Slot.first < A; });
  if (At != M.Slots.end() && At->first == Address)
    At->second = V;
  else if (V && M.Slots.size() < SlotsMax)
    M.Slots.insert(At, {Address, V});
}

void Values::mix(Value Address, unsigned Width) {
  for (int64_t At = Address.Offset & -8; At < Address.Offset + static_cast<int64_t>(Width); At += 8)
    Changed |= Mixed.insert({Address.Base, At}).second;
}

bool Values::mayBeObject(Value Slot) const {
  auto Lowest = LowestTaken.find(Slot.Base);
  return Lowest != LowestTaken.end() && Slot.Offset + 8 > Lowest->second &&
         (Mixed.count({Slot.Base, Slot.Offset & -8}) || Mixed.count({Slot.Base, (Slot.Offset + 7) & -8}));
}

void Values::forgetTaken(Machine &M) {
  llvm::erase_if(M.Slots, [&](const auto &Slot) { return mayBeObject(Slot.first); });
}

void Values::wrote(Machine &M, Value Address, unsigned Width, bool HasIndex) {
  if (!isSlot(Address) || HasIndex) {
    take(Address);
    forgetTaken(M);
    return;
  }
  int64_t End = Width ? Address.Offset + Width : INT64_MAX;
  llvm::erase_if(M.Slots, [&](const auto &Slot) {
    if (Slot.first.Base != Address.Base) // the aligned frame and the one that is not: which slots coincide is not known
      return mayBeObject(Slot.first);
    return Slot.first.Offset < End && Slot.first.Offset + 8 > Address.Offset;
  });
}

Value Values::load(const Instruction &I, Machine &M, Value Address, unsigned Block, unsigned Register) {
  if (isSlot(Address)) {
    if (Value Held = slot(M, Address))
      return Held;
    Value V = result(I, Register, Block);
    setSlot(M, Address, V);
    return V;
  }
  if (Address.Base == ConstantNode && P->isOffsetTable(static_cast<uint64_t>(Address.Offset)))
    return make(NodeKind::Table, Address.Offset, 0, {});
  if (Address == Value{ThreadNode, 0}) // %fs:0 holds its own address
    return Address;
  return result(I, Register, Block);
}

/// A computation without memory and flags: the same again on the same values.
Value Values::generic(const Instruction &I, const Machine &M) {
  const MCInstrDesc &D = *I.Desc;
  if (D.getNumDefs() != 1 || I.Memory >= 0 || D.mayLoad() || D.mayStore() || D.hasUnmodeledSideEffects() || !D.implicit_uses().empty())
    return {};
  SmallVector<Value, 3> Operands;
  int64_t Immediate = 0;
  unsigned Immediates = 0;
  for (unsigned Op = 1; Op < I.Inst.getNumOperands(); ++Op) {
    const MCOperand &O = I.Inst.getOperand(Op);
    if (O.isImm()) {
      Immediate = O.getImm();
      ++Immediates;
    } else if (O.isReg() && P->registerIndex(O.getReg()) != NoRegister && !P->isHighByte(O.getReg())) {
      Operands.push_back(M.Registers[P->registerIndex(O.getReg())]);
    } else {
      return {};
    }
  }
  // The number is negative, so that it is none of the kinds that have a meaning. Without operands it would be a clock, or a random number.
  return Immediates > 1 || Operands.empty() ? Value() : operation(-1 - static_cast<int64_t>(I.Inst.getOpcode()), Immediate, Operands);
}

void Values::execute(const Instruction &I, unsigned Block, Machine &M) {
  const MCInst &Inst = I.Inst;
  auto Reg = [&](unsigned Op) { return P->registerIndex(Inst.getOperand(Op).getReg()); };
  auto Imm = [&](unsigned Op) { return Op < Inst.getNumOperands() ? Inst.getOperand(Op).getImm() : 1; };
  auto Result = [&](unsigned Register) { return result(I, Register, Block); };
  // ADD64i32 and its like work on the accumulator, which is no operand.
  bool Short = Inst.getNumOperands() == 1;
  unsigned To = NoRegister;
  Value V;
  switch (I.What) {
  case Kind::Move:
    set(M, I, Reg(0), M.Registers[Reg(1)]);
    return;
  case Kind::Constant:
    set(M, I, Reg(0), constant(P->isWhole(Inst.getOperand(0).getReg()) ? Imm(1) : static_cast<int64_t>(static_cast<uint32_t>(Imm(1)))));
    return;
  case Kind::LowConstant:
    if (Reg(0) != NoRegister)
      set(M, I, Reg(0), P->isHighByte(Inst.getOperand(0).getReg()) ? Result(Reg(0)) : lowResult(I, Imm(1), Block));
    return;
  case Kind::Zero:
    To = Reg(0);
    V = Inst.getOperand(1).getReg() == Inst.getOperand(2).getReg() ? constant(0) : generic(I, M);
    break;
  case Kind::Lea:
    To = Reg(0);
    V = addressOf(I, M);
    break;
  case Kind::AddImmediate:
  case Kind::SubImmediate:
    To = Short ? unsigned(RAX) : Reg(0);
    V = M.Registers[To].plus(I.What == Kind::AddImmediate ? Imm(Short ? 0 : 2) : -Imm(Short ? 0 : 2));
    break;
  case Kind::Increment:
  case Kind::Decrement:
    To = Reg(0);
    V = M.Registers[To].plus(I.What == Kind::Increment ? 1 : -1);
    break;
  case Kind::AndImmediate:
    To = Short ? unsigned(RAX) : Reg(0);
    V = operation(static_cast<int64_t>(I.What), Imm(Short ? 0 : 2), M.Registers[To]);
    break;
  case Kind::And:
  case Kind::AndLoad: {
    To = Reg(0);
    Value Other = I.What == Kind::And ? M.Registers[Reg(2)] : slot(M, addressOf(I, M));
    if (isConstant(Other))
      V = operation(static_cast<int64_t>(Kind::AndImmediate), Other.Offset, M.Registers[To]);
    else if (isConstant(M.Registers[To]))
      V = operation(static_cast<int64_t>(Kind::AndImmediate), M.Registers[To].Offset, Other);
    else if (I.What == Kind::And)
      V = generic(I, M);
    break;
  }
  case Kind::ZeroHigh: {
    To = Reg(0);
    std::optional<int64_t> Bits = lowConstant(M.Registers[Reg(2)]);
    if (Bits && (*Bits & 255) < 63)
      V = operation(static_cast<int64_t>(Kind::AndImmediate), (int64_t(1) << (*Bits & 255)) - 1, M.Registers[Reg(1)]);
    else
      V = generic(I, M);
    break;
  }
  case Kind::Add:
    To = Reg(0);
    V = add(M.Registers[To], M.Registers[Reg(2)]);
    break;
  case Kind::Sub: {
    To = Reg(0);
    Value By = M.Registers[Reg(2)];
    if (isConstant(By))
      V = M.Registers[To].plus(-By.Offset);
    else
      V = add(M.Registers[To], negate(By));
    break;
  }
  case Kind::Negate:
    To = Reg(0);
    V = negate(M.Registers[To]);
    break;
  case Kind::ShiftLeft:
    To = Reg(0);
    V = shiftLeft(M.Registers[To], Imm(2) & 63);
    break;
  case Kind::ShiftRight:
    To = Reg(0);
    V = operation(static_cast<int64_t>(I.What), Imm(2) & 63, M.Registers[To]);
    break;
  case Kind::Load:
    To = Reg(0);
    V = load(I, M, addressOf(I, M), Block, To);
    break;
  case Kind::Store:
  case Kind::StoreConstant: {
    Value Address = addressOf(I, M);
    wrote(M, Address, 8, I.hasIndex());
    if (isSlot(Address))
      setSlot(M, Address, I.What == Kind::Store ? registerValue(M, Inst.getOperand(5).getReg()) : constant(Imm(5)));
    return;
  }
  case Kind::AddToMemory:
  case Kind::ShiftMemory: {
    Value Address = addressOf(I, M), Old = slot(M, Address);
    wrote(M, Address, 8, I.hasIndex());
    if (!isSlot(Address) || !Old)
      return;
    int64_t By = Imm(5); // 1 when it is not said
    if (I.What == Kind::AddToMemory)
      Old = Old.plus(I.IsInverse ? -By : By);
    else
      Old = I.IsInverse ? operation(static_cast<int64_t>(Kind::ShiftRight), By & 63, Old) : shiftLeft(Old, By & 63);
    setSlot(M, Address, Old);
    return;
  }
  case Kind::Push:
    M.Registers[RSP] = M.Registers[RSP].plus(-8);
    wrote(M, M.Registers[RSP], 8, false);
    if (isSlot(M.Registers[RSP]))
      setSlot(M, M.Registers[RSP], Reg(0) == RSP ? Value() : M.Registers[Reg(0)]);
    return;
  case Kind::Pop:
    V = load(I, M, M.Registers[RSP], Block, Reg(0));
    M.Registers[RSP] = M.Registers[RSP].plus(8);
    set(M, I, Reg(0), V);
    return;
  case Kind::Leave:
    M.Registers[RSP] = M.Registers[RBP].plus(8);
    M.Registers[RBP] = load(I, M, M.Registers[RBP], Block, RBP);
    return;
  case Kind::String:
    wrote(M, M.Registers[RDI], 0, false);
    for (unsigned Register : {RDI, RSI, RCX})
      set(M, I, Register, Result(Register));
    return;
  case Kind::Other:
    // More than a slot, or the inside of one. (The first bytes alone: a spill of a smaller register in the same place.)
    if (I.Memory >= 0 && !I.IsNop)
      if (Value Address = addressOf(I, M); isSlot(Address) && (I.Width > 8 || (Address.Offset & 7) != 0))
        mix(Address, std::max(I.Width, 1u));
    break;
  }
  if (To != NoRegister) {
    set(M, I, To, V ? V : Result(To));
    return;
  }

  if (I.Pushes) {
    M.Registers[RSP] = M.Registers[RSP].plus(-8);
    wrote(M, M.Registers[RSP], 8, false);
  }
  if (I.Writes)
    wrote(M, addressOf(I, M), I.Width, I.hasIndex());
  V = generic(I, M);
  for (unsigned Op = 0; Op < I.Desc->getNumDefs(); ++Op) {
    const MCOperand &O = Inst.getOperand(Op);
    if (O.isReg() && P->registerIndex(O.getReg()) != NoRegister)
      set(M, I, Reg(Op), V && (P->isWhole(O.getReg()) || P->isHalf(O.getReg())) ? V : Result(Reg(Op)));
  }
  for (MCPhysReg Register : I.Desc->implicit_defs())
    if (unsigned Number = P->registerIndex(Register); Number != NoRegister && !(Number == RSP && (I.Pushes || I.Desc->isReturn())))
      set(M, I, Number, Result(Number));
}

void Values::call(const Instruction &I, unsigned Block, Machine &M, Effect What) {
  const bool ReturnsTwice = What == Effect::ReturnsTwice;
  const Value First = M.Registers[RDI];
  if (ReturnsTwice) // slots may have changed between the two returns
    M.Slots.clear();
  forgetTaken(M);
  for (unsigned Register = 0; Register < 16; ++Register) {
    bool Kept = Register == RSP || Register == RBP || Register == RBX || Register >= 12;
    // longjmp brings back what was saved, which may be older than what the node stands for by then.
    bool IsLasting = M.Registers[Register] && Nodes[M.Registers[Register].Base].Blocks.empty();
    if (!Kept || (ReturnsTwice && !IsLasting && Register != RSP && Register != RBP))
      M.Registers[Register] = result(I, Register, Block);
  }
  if (What == Effect::ReturnsFirst)
    M.Registers[RAX] = First;
}

} // namespace order
