//===- Values.h - what registers and frame slots hold -----------*- C++ -*-===//
//
// A value is a node plus a constant. Two registers with the same value hold the same number; nothing is said of two with different ones.
//
// Invariants:
//   V1. A node that an instruction or the entry of a block makes (Result, Join) stands for its most recent execution. So on entry of a
//       block nothing in the state may still mention nodes of that block: Values::mentions finds them, and the join renames them.
//   V2. A frame slot is known only by a constant distance from a base that is the stack pointer at entry, or that aligned. A store into
//       the frame at another place that may overlap it makes it unknown. Calls, and stores through other pointers, do so too, unless the
//       slot is taken for a spill: no instruction touches its inside or more than it, and its address is never computed. (A pointer in
//       a local struct whose address goes to a callee is mistaken for a spill. What rests on it is a proof by address in a function
//       where two marks were swapped and both lost their numbers.)
//   V3. isFrame says that an address was computed from the stack pointer, with whatever index.
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_ORDER_VALUES_H
#define PROSPER_ORDER_VALUES_H

#include "Program.h"
#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/ADT/SmallVector.h"
#include <array>
#include <optional>
#include <set>
#include <unordered_map>

namespace order {

struct Value {
  unsigned Base = 0; ///< node; 0: not known
  int64_t Offset = 0;
  explicit operator bool() const { return Base != 0; }
  bool operator==(const Value &Other) const { return Base == Other.Base && Offset == Other.Offset; }
  bool operator!=(const Value &Other) const { return !(*this == Other); }
  bool operator<(const Value &Other) const { return Base != Other.Base ? Base < Other.Base : Offset < Other.Offset; }
  Value plus(int64_t More) const {
    return Base ? Value{Base, static_cast<int64_t>(static_cast<uint64_t>(Offset) + static_cast<uint64_t>(More))} : Value();
  }
};

struct Machine {
  std::array<Value, 16> Registers;
  llvm::SmallVector<std::pair<Value, Value>, 16> Slots; ///< sorted by address; eight bytes each
  bool operator==(const Machine &Other) const { return Registers == Other.Registers && Slots == Other.Slots; }
};

class Values {
public:
  explicit Values(const Program &P);

  Value constant(int64_t Number) { return {ConstantNode, Number}; }
  Value frame(int64_t Offset) { return {FrameNode, Offset}; }
  /// The new name of a place: a register and 0, or slotName.
  Value join(unsigned Block, std::pair<unsigned, int64_t> Place, bool IsFrame, bool MentionsFrame);
  std::pair<unsigned, int64_t> slotName(Value Slot) const { return {NoRegister + Slot.Base, Slot.Offset}; }

  bool isThread(Value V) const { return V.Base == ThreadNode; }
  bool isConstant(Value V) const { return V.Base == ConstantNode; }
  bool isFrame(Value V) const { return V && Nodes[V.Base].IsFrame; }
  bool mentionsFrame(Value V) const { return V && Nodes[V.Base].MentionsFrame; }
  /// Its distance from the stack pointer at entry (perhaps aligned) is a constant.
  bool isSlot(Value V) const { return V && Nodes[V.Base].IsSlotBase; }
  bool mentions(Value V, unsigned Block) const;
  Value add(Value A, Value B);
  Value negate(Value A);
  Value shiftLeft(Value A, int64_t By);

  /// V in new names: By says what has become of a node. Nothing when V rests on a node of Block that has no new name.
  Value rewrite(Value V, const llvm::DenseMap<unsigned, Value> &By, unsigned Block);
  unsigned depth(Value V) const { return V ? Nodes[V.Base].Depth : 0; }
  /// The table that an indirect jump to V reads its four-byte distances from: V is what was loaded plus a constant.
  std::optional<uint64_t> tableOf(Value V) const;
  /// The constant part of an address that has another part, too.
  std::optional<uint64_t> offsetOf(Value V) const;

  /// The slot that an address in the frame was computed from by adding an index.
  std::optional<Value> slotUnder(Value V) const;
  /// What is in a slot, as far as that is known.
  Value slot(const Machine &M, Value Address) const;

