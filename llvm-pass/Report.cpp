//===- Report.cpp - what was marked, what was not, and why -----------------===//
//
//   -Rpass=prosper          stores that need no mark of their own, and why
//   -Rpass-missed=prosper   stores that have one
//   -fsave-optimization-record, -foptimization-record-passes=prosper    the same in a file
//   -mllvm -prosper-report  (prosper-clang --prosper-report): a line for each function, on standard error
//
//===----------------------------------------------------------------------===//
#include "Prosper.h"
#include "llvm/Analysis/OptimizationRemarkEmitter.h"
#include "llvm/Demangle/Demangle.h"
#include "llvm/Support/Format.h"
#include "llvm/Support/raw_ostream.h"

using namespace llvm;

namespace prosper {
namespace {

/// What became of a store.
enum class Fate : unsigned { Frame, Variable, HandedIn, OtherMemory, Shared, Hoisted, Strip, Marked, Range, Count };

struct Text {
  const char *Name, *Sentence;
};
constexpr Text Texts[] = {
    {"InFrame", "no mark: a stack object, which is compared or found by pages"},
    {"InVariable", "no mark: a variable, which is compared or found by pages"},
    {"OfCallers", "no mark: each caller hands in a stack object or a variable"},
    {"ModeStack", "no mark: mode stack makes none"},
    {"Shared", "no mark of its own: an earlier one covers it"},
    {"Hoisted", "no mark here: a long mark was made before the loop, or behind a call"},
    {"Strip", "no mark here: the loop is marked strip by strip"},
    {"Marked", "marked"},
    {"MarkedRange", "marked by a call: long, or of unknown length"},
};

Fate fateOf(const NotMarked &N) {
  return N.IsFrame ? Fate::Frame : N.IsVariable ? Fate::Variable : N.IsHandedIn ? Fate::HandedIn : Fate::OtherMemory;
}

class Reporter {
public:
  Reporter(const Function &F, const FunctionPlan &Plan) : Plan(Plan) {
    (void)F;
    for (const Strip &S : Plan.Strips)
      for (const Strip::Stream &Stream : S.Streams)
        for (unsigned I : Stream.Sites)
          InStrip.insert(I);
    for (const SharedMark &M : Plan.Marks)
      if (!M.IsLong)
        Marks.insert(M.Before);
  }

  void each(function_ref<void(const Instruction &, Fate)> Visit) const {
    for (const NotMarked &N : Plan.Unmarked)
      Visit(*N.Store, fateOf(N));
    for (unsigned I = 0; I < Plan.Sites.size(); ++I) {
      const Site &S = Plan.Sites[I];
      if (!S.IsServed)
        Visit(*S.Store, isRange(S) ? Fate::Range : Fate::Marked);
      else if (InStrip.contains(I))
        Visit(*S.Store, Fate::Strip);
      else if (Plan.LongGroups.contains(S.Group))
        Visit(*S.Store, Fate::Hoisted);
      else
        Visit(*S.Store, Marks.contains(S.Store) ? Fate::Marked : Fate::Shared);
    }
  }

private:
  const FunctionPlan &Plan;
  DenseSet<unsigned> InStrip;
  DenseSet<const Instruction *> Marks;
};

} // namespace

void emitRemarks(Function &F, const FunctionPlan &Plan, OptimizationRemarkEmitter &Emitter) {
  if (!Emitter.enabled())
    return;
  Reporter(F, Plan).each([&](const Instruction &I, Fate What) {
    const Text &T = Texts[static_cast<unsigned>(What)];
    if (What == Fate::Marked || What == Fate::Range)
      Emitter.emit([&] { return OptimizationRemarkMissed("prosper", T.Name, &I) << T.Sentence; });
    else
      Emitter.emit([&] { return OptimizationRemark("prosper", T.Name, &I) << T.Sentence; });
  });
}

void printReport(const Function &F, const FunctionPlan &Plan, bool IsFirst) {
  unsigned Counts[static_cast<unsigned>(Fate::Count)] = {}, All = 0, Long = 0;
  Reporter(F, Plan).each([&](const Instruction &, Fate What) {
    ++Counts[static_cast<unsigned>(What)];
    ++All;
  });
  for (const SharedMark &M : Plan.Marks)
    Long += M.IsLong;
  auto Of = [&](Fate What) { return Counts[static_cast<unsigned>(What)]; };
  if (IsFirst)
    errs() << "prosper:  stores  marked   range  shared hoisted   strip   frame variable callers  other | long marks  function\n";
  if (All == 0)
    return;
  errs() << format("prosper: %7u %7u %7u %7u %7u %7u %7u %8u %7u %6u | %10u  ", All, Of(Fate::Marked), Of(Fate::Range), Of(Fate::Shared), Of(Fate::Hoisted),
                   Of(Fate::Strip), Of(Fate::Frame), Of(Fate::Variable), Of(Fate::HandedIn), Of(Fate::OtherMemory), Long)
         << demangle(F.getName()) << "\n";
}

} // namespace prosper
