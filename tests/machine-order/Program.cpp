//===- Program.cpp - reading the file --------------------------------------===//
//
// Functions from the symbol table, numbers from the line tables, names behind calls from the loader's relocations, addresses of code
// that stand in the data (jump tables of label addresses). What cannot be read ends the process: a checker that goes on with half of a
// file finds nothing wrong in it.
//
//===----------------------------------------------------------------------===//
#include "Program.h"
#include "llvm/DebugInfo/DWARF/DWARFContext.h"
#include "llvm/DebugInfo/DWARF/DWARFDebugFrame.h"
#include "llvm/DebugInfo/DWARF/DWARFDebugLine.h"
#include "llvm/Object/ELFTypes.h"
#include "llvm/Support/DataExtractor.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/WithColor.h"
#include <algorithm>

using namespace llvm;
using namespace llvm::object;

namespace order {

namespace {

template <typename T> T orEnd(Expected<T> Value, const Twine &What) {
  if (!Value) {
    errs() << "order_check: " << What << ": " << toString(Value.takeError()) << "\n";
    exit(2);
  }
  return std::move(*Value);
}

[[noreturn]] void refuse(const Twine &What) {
  errs() << "order_check: " << What << "\n";
  exit(2);
}

bool isAllocated(const SectionRef &Section) { return ELFSectionRef(Section).getFlags() & ELF::SHF_ALLOC; }

} // namespace

Program::Program(StringRef Path) {
  File = orEnd(ObjectFile::createObjectFile(Path), Path);
  Object = dyn_cast<ELFObjectFileBase>(File.getBinary());
  if (!Object || Object->getArch() != Triple::x86_64)
    refuse(Path + " is not an ELF file for x86-64");
  if (Object->isRelocatableObject())
    refuse(Path + " is an object file; link it (-shared will do): calls and jump tables are resolved only then");
  HasFixedAddress = Object->getEType() == ELF::ET_EXEC;
  startDecoder();
  classifyOpcodes();
  nameRegisters();
  readRelocations();
  readFunctions();
  readLines();
  readImage();
  readCodePointers();
  readFrames();
  readCode();
}

StringRef Program::bytesAt(uint64_t Address) const {
  for (const SectionRef &Section : Object->sections())
    if (isAllocated(Section) && !Section.isVirtual() && Address >= Section.getAddress() && Address < Section.getAddress() + Section.getSize())
      return orEnd(Section.getContents(), "section contents").drop_front(Address - Section.getAddress());
  return {};
}

bool Program::isCode(uint64_t Address) const {
  for (const SectionRef &Section : Object->sections())
    if (Section.isText() && Address >= Section.getAddress() && Address < Section.getAddress() + Section.getSize())
      return true;
  return false;
}

/// The global offset table, and what else the loader makes read-only: two loads from there give the same.
bool Program::isOffsetTable(uint64_t Address) const {
  for (const SectionRef &Section : Object->sections())
    if (Address >= Section.getAddress() && Address < Section.getAddress() + Section.getSize() && isAllocated(Section))
      return orEnd(Section.getName(), "section name").starts_with(".got");
  return false;
}

void Program::readFunctions() {
  std::map<uint64_t, Function> ByStart;
  for (const ELFSymbolRef Symbol : Object->symbols()) {
    if (orEnd(Symbol.getType(), "symbol type") != SymbolRef::ST_Function)
      continue;
    uint64_t Start = orEnd(Symbol.getAddress(), "symbol address");
    StringRef Name = orEnd(Symbol.getName(), "symbol name");
    if (Start == 0 || Symbol.getSize() == 0 || !isCode(Start))
      continue;
    Function &F = ByStart[Start];
    if (F.End < Start + Symbol.getSize())
      F = {Name.str(), Start, Start + Symbol.getSize(), F.IsLocal};
    F.IsLocal &= Symbol.getBinding() == ELF::STB_LOCAL;
  }
  if (ByStart.empty())
    refuse("no symbols of functions (stripped?)");
  for (auto &[Start, F] : ByStart) {
    FunctionNames[Start] = F.Name;
    if (Functions.empty() || Start >= Functions.back().End) // an alias into the middle is no function of its own
      Functions.push_back(F);
  }
  for (const ELFPltEntry &Entry : Object->getPltEntries())
    if (Entry.Symbol)
      FunctionNames[Entry.Address] = orEnd(SymbolRef(*Entry.Symbol, Object).getName(), "symbol name").str();
}

StringRef Program::functionAt(uint64_t Address) const {
  auto Found = FunctionNames.find(Address);
  return Found == FunctionNames.end() ? StringRef() : StringRef(Found->second);
}

StringRef Program::relocationAt(uint64_t Address) const {
  auto Found = Relocations.find(Address);
  return Found == Relocations.end() ? StringRef() : StringRef(Found->second);
}

void Program::readRelocations() {
  for (const SectionRef &Section : Object->dynamic_relocation_sections())
    for (const RelocationRef &Relocation : Section.relocations())
      if (Relocation.getSymbol() != Object->symbol_end())
        Relocations[Relocation.getOffset()] = orEnd(Relocation.getSymbol()->getName(), "symbol name").str();
}

void Program::readLines() {
  std::unique_ptr<DWARFContext> Dwarf = DWARFContext::create(*Object);
  const DWARFObject &Data = Dwarf->getDWARFObj();
  DWARFDataExtractor Lines(Data, Data.getLineSection(), /*IsLittleEndian=*/true, 8);
  auto Refuse = [](Error E) { refuse("line table: " + toString(std::move(E))); };
  auto Warn = [](Error E) { consumeError(std::move(E)); };
  DWARFDebugLine::SectionParser Parser(Lines, *Dwarf, Dwarf->normal_units());
  while (!Parser.done()) {
    DWARFDebugLine::LineTable Table = Parser.parseNext(Warn, Refuse);
    unsigned Highest = 0;
    for (const DWARFDebugLine::Sequence &S : Table.Sequences) {
      // What the linker dropped stays behind at address 0.
      if (!S.isValid() || !isCode(S.LowPC))
        continue;
      Sequence New{S.LowPC, S.HighPC, {}};
      for (unsigned I = S.FirstRowIndex; I < S.LastRowIndex; ++I) {
        const DWARFDebugLine::Row &R = Table.Rows[I];
        std::string Name;
        if (R.EndSequence)
          continue;
        bool Numbered = Table.Prologue.getFileNameByIndex(R.File, "", DILineInfoSpecifier::FileLineInfoKind::RawValue, Name) &&
                        Name == "prosper-marks";
        New.Rows.push_back({R.Address.Address, Numbered ? R.Line : 0, Numbered ? R.Column : 0u});
        if (!Numbered) { // another unit's
          New.Rows.clear();
          break;
        }
        Highest = std::max(Highest, R.Line / 2);
      }
      if (!New.Rows.empty())
        Sequences.push_back(std::move(New));
    }
    Pairs += Highest;
  }
  llvm::sort(Sequences, [](const Sequence &A, const Sequence &B) { return A.Low < B.Low; });
}

const Program::Row *Program::rowFor(uint64_t Address) const {
  auto After = llvm::upper_bound(Sequences, Address, [](uint64_t A, const Sequence &S) { return A < S.Low; });
  if (After == Sequences.begin() || Address >= std::prev(After)->High)
    return nullptr;
  const std::vector<Row> &Rows = std::prev(After)->Rows;
  auto Row = llvm::upper_bound(Rows, Address, [](uint64_t A, const Program::Row &R) { return A < R.Address; });
  return Row == Rows.begin() ? nullptr : &*std::prev(Row);
}

/// From the first to the last variable.
void Program::readImage() {
  for (const SectionRef &Section : Object->sections())
    if (uint64_t Flags = ELFSectionRef(Section).getFlags(); isAllocated(Section) && (Flags & ELF::SHF_WRITE) && !(Flags & ELF::SHF_TLS)) {
      ImageLow = std::min(ImageLow, Section.getAddress());
      ImageHigh = std::max(ImageHigh, Section.getAddress() + Section.getSize());
    }
}

/// Every eight bytes of data that name an address of code, whether the linker put it there or the loader will.
void Program::readCodePointers() {
  for (const SectionRef &Section : Object->sections()) {
    if (!isAllocated(Section) || Section.isText() || Section.isVirtual())
      continue;
    StringRef Bytes = orEnd(Section.getContents(), "section contents");
    for (size_t At = 0; At + 8 <= Bytes.size(); At += 8)
      if (uint64_t Value = support::endian::read64le(Bytes.data() + At); isCode(Value))
        CodePointers.push_back(Value);
  }
  for (const SectionRef &Section : Object->dynamic_relocation_sections())
    for (const ELFRelocationRef Relocation : Section.relocations())
      if (Relocation.getType() == ELF::R_X86_64_RELATIVE)
        if (uint64_t Value = static_cast<uint64_t>(orEnd(Relocation.getAddend(), "addend")); isCode(Value)) {
          CodePointers.push_back(Value);
          Addends[Relocation.getOffset()] = Value;
        }
  llvm::sort(CodePointers);
  CodePointers.erase(std::unique(CodePointers.begin(), CodePointers.end()), CodePointers.end());
}

/// The addresses of data and code that an instruction names.
SmallVector<uint64_t, 2> Program::mentionedBy(const Instruction &I) const {
  SmallVector<uint64_t, 2> Result;
  if (I.Memory >= 0) {
    uint64_t Displacement = static_cast<uint64_t>(I.memory(Instruction::Displacement).getImm());
    if (isRelative(I))
      Result.push_back(I.end() + Displacement);
    else if (HasFixedAddress)
      Result.push_back(Displacement); // table(,%rax,8)
  }
  if (I.What == Kind::Constant && HasFixedAddress)
    Result.push_back(static_cast<uint64_t>(I.Inst.getOperand(1).getImm()));
  return Result;
}

/// One look at all code: what data it names, and which functions have no return.
void Program::readCode() {
  std::map<uint64_t, std::vector<uint64_t>> Leaves; // where functions without a return jump to
  std::map<uint64_t, std::vector<std::pair<uint64_t, StringRef>>> Calls;
  for (const Function &F : Functions) {
    bool Returns = false;
    std::vector<uint64_t> Out;
    for (const Instruction &I : decode(F)) {
      for (uint64_t Address : mentionedBy(I))
        if (!isCode(Address) && !bytesAt(Address).empty())
          Mentions.push_back(Address);
      Returns |= I.Desc->isReturn() || I.Desc->isIndirectBranch();
      if (I.Line > 1 && I.Line % 2 == 0 && (I.Writes || I.Desc->isCall()))
        Markers.insert(F.Start);
      if (I.Desc->isCall() || (I.Desc->isBranch() && (I.Target < F.Start || I.Target >= F.End)))
        Calls[F.Start].push_back({I.Target, calleeOf(I)});
      if (I.Desc->isBranch() && !I.Desc->isIndirectBranch() && (I.Target < F.Start || I.Target >= F.End))
        Out.push_back(I.Target);
    }
    if (!Returns)
      Leaves[F.Start] = std::move(Out);
  }
  llvm::sort(Mentions);
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (const auto &[Start, Out] : Leaves)
      if (!Endless.count(Start) && all_of(Out, [&](uint64_t To) { return Endless.count(To) != 0; }))
        Changed |= Endless.insert(Start).second;
  }
  for (bool Changed = true; Changed;) {
    Changed = false;
    for (uint64_t Start : Markers)
      MarkerNames.insert(functionAt(Start).str());
    for (const auto &[Start, To] : Calls)
      if (!Markers.count(Start) && any_of(To, [&](const auto &Callee) { return makesMarks(Callee.first, Callee.second); }))
        Changed |= Markers.insert(Start).second;
  }
}

