//===- Plugin.cpp - where the pass runs -----------------------------------===//
//
//   compile         end of the optimisation pipeline, at -O0 too
//   compile -flto   only leaves the options in the module
//   link -flto      end of full link-time optimisation; for ThinLTO the end of each module's own pipeline
//
// Running last matters twice: what inlining and promotion to registers removed needs no mark, and a mark makes its address escape,
// which would keep both from happening.
//
//===----------------------------------------------------------------------===//
#include "Compat.h"
#include "Prosper.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/IR/Verifier.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Passes/PassPlugin.h"

using namespace llvm;

namespace prosper {
namespace {

class ProsperPass : public PassInfoMixin<ProsperPass> {
public:
  explicit ProsperPass(bool IsLink) : IsLink(IsLink) {}
  static bool isRequired() { return true; } // at -O0, and under opt-bisect

  PreservedAnalyses run(Module &M, ModuleAnalysisManager &MAM) {
    if (!IsLink && isLTOCompileStep(M)) {
      deferOptions(M);
      return PreservedAnalyses::none();
    }
    const Options O = optionsFor(M);
    const FoundArguments Found = findArguments(M, O); // before anything is rewritten
    if (O.NumberMarks)
      prepareNumbering(M);
    unsigned Flags = M.getModuleInlineAsm().empty() ? 0 : PRS_FLAG_OPAQUE_ASM;
    unsigned Pairs = 0;
    bool HasReported = false;
    FunctionAnalysisManager &FAM = MAM.getResult<FunctionAnalysisManagerModuleProxy>(M).getManager();
    for (Function &F : M) {
      if (!isInterestingFunction(F, Flags))
        continue;
      FunctionPlan Plan = planFunction(F, O, Found);
      Flags |= Plan.Flags | (Plan.Sites.empty() ? 0 : PRS_FLAG_MARKS);
      Analyses A{FAM.getResult<LoopAnalysis>(F), FAM.getResult<BlockFrequencyAnalysis>(F), FAM.getResult<ScalarEvolutionAnalysis>(F),
                 &FAM.getResult<TargetIRAnalysis>(F), FAM.getResult<DominatorTreeAnalysis>(F)};
      placeMarks(F, Plan, O, A);
      Flags |= hasLongMarks(Plan) ? PRS_FLAG_LONG : 0;
      emitRemarks(F, Plan, FAM.getResult<OptimizationRemarkEmitterAnalysis>(F));
      if (O.Report)
        printReport(F, Plan, !std::exchange(HasReported, true));
      if (O.NumberMarks)
        numberSites(F, Plan, Pairs);
      cutStrips(F, Plan, A);
      if (!Plan.Strips.empty() && verifyFunction(F, &errs())) // a compiler that is not built for debugging goes on with broken code
        report_fatal_error("Prosper: " + F.getName() + " was broken while its loops were cut into strips");
      instrumentMarks(F, Plan);
      if (O.Stores)
        instrumentStores(F, Plan);
      restoreWindows(F, Plan, O);
      F.addFnAttr("prosper");
    }
    if (O.Mode == PRS_MODE_ALL && replaceWriters(M))
      Flags |= PRS_FLAG_MARKS | PRS_FLAG_LONG;
    if (O.Mode == PRS_MODE_ALL && O.Hide)
      hideStandardFunctions(M);
    addNote(M, O, Flags | (O.Stores ? PRS_FLAG_STORES : 0));
    return PreservedAnalyses::none();
  }

private:
  bool IsLink;
};

void registerCallbacks(PassBuilder &PB) {
  PB.registerOptimizerLastEPCallback([](PROSPER_LAST_ARGUMENTS) { MPM.addPass(ProsperPass(/*IsLink=*/false)); });
  PB.registerFullLinkTimeOptimizationLastEPCallback(
      [](ModulePassManager &MPM, OptimizationLevel) { MPM.addPass(ProsperPass(/*IsLink=*/true)); });
  PB.registerPipelineParsingCallback([](StringRef Name, ModulePassManager &MPM, ArrayRef<PassBuilder::PipelineElement>) {
    if (Name != "prosper" && Name != "prosper-link")
      return false;
    MPM.addPass(ProsperPass(Name == "prosper-link"));
    return true;
  });
}

} // namespace
} // namespace prosper

extern "C" __attribute__((visibility("default"))) PassPluginLibraryInfo llvmGetPassPluginInfo() {
  return {LLVM_PLUGIN_API_VERSION, "Prosper", "1", prosper::registerCallbacks};
}
