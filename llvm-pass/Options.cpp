//===- Options.cpp - what the pass is asked for ---------------------------===//
//
// clang:  -fpass-plugin=ProsperPass.so -fplugin=ProsperPass.so -mllvm -prosper-track=all   (-fplugin only makes -mllvm know the option)
// LTO:    the compile step records the options as module flags ("Max" on merging) and leaves the module alone; the link step
//         (lld --load-pass-plugin=) finds them there. lld parses -mllvm before it loads plugins, so they cannot come that way.
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/IR/Constants.h"
#include "llvm/Support/CommandLine.h"

using namespace llvm;

namespace {

enum TrackMode : unsigned { TrackStack = PRS_MODE_STACK, TrackAll = PRS_MODE_ALL, TrackStores };
cl::opt<TrackMode> Track("prosper-track", cl::desc("Which stores are marked"), cl::init(TrackStack),
                         cl::values(clEnumValN(TrackStack, "stack", "nothing in the program is marked: the stack is compared, the heap goes by pages"),
                                    clEnumValN(TrackAll, "all", "every store that may reach the heap"),
                                    clEnumValN(TrackStores, "stores", "as stack, and a call tells each store, wherever it goes")));
#define PRS_OPTION(Type, Field, Name, Default, Text) cl::opt<Type> Field(Name, cl::desc(Text), cl::init(Default));
#include "Options.def"

constexpr const char *ModeFlag = "prosper-track", *StoresFlag = "prosper-stores";

unsigned modeAsked() { return Track == TrackStores ? PRS_MODE_STACK : static_cast<unsigned>(Track); }

uint64_t flagValue(const Module &M, const char *Name, uint64_t Otherwise) {
  if (const auto *Value = mdconst::extract_or_null<ConstantInt>(M.getModuleFlag(Name)))
    return Value->getZExtValue();
  return Otherwise;
}

} // namespace

namespace prosper {

bool isDeferred(const Module &M) { return M.getModuleFlag(ModeFlag) != nullptr; }

// clang sets both before it runs the passes of an LTO compile step; an object for direct use has neither.
bool isLTOCompileStep(const Module &M) {
  return !isDeferred(M) && (M.getModuleFlag("ThinLTO") || M.getModuleFlag("EnableSplitLTOUnit"));
}

void deferOptions(Module &M) {
  Type *I64 = Type::getInt64Ty(M.getContext());
  auto Add = [&](const char *Name, uint64_t Value) {
    M.addModuleFlag(Module::Max, Name, ConstantAsMetadata::get(ConstantInt::get(I64, Value)));
  };
  Add(ModeFlag, modeAsked());
  Add(StoresFlag, Track == TrackStores);
#define PRS_OPTION(Type, Field, Name, Default, Text) Add(Name, Field);
#include "Options.def"
}

Options optionsFor(const Module &M) {
  Options O;
  O.Mode = static_cast<unsigned>(flagValue(M, ModeFlag, modeAsked()));
  O.Stores = flagValue(M, StoresFlag, Track == TrackStores) != 0;
#define PRS_OPTION(Type, Field, Name, Default, Text) O.Field = static_cast<Type>(flagValue(M, Name, Field));
#include "Options.def"
  return O;
}

} // namespace prosper