unsigned Program::instructionsOutside() const {
  unsigned Count = 0;
  for (const SectionRef &Section : Object->sections()) {
    if (orEnd(Section.getName(), "section name") != ".text")
      continue;
    uint64_t At = Section.getAddress(), End = At + Section.getSize();
    auto CountTo = [&](uint64_t To) {
      if (To > At)
        Count += static_cast<unsigned>(count_if(decode({"", At, To}), [](const Instruction &I) { return !I.IsNop; }));
    };
    for (const Function &F : Functions)
      if (F.Start >= Section.getAddress() && F.Start < End) {
        CountTo(F.Start);
        At = F.End;
      }
    CountTo(End);
  }
  return Count;
}

bool Program::isRelative(const Instruction &I) const {
  return I.Memory >= 0 && I.memory(Instruction::BaseRegister).getReg() && registerName(I.memory(Instruction::BaseRegister).getReg()) == "RIP" &&
         I.memory(Instruction::Displacement).isImm();
}

StringRef Program::calleeOf(const Instruction &I) const {
  if (I.Target)
    return functionAt(I.Target);
  if (isRelative(I)) // through the global offset table
    return relocationAt(I.end() + static_cast<uint64_t>(I.memory(Instruction::Displacement).getImm()));
  return {};
}

bool Program::neverReturns(const Instruction &Call) const {
  static constexpr StringRef Known[] = {"abort", "exit", "_exit", "_Exit", "quick_exit", "longjmp", "_longjmp", "siglongjmp", "__longjmp_chk",
                                        "__assert_fail", "__stack_chk_fail", "__fortify_fail", "__cxa_throw", "__cxa_rethrow",
                                        "__cxa_bad_cast", "_Unwind_Resume", "_ZSt9terminatev", "__cxa_throw_bad_array_new_length",
                                        "pthread_exit"};
  StringRef Name = calleeOf(Call);
  return Endless.count(Call.Target) || is_contained(Known, Name) || (Name.starts_with("_ZSt") && Name.contains("__throw_"));
}

