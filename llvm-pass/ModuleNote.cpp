//===- ModuleNote.cpp - the note and the ABI reference --------------------===//
//
// The note tells the runtime which code is covered, and how (abi.h, struct prs_note). The reference to the version symbol makes an
// object of another ABI fail to link; it is one read-only word per linked object, in the data so that a lazy call cannot hide it.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/Constants.h"
#include "llvm/Transforms/Utils/ModuleUtils.h"

using namespace llvm;

namespace prosper {

void addNote(Module &M, const Options &O, unsigned Flags) {
  LLVMContext &C = M.getContext();
  Type *I32 = Type::getInt32Ty(C);
  auto Word = [&](uint64_t V) { return ConstantInt::get(I32, V); };
  static_assert(sizeof(PRS_NAME_NOTE_OWNER) == sizeof(prs_note::name));
  Constant *Note = ConstantStruct::getAnon(
      {Word(sizeof(prs_note::name)), Word(16), Word(PRS_NOTE_TYPE), ConstantDataArray::getString(C, PRS_NAME_NOTE_OWNER),
       Word(PRS_ABI_VERSION), Word(O.Mode), Word(Flags), Word(0)},
      /*Packed=*/true);
  auto *NoteVariable = new GlobalVariable(M, Note->getType(), true, GlobalValue::PrivateLinkage, Note, "__prosper_note");
  NoteVariable->setSection(PRS_NAME_NOTE_SECTION);
  NoteVariable->setAlignment(Align(4));

  auto *Version = M.getOrInsertGlobal(PRS_NAME_VERSION, Type::getInt8Ty(C));
  StringRef ReferenceName = "__prosper_abi_reference";
  GlobalVariable *Reference = M.getGlobalVariable(ReferenceName);
  if (!Reference) {
    Reference = new GlobalVariable(M, Version->getType(), true, GlobalValue::LinkOnceODRLinkage, Version, ReferenceName);
    Reference->setVisibility(GlobalValue::HiddenVisibility);
    Reference->setComdat(M.getOrInsertComdat(ReferenceName));
    appendToUsed(M, {Reference});
  }
  appendToCompilerUsed(M, {NoteVariable});
}

} // namespace prosper
