//===- Facts.cpp - which marks are in force --------------------------------===//
#include "Facts.h"
#include <algorithm>

using namespace llvm;

namespace order {

static bool comesBefore(const NumberFact &A, const NumberFact &B) {
  return std::tie(A.Number, A.Index) < std::tie(B.Number, B.Index);
}

const NumberFact *Facts::find(unsigned Number, unsigned Index) const {
  NumberFact Key(Number, Index);
  auto At = llvm::lower_bound(Numbers, Key, comesBefore);
  return At != Numbers.end() && At->Number == Number && At->Index == Index ? &*At : nullptr;
}

void Facts::mark(const NumberFact &Mark) {
  auto At = llvm::lower_bound(Numbers, Mark, comesBefore);
  if (At != Numbers.end() && At->Number == Mark.Number && At->Index == Mark.Index)
    *At = Mark;
  else
    Numbers.insert(At, Mark);
}

void Facts::markAddress(Value Address, int64_t Length) {
  if (!Address)
    return;
  Marked New{Address.Base, Address.Offset, Address.Offset + Length};
  for (Marked &M : Addresses) // adjoining ranges become one
    if (M.Base == New.Base && M.Low <= New.High && New.Low <= M.High) {
      New.Low = std::min(New.Low, M.Low);
      New.High = std::max(New.High, M.High);
    }
  llvm::erase_if(Addresses, [&](const Marked &M) { return M.Base == New.Base && M.Low >= New.Low && M.High <= New.High; });
  Addresses.insert(llvm::lower_bound(Addresses, New), New);
}

void Facts::call(uint64_t Address) {
  Addresses.clear();
  Ranges.clear();
  for (NumberFact &N : Numbers)
    if (N.How != Standing::CallBetween) {
      N.How = Standing::CallBetween;
      N.Call = Address;
    }
}

bool Facts::covers(Value Address, unsigned Width) const {
  return Address && Width && any_of(Addresses, [&](const Marked &M) {
           return M.Base == Address.Base && Address.Offset >= M.Low && Address.Offset + static_cast<int64_t>(Width) <= M.High;
         });
}

} // namespace order