/// Four-byte distances from the table's own start, up to where the next thing begins that code names. An entry for what cannot happen
/// may point just behind the function.
std::vector<uint64_t> Program::readTable(const Function &F, uint64_t Address) const {
  std::vector<uint64_t> Targets;
  if (isCode(Address))
    return Targets;
  auto Next = llvm::upper_bound(Mentions, Address);
  StringRef Bytes = bytesAt(Address);
  if (Next != Mentions.end())
    Bytes = Bytes.take_front(*Next - Address);
  for (; Bytes.size() >= 4; Bytes = Bytes.drop_front(4)) {
    uint64_t Entry = Address + static_cast<uint64_t>(static_cast<int64_t>(static_cast<int32_t>(support::endian::read32le(Bytes.data()))));
    if (Entry < F.Start || Entry > F.End)
      break;
    Targets.push_back(Entry);
  }
  return Targets;
}

std::vector<uint64_t> Program::possibleTargets(const Function &F, ArrayRef<Instruction> Code) const {
  auto From = llvm::lower_bound(CodePointers, F.Start + 1), To = llvm::lower_bound(CodePointers, F.End);
  std::vector<uint64_t> Targets(From, To);
  for (const Instruction &I : Code)
    for (uint64_t Address : mentionedBy(I)) {
      if (Address > F.Start && Address < F.End)
        Targets.push_back(Address);
      llvm::append_range(Targets, readTable(F, Address));
    }
  llvm::sort(Targets);
  Targets.erase(std::unique(Targets.begin(), Targets.end()), Targets.end());
  return Targets;
}

