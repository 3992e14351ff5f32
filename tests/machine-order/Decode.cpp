//===- Decode.cpp - instructions, and what they do to memory ---------------===//
//
// Everything that depends on how LLVM calls the instructions of x86 is here. The names are looked up once; an instruction that is not
// among them has Kind::Other, which is always right (its result is unknown), and invariant 1 of Program.h does not depend on names
// being found: without its name an instruction is taken for a store.
//
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/MCAsmInfo.h"
#include "llvm/MC/MCTargetOptions.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include <algorithm>

using namespace llvm;

namespace order {

void Program::startDecoder() {
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86Disassembler();
  const Triple T("x86_64-pc-linux-gnu");
  std::string Message;
  const Target *X86 = TargetRegistry::lookupTarget(T.str(), Message);
  Info.reset(X86->createMCRegInfo(T.str()));
  AsmInfo.reset(X86->createMCAsmInfo(*Info, T.str(), MCTargetOptions()));
  Subtarget.reset(X86->createMCSubtargetInfo(T.str(), "", ""));
  Instructions.reset(X86->createMCInstrInfo());
  Context = std::make_unique<MCContext>(T, AsmInfo.get(), Info.get(), Subtarget.get());
  Disassembler.reset(X86->createMCDisassembler(*Subtarget, *Context));
  Analysis.reset(X86->createMCInstrAnalysis(Instructions.get()));
  Printer.reset(X86->createMCInstPrinter(T, /*Intel's syntax: it names the width*/ 1, *AsmInfo, *Instructions, *Info));
}

static Kind kindOf(StringRef Name) {
  return StringSwitch<Kind>(Name)
      .Cases("MOV64rr", "MOV64rr_REV", Kind::Move)
      .Cases("MOV64ri", "MOV64ri32", "MOV32ri", Kind::Constant)
      .Cases("MOV8ri", "MOV16ri", Kind::LowConstant)
      .Cases("XOR32rr", "XOR32rr_REV", "XOR64rr", "XOR64rr_REV", Kind::Zero)
      .Case("LEA64r", Kind::Lea)
      .Cases("ADD64ri8", "ADD64ri32", "ADD64i32", Kind::AddImmediate)
      .Cases("SUB64ri8", "SUB64ri32", "SUB64i32", Kind::SubImmediate)
      .Cases("AND64ri8", "AND64ri32", "AND64i32", Kind::AndImmediate)
      .Cases("AND64rr", "AND64rr_REV", Kind::And)
      .Case("AND64rm", Kind::AndLoad)
      .Case("BZHI64rr", Kind::ZeroHigh)
      .Cases("ADD64rr", "ADD64rr_REV", Kind::Add)
      .Cases("SUB64rr", "SUB64rr_REV", Kind::Sub)
      .Case("INC64r", Kind::Increment)
      .Case("DEC64r", Kind::Decrement)
      .Case("NEG64r", Kind::Negate)
      .Cases("SHL64ri", "SHL64r1", Kind::ShiftLeft)
      .Cases("SHR64ri", "SHR64r1", Kind::ShiftRight)
      .Case("MOV64rm", Kind::Load)
      .Case("MOV64mr", Kind::Store)
      .Case("MOV64mi32", Kind::StoreConstant)
      .Cases("ADD64mi8", "ADD64mi32", "SUB64mi8", "SUB64mi32", Kind::AddToMemory)
      .Cases("INC64m", "DEC64m", Kind::AddToMemory)
      .Cases("SHL64mi", "SHL64m1", "SHR64mi", "SHR64m1", Kind::ShiftMemory)
      .Cases("PUSH64r", "PUSH64rmr", Kind::Push)
      .Cases("POP64r", "POP64rmr", Kind::Pop)
      .Case("LEAVE64", Kind::Leave)
      .Cases("STOSB", "STOSW", "STOSL", "STOSQ", Kind::String)
      .Cases("MOVSB", "MOVSW", "MOVSL", "MOVSQ", Kind::String)
      .Cases("INSB", "INSW", "INSL", Kind::String)
      .Default(Kind::Other);
}

/// Has a memory operand, or looks so to the tables, and changes no memory.
static bool leavesMemoryAlone(StringRef Name) {
  static constexpr StringRef Prefixes[] = {"LEA", "NOOP", "PREFETCH", "CLFLUSH", "CLWB", "CLDEMOTE", "CMPS", "SCAS", "LODS", "OUTS",
                                           "VEXPAND", "VPEXPAND", "BOUNDS", "ANDN", "LDS", "LES", "LFS", "LGS", "LSS", "LGDT",
                                           "LIDT", "INV", "VMCLEAR", "VMPTRLD", "VMXON", "ENDBR"};
  return any_of(Prefixes, [&](StringRef Prefix) { return Name.starts_with(Prefix); });
}

/// Without a memory operand, and writes.
static bool writesImplicitly(StringRef Name) {
  static constexpr StringRef Prefixes[] = {"MASKMOVDQU", "VMASKMOVDQU", "MMX_MASKMOVQ", "CLZERO", "ENTER", "REP_STOS", "REP_MOVS"};
  return any_of(Prefixes, [&](StringRef Prefix) { return Name.starts_with(Prefix); });
}

void Program::classifyOpcodes() {
  Opcodes.resize(Instructions->getNumOpcodes());
  for (unsigned Opcode = 0; Opcode < Opcodes.size(); ++Opcode) {
    const MCInstrDesc &Desc = Instructions->get(Opcode);
    StringRef Name = Instructions->getName(Opcode);
    OpcodeFacts &O = Opcodes[Opcode];
    O.What = kindOf(Name);
    O.IsInverse = Name.starts_with("SUB") || Name.starts_with("DEC") || Name.starts_with("SHR");
    O.IsMasked = Name.starts_with("VMASKMOV") || Name.starts_with("VPMASKMOV") || Name.ends_with("mrk");
    O.IsNop = Name.starts_with("NOOP") || Name == "ENDBR64" || Name == "INT3"; // int3: padding behind jumps and returns
    O.IsTrap = Name == "TRAP" || Name == "HLT" || Name.starts_with("UD1");
    O.Pushes = Name.starts_with("PUSH");
    unsigned Found = 0;
    for (unsigned I = 0; I < Desc.getNumOperands(); ++I)
      if (Desc.operands()[I].OperandType == MCOI::OPERAND_MEMORY && Found++ == 0)
        O.Memory = static_cast<int>(I);
    bool Absolute = Name.starts_with("MOV") && Found == 2 && O.What != Kind::String; // movabs to or from the accumulator
    if (Found != 5)
      O.Memory = O.What == Kind::Lea ? 1 : -1; // the tables do not call its operands memory
    bool LoadsOnly = Desc.mayLoad() && !Desc.mayStore();
    if (O.Pushes || Desc.isCall() || Desc.isBranch() || Desc.isReturn())
      O.Writes = false;
    else
      O.Writes = writesImplicitly(Name) || (Found > 0 && !LoadsOnly && !leavesMemoryAlone(Name)) || (Absolute && Desc.mayStore());
  }
}

void Program::nameRegisters() {
  static constexpr StringRef Names[16][5] = {
      {"RAX", "EAX", "AX", "AL", "AH"},     {"RCX", "ECX", "CX", "CL", "CH"},       {"RDX", "EDX", "DX", "DL", "DH"},
      {"RBX", "EBX", "BX", "BL", "BH"},     {"RSP", "ESP", "SP", "SPL", ""},        {"RBP", "EBP", "BP", "BPL", ""},
      {"RSI", "ESI", "SI", "SIL", ""},      {"RDI", "EDI", "DI", "DIL", ""},        {"R8", "R8D", "R8W", "R8B", ""},
      {"R9", "R9D", "R9W", "R9B", ""},      {"R10", "R10D", "R10W", "R10B", ""},    {"R11", "R11D", "R11W", "R11B", ""},
      {"R12", "R12D", "R12W", "R12B", ""},  {"R13", "R13D", "R13W", "R13B", ""},    {"R14", "R14D", "R14W", "R14B", ""},
      {"R15", "R15D", "R15W", "R15B", ""},
  };
  static constexpr unsigned Bits[5] = {64, 32, 16, 8, 8};
  StringMap<RegisterPart> Parts;
  for (unsigned I = 0; I < 16; ++I)
    for (unsigned Part = 0; Part < 5; ++Part)
      if (!Names[I][Part].empty())
        Parts[Names[I][Part]] = {I, Bits[Part], Part == 4};
  Registers.resize(Info->getNumRegs());
  for (unsigned Register = 1; Register < Registers.size(); ++Register)
    if (auto Found = Parts.find(Info->getName(Register)); Found != Parts.end())
      Registers[Register] = Found->second;
}

/// From "mov dword ptr [rdi], 1". Masked and compressing stores write at most that much. Several kinds (fxsave) name no width.
unsigned Program::writtenWidth(const Instruction &I) const {
  std::string Text = text(I);
  StringRef Before = StringRef(Text).take_front(StringRef(Text).find(" ptr "));
  if (Before.size() == Text.size())
    return 0;
  return StringSwitch<unsigned>(Before.substr(Before.find_last_of(" \t") + 1))
      .Case("byte", 1)
      .Case("word", 2)
      .Case("dword", 4)
      .Case("qword", 8)
      .Case("tbyte", 10)
      .Case("xmmword", 16)
      .Case("ymmword", 32)
      .Case("zmmword", 64)
      .Default(0);
}

std::string Program::text(const Instruction &I) const {
  std::string Text;
  raw_string_ostream Stream(Text);
  Printer->printInst(&I.Inst, I.Address, "", *Subtarget, Stream);
  std::replace(Text.begin(), Text.end(), '\t', ' ');
  return StringRef(Text).trim().str();
}

std::vector<Instruction> Program::decode(const Function &F) const {
  std::vector<Instruction> Code;
  StringRef Contents = bytesAt(F.Start);
  ArrayRef<uint8_t> Bytes(reinterpret_cast<const uint8_t *>(Contents.data()), std::min<size_t>(Contents.size(), F.End - F.Start));
  for (uint64_t At = 0; At < Bytes.size();) {
    Instruction I;
    uint64_t Size = 0;
    if (Disassembler->getInstruction(I.Inst, Size, Bytes.drop_front(At), F.Start + At, nulls()) != MCDisassembler::Success) {
      errs() << "order_check: " << F.Name << "+" << At << " cannot be decoded\n";
      exit(2);
    }
    const OpcodeFacts &O = Opcodes[I.Inst.getOpcode()];
    I.Desc = &Instructions->get(I.Inst.getOpcode());
    I.Address = F.Start + At;
    I.Size = static_cast<unsigned>(Size);
    I.What = O.What;
    I.IsInverse = O.IsInverse;
    I.IsMasked = O.IsMasked;
    I.Memory = O.Memory;
    I.Writes = O.Writes;
    I.Pushes = O.Pushes;
    I.IsNop = O.IsNop;
    I.IsTrap = O.IsTrap;
    if (const Row *R = rowFor(I.Address)) {
      I.Line = R->Line;
      I.Column = R->Column;
    }
    if (I.Writes || (I.Memory >= 0 && isFrameRegister(I.memory(Instruction::BaseRegister).getReg())))
      I.Width = writtenWidth(I);
    if (I.Desc->isBranch() || I.Desc->isCall())
      Analysis->evaluateBranch(I.Inst, I.Address, I.Size, I.Target);
    Code.push_back(std::move(I));
    At += Size;
  }
  return Code;
}

} // namespace order
