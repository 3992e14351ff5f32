//===- Writers.cpp - libc functions that write ----------------------------===//
//
// Mode all: every use of a function of writers.def, calls and addresses taken, becomes __prosper_w_<name>, which marks what it
// writes. Left alone: what this module defines itself, and a declaration of another type (then it is not libc's function).
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"

using namespace llvm;

namespace prosper {
namespace {

struct Writer {
  const char *Name;
  const char *Signature; ///< result(arguments); see writers.def
};

constexpr Writer Writers[] = {
#define PRS_WRITER(name, signature) {#name, signature},
#include "../runtime/interpose/writers.def"
#undef PRS_WRITER
};

bool isOfKind(const Type *T, char Kind) {
  switch (Kind) {
  case 'v':
    return T->isVoidTy();
  case 'i':
    return T->isIntegerTy(32);
  case 'l':
    return T->isIntegerTy(64);
  case 'p':
    return T->isPointerTy() && T->getPointerAddressSpace() == 0;
  case 'd':
    return T->isDoubleTy();
  case 'f':
    return T->isFloatTy();
  case 'x':
    return T->isX86_FP80Ty();
  default:
    return false;
  }
}

bool hasSignature(const FunctionType *T, StringRef Signature) {
  if (!isOfKind(T->getReturnType(), Signature[0]))
    return false;
  StringRef Arguments = Signature.drop_front(2).drop_back();
  if (Arguments.consume_back(".") != T->isVarArg() || Arguments.size() != T->getNumParams())
    return false;
  for (unsigned I = 0; I < Arguments.size(); ++I)
    if (!isOfKind(T->getParamType(I), Arguments[I]))
      return false;
  return true;
}

} // namespace

bool replaceWriters(Module &M) {
  bool Changed = false;
  for (const Writer &W : Writers) {
    Function *F = M.getFunction(W.Name);
    if (!F || !F->isDeclaration() || F->use_empty() || !hasSignature(F->getFunctionType(), W.Signature) ||
        (PRS_PLANTED(writer_left) && F->getName() == "snprintf"))
      continue;
    Function *Replacement = Function::Create(F->getFunctionType(), GlobalValue::ExternalLinkage, PRS_NAME_WRITER + Twine(W.Name), M);
    Replacement->copyAttributesFrom(F);
    F->replaceAllUsesWith(Replacement);
    Changed = true;
  }
  return Changed;
}

} // namespace prosper