/// Eight-byte addresses; ends like the others.
std::vector<uint64_t> Program::readAddresses(const Function &F, uint64_t Address) const {
  std::vector<uint64_t> Targets;
  for (auto Next = llvm::upper_bound(Mentions, Address); Next == Mentions.end() || Address + 8 <= *Next; Address += 8) {
    StringRef Bytes = bytesAt(Address);
    auto Relocated = Addends.find(Address);
    uint64_t Entry = Relocated != Addends.end() ? Relocated->second : Bytes.size() >= 8 ? support::endian::read64le(Bytes.data()) : 0;
    if (Entry < F.Start || Entry > F.End)
      break;
    Targets.push_back(Entry);
  }
  return Targets;
}

void Program::readFrames() {
  std::unique_ptr<DWARFContext> Dwarf = DWARFContext::create(*Object);
  const DWARFDebugFrame *Frames = orEnd(Dwarf->getEHFrame(), "eh_frame");
  for (const dwarf::FrameEntry &Entry : *Frames)
    if (const auto *Frame = dyn_cast<dwarf::FDE>(&Entry); Frame && Frame->getLSDAAddress())
      ExceptionTables[Frame->getInitialLocation()] = *Frame->getLSDAAddress();
}

/// The language-specific data area as GCC and LLVM write it.
std::vector<CallSite> Program::callSites(const Function &F) const {
  std::vector<CallSite> Sites;
  auto Table = ExceptionTables.find(F.Start);
  if (Table == ExceptionTables.end())
    return Sites;
  DataExtractor Data(bytesAt(Table->second), true, 8);
  DataExtractor::Cursor At(0);
  auto Encoded = [&](uint8_t Encoding) -> uint64_t {
    switch (Encoding & 0xf) {
    case dwarf::DW_EH_PE_uleb128:
      return Data.getULEB128(At);
    case dwarf::DW_EH_PE_udata4:
      return Data.getU32(At);
    case dwarf::DW_EH_PE_udata2:
      return Data.getU16(At);
    case dwarf::DW_EH_PE_udata8:
      return Data.getU64(At);
    default:
      refuse("exception table of " + F.Name + ": unknown encoding");
    }
  };
  if (Data.getU8(At) != dwarf::DW_EH_PE_omit)
    refuse("exception table of " + F.Name + ": landing pads are not relative to the function");
  if (Data.getU8(At) != dwarf::DW_EH_PE_omit)
    (void)Data.getULEB128(At); // where the types are
  uint8_t Encoding = Data.getU8(At);
  uint64_t Length = Data.getULEB128(At), End = At.tell() + Length;
  while (At && At.tell() < End) {
    uint64_t Start = Encoded(Encoding), Size = Encoded(Encoding), Pad = Encoded(Encoding);
    (void)Data.getULEB128(At); // action
    if (Pad)
      Sites.push_back({F.Start + Start, F.Start + Start + Size, F.Start + Pad});
  }
  if (Error E = At.takeError())
    refuse("exception table of " + F.Name + ": " + toString(std::move(E)));
  return Sites;
}

} // namespace order