  /// x when V is Base + (x >> 6), or x + 64 when V is one more, and so on; how a mark's address looks. Bits above the address space may be masked off.
  std::optional<Value> shiftedBySix(Value V, int64_t Base) const;
  /// Computed from what the offset table holds: the address of a variable of this or another file.
  bool isSymbol(Value V) const;
  /// What one of the first six arguments held at the entry of the function, plus a constant.
  bool isArgument(Value V) const { return argument(V) != NoRegister; }
  /// Its register, or NoRegister.
  unsigned argument(Value V) const;
  /// The function that is called through this address: behind it, or behind what the offset table holds.
  llvm::StringRef function(Value V) const;
  /// The symbol whose thread-local variable V is the address of.
  llvm::StringRef threadLocal(Value V) const;
  /// The low byte (or two) of a register that was set by an instruction of eight or sixteen bits.
  std::optional<int64_t> lowConstant(Value V) const;
  /// The offsets around V that are certainly in its line, because of what its base is aligned to.
  std::pair<int64_t, int64_t> alignedAround(Value V) const;
  /// Base + second is a multiple of first, a power of two up to 64.
  std::pair<int64_t, int64_t> alignmentOf(unsigned Base) const;

  Value registerValue(const Machine &M, unsigned Register) const;
  /// Of the memory operand, or of what a push or a string instruction writes.
  Value addressOf(const Instruction &I, const Machine &M);
  void execute(const Instruction &I, unsigned Block, Machine &M);
  /// Registers and slots behind a call. setjmp returns twice, memcpy and its like return their first argument.
  enum class Effect { Ordinary, ReturnsTwice, ReturnsFirst };
  void call(const Instruction &I, unsigned Block, Machine &M, Effect What);

  /// Something that earlier results may rest on has become weaker: go round again.
  bool takeChange() { return std::exchange(Changed, false); }
  /// Which names are addresses in the frame is found at last: all are, until the joins say no (and takeFrameChange no more).
  void assumeFrames();
  bool takeFrameChange() { return std::exchange(FrameChanged, false); }

private:
  enum class NodeKind : uint8_t { Unknown, Constant, Frame, Entry, Result, LowResult, Join, Thread, Table, Sum, Negative, Operation };
  struct Node {
    NodeKind What = NodeKind::Unknown;
    bool IsFrame = false, MentionsFrame = false, IsSlotBase = false;
    unsigned Depth = 0;
    int64_t Number = 0; ///< opcode, table address, constant
    int64_t Immediate = 0;
    llvm::SmallVector<Value, 2> Operands;
    llvm::SmallVector<unsigned, 4> Blocks; ///< sorted: whose Results and Joins are in it
  };

  Value make(NodeKind What, int64_t Number, int64_t Immediate, llvm::ArrayRef<Value> Operands, int Block = -1);
  Value operation(int64_t Opcode, int64_t Immediate, llvm::ArrayRef<Value> Operands) {
    return make(NodeKind::Operation, Opcode, Immediate, Operands);
  }
  Value result(const Instruction &I, unsigned Register, unsigned Block) {
    return make(NodeKind::Result, static_cast<int64_t>(I.Address), Register, {}, static_cast<int>(Block));
  }
  void deriveFrame(Node &N) const;
  const Node *nodeOf(Value V, Kind Operation) const;
  Value lowResult(const Instruction &I, int64_t Constant, unsigned Block) {
    return make(NodeKind::LowResult, static_cast<int64_t>(I.Address), Constant, {}, static_cast<int>(Block));
  }
  Value generic(const Instruction &I, const Machine &M);
  Value load(const Instruction &I, Machine &M, Value Address, unsigned Block, unsigned Register);
  void set(Machine &M, const Instruction &I, unsigned Register, Value V);
  void setSlot(Machine &M, Value Address, Value V);
  void wrote(Machine &M, Value Address, unsigned Width, bool HasIndex);
  void forgetTaken(Machine &M);
  void take(Value Address);
  void mix(Value Address, unsigned Width);
  bool mayBeObject(Value Slot) const;

  const Program *P;
  std::vector<Node> Nodes;
  struct HashKey {
    size_t operator()(const llvm::SmallVector<int64_t, 12> &Key) const { return llvm::hash_combine_range(Key.begin(), Key.end()); }
  };
  std::unordered_map<llvm::SmallVector<int64_t, 12>, unsigned, HashKey> Numbers; ///< of nodes, by what they are made of
  llvm::DenseMap<unsigned, int64_t> LowestTaken; ///< by base: lowest address of the frame that was in a register
  std::set<std::pair<unsigned, int64_t>> Mixed;  ///< eight bytes of the frame that are no spill
  bool Changed = false, FrameChanged = false;

  static constexpr unsigned ConstantNode = 1, FrameNode = 2, ThreadNode = 3;
  static constexpr int64_t LinesMax = 1 << 20, AddressMax = (int64_t(1) << 47) - 1;
  static constexpr unsigned BlocksMax = 8, SlotsMax = 256, TermsMax = 6;
};

} // namespace order

#endif
