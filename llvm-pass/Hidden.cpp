//===- Hidden.cpp - copies of the C++ library's functions ----------------===//
//
// Mode all: functions of namespace std that the program instantiates for itself (linkonce_odr) become hidden. Exported, one that libstdc++ has too would take its place in libstdc++'s own calls: what it
// allocates is memory of instrumented code, into which libstdc++ then stores without marks. Each linked object that needs such a function has a copy of it anyway.
//
//===----------------------------------------------------------------------===//

#include "Prosper.h"

using namespace llvm;

namespace prosper {

static bool isOfStandardLibrary(StringRef Name) {
  if (!Name.consume_front("_ZN"))
    return Name.starts_with("_ZSt");
  Name.consume_front("K"); // const, and the kind of reference that this is
  if (!Name.consume_front("R"))
    Name.consume_front("O");
  return Name.starts_with("St") || Name.starts_with("Ss") || Name.starts_with("Si") || Name.starts_with("So") || Name.starts_with("Sa") || Name.starts_with("Sb") ||
         Name.starts_with("9__gnu_cxx");
}

bool hideStandardFunctions(Module &M) {
  bool Changed = false;
  for (Function &F : M) {
    if (F.isDeclaration() || !F.hasLinkOnceODRLinkage() || !F.hasDefaultVisibility() || !isOfStandardLibrary(F.getName()))
      continue;
    F.setVisibility(GlobalValue::HiddenVisibility);
    Changed = true;
  }
  return Changed;
}

} // namespace prosper
