//===- Program.h - a linked program as the checker sees it ------*- C++ -*-===//
//
// Reads an ELF file for x86-64 that is linked (an executable or a shared library: only there are calls, jump tables and the global
// offset table resolved) and decodes one function at a time.
//
// Invariants, which the rules rely on:
//   1. Instruction::Writes is never false for an instruction that may write memory other than by pushing. LLVM's tables say "may load"
//      and "may store"; for some instructions (VEXTRACTF64x2 to memory, STOS, MOVS) they say neither. So what has a memory operand writes,
//      unless it is known to load only or not to touch memory at all.
//   2. Line and Column come from a numbered line table only (file name "prosper-marks", llvm-pass/Numbering.cpp); any other is no number.
//   3. possibleTargets() has every address inside a function that its data or code mentions: where an indirect jump may go.
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_ORDER_PROGRAM_H
#define PROSPER_ORDER_PROGRAM_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCContext.h"
#include "llvm/MC/MCDisassembler/MCDisassembler.h"
#include "llvm/MC/MCInst.h"
#include "llvm/MC/MCInstPrinter.h"
#include "llvm/MC/MCInstrAnalysis.h"
#include "llvm/MC/MCInstrInfo.h"
#include "llvm/MC/MCRegisterInfo.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/Object/ELFObjectFile.h"
#include <map>
#include <set>
#include <string>
#include <vector>

namespace order {

constexpr unsigned NoRegister = 16; ///< general registers are 0 to 15, in the order of RegisterNames
enum : unsigned { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9 };
constexpr unsigned ArgumentRegisters[] = {RDI, RSI, RDX, RCX, R8, R9};

/// What Values.cpp knows how to follow exactly; everything else has an unknown result.
enum class Kind : uint8_t {
  Other, Move, Constant, Zero, Lea, AddImmediate, SubImmediate, Add, Sub, Increment, Decrement, Negate, ShiftLeft, ShiftRight, AndImmediate,
  Load, Store, StoreConstant, AddToMemory, ShiftMemory, Push, Pop, Leave, LowConstant, String, And, AndLoad, ZeroHigh
};

struct Instruction {
  llvm::MCInst Inst;
  const llvm::MCInstrDesc *Desc = nullptr;
  uint64_t Address = 0;
  unsigned Size = 0;
  unsigned Line = 0, Column = 0;
  Kind What = Kind::Other;
  int Memory = -1;      ///< index of the first of the five operands that make a memory operand
  bool Writes = false;  ///< memory, other than by pushing or calling
  bool Pushes = false;
  bool IsInverse = false; ///< subtracts, or shifts to the right
  bool IsMasked = false;  ///< writes Width bytes or fewer
  bool IsNop = false;
  bool IsTrap = false;  ///< control does not go on behind it
  unsigned Width = 0;   ///< bytes written, or read off the stack or frame pointer; 0: not known
  uint64_t Target = 0;  ///< of a direct branch or call
  uint64_t end() const { return Address + Size; }

  /// The parts of the memory operand.
  enum Part { BaseRegister, Scale, IndexRegister, Displacement, Segment };
  const llvm::MCOperand &memory(Part Which) const { return Inst.getOperand(static_cast<unsigned>(Memory + Which)); }
  bool hasIndex() const { return Memory >= 0 && memory(IndexRegister).getReg() != 0; }
};

struct Function {
  std::string Name;
  uint64_t Start = 0, End = 0;
  bool IsLocal = true; ///< no other file can call it
};

/// Calls between Start and End (exclusive) land at Pad when the callee throws.
struct CallSite {
  uint64_t Start, End, Pad;
};

class Program {
public:
  /// Ends the process with a message when the file cannot be read.
  explicit Program(llvm::StringRef Path);

  const std::vector<Function> &functions() const { return Functions; }
  bool isNumbered(const Function &F) const { return rowFor(F.Start) != nullptr; }
  bool hasNumbers() const { return !Sequences.empty(); }
  /// Highest number in each line table, added up: how many pairs the pass made.
  unsigned pairCount() const { return Pairs; }
  /// Instructions of .text that no symbol of a function covers.
  unsigned instructionsOutside() const;

  std::vector<Instruction> decode(const Function &F) const;
  std::vector<uint64_t> possibleTargets(const Function &F, llvm::ArrayRef<Instruction> Code) const;
  /// The entries of a jump table: four-byte distances from its start, or eight-byte addresses.
  std::vector<uint64_t> readTable(const Function &F, uint64_t Address) const;
  std::vector<uint64_t> readAddresses(const Function &F, uint64_t Address) const;
  std::vector<CallSite> callSites(const Function &F) const;

  /// The function that is called, by name; empty when that is not known.
  llvm::StringRef calleeOf(const Instruction &I) const;
  /// It has no return, or is known in libc not to.
  bool neverReturns(const Instruction &Call) const;
  /// A function of this file that makes marks, or calls one that does: by address, or by name when it is called through a table.
  bool makesMarks(uint64_t Target, llvm::StringRef Name) const { return Markers.count(Target) || MarkerNames.count(Name.str()); }
  /// Where the file's variables are.
  bool isInImage(uint64_t Address) const { return Address >= ImageLow && Address < ImageHigh; }
  bool hasFixedAddress() const { return HasFixedAddress; }
  /// Name of the function at an address: in this file, or behind the procedure linkage table.
  llvm::StringRef functionAt(uint64_t Address) const;
  /// Name of the symbol whose address (or thread offset) the loader puts at Address.
  llvm::StringRef relocationAt(uint64_t Address) const;
  bool isOffsetTable(uint64_t Address) const;
  /// Its memory operand is at a distance from the instruction pointer.
  bool isRelative(const Instruction &I) const;

  unsigned registerIndex(unsigned Register) const { return Registers[Register].Index; }
  bool isWhole(unsigned Register) const { return Registers[Register].Bits == 64; }
  bool isHalf(unsigned Register) const { return Registers[Register].Bits == 32; }
  bool isFrameRegister(unsigned Register) const { return registerIndex(Register) == RSP || registerIndex(Register) == RBP; }
  bool isHighByte(unsigned Register) const { return Registers[Register].High; }
  llvm::StringRef registerName(unsigned Register) const { return Info->getName(Register); }
  std::string text(const Instruction &I) const;

private:
  struct Row {
    uint64_t Address;
    unsigned Line, Column;
  };
  struct Sequence {
    uint64_t Low, High;
    std::vector<Row> Rows;
  };
  struct RegisterPart {
    unsigned Index = NoRegister;
    unsigned Bits = 0;
    bool High = false;
  };
  struct OpcodeFacts {
    Kind What = Kind::Other;
    int Memory = -1;
    bool Writes = false, Pushes = false, IsInverse = false, IsMasked = false, IsNop = false, IsTrap = false;
  };

  void startDecoder();
  void classifyOpcodes();
  void nameRegisters();
  void readFunctions();
  void readLines();
  void readRelocations();
  void readImage();
  void readCodePointers();
  void readFrames();
  void readCode();
  llvm::SmallVector<uint64_t, 2> mentionedBy(const Instruction &I) const;
  const Row *rowFor(uint64_t Address) const;
  llvm::StringRef bytesAt(uint64_t Address) const;
  bool isCode(uint64_t Address) const;
  unsigned writtenWidth(const Instruction &I) const;

  llvm::object::OwningBinary<llvm::object::ObjectFile> File;
  const llvm::object::ELFObjectFileBase *Object = nullptr;
  std::unique_ptr<const llvm::MCRegisterInfo> Info;
  std::unique_ptr<const llvm::MCAsmInfo> AsmInfo;
  std::unique_ptr<const llvm::MCSubtargetInfo> Subtarget;
  std::unique_ptr<const llvm::MCInstrInfo> Instructions;
  std::unique_ptr<llvm::MCContext> Context;
  std::unique_ptr<llvm::MCDisassembler> Disassembler;
  std::unique_ptr<const llvm::MCInstrAnalysis> Analysis;
  std::unique_ptr<llvm::MCInstPrinter> Printer;

  std::vector<OpcodeFacts> Opcodes;
  std::vector<RegisterPart> Registers;
  std::vector<Function> Functions;
  std::vector<Sequence> Sequences;
  std::map<uint64_t, std::string> FunctionNames, Relocations;
  std::vector<uint64_t> CodePointers; ///< addresses of code that stand in the data, sorted
  std::map<uint64_t, uint64_t> Addends; ///< what the loader writes, by address
  std::set<uint64_t> Endless;         ///< functions without a return
  std::set<uint64_t> Markers;         ///< functions that make marks
  std::set<std::string> MarkerNames;
  uint64_t ImageLow = ~uint64_t(0), ImageHigh = 0;
  std::vector<uint64_t> Mentions;     ///< addresses of data that code names, sorted
  std::map<uint64_t, uint64_t> ExceptionTables; ///< by start of function
  unsigned Pairs = 0;
  bool HasFixedAddress = false; ///< a number in an instruction may be an address
};

} // namespace order

#endif
