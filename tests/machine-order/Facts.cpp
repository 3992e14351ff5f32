//===- Facts.cpp - which marks are in force --------------------------------===//
#include "Facts.h"
#include "prosper/abi.h"
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

NumberFact &Facts::mark(const NumberFact &Mark) {
  auto At = llvm::lower_bound(Numbers, Mark, comesBefore);
  if (At == Numbers.end() || At->Number != Mark.Number || At->Index != Mark.Index)
    return *Numbers.insert(At, Mark);
  *At = Mark;
  return *At;
}

/// Where two ranges overlap, the younger stays.
void Facts::markAddress(Value Address, int64_t Length, int Age) {
  if (!Address || Length <= 0)
    return;
  const Marked New{Address.Base, Address.Offset, Address.Offset + Length, Age};
  SmallVector<Marked, 4> Parts = {New};
  SmallVector<Marked, 8> All;
  auto AddOutside = [](SmallVectorImpl<Marked> &To, const Marked &Of, const Marked &Without) {
    if (Of.Low < Without.Low)
      To.push_back({Of.Base, Of.Low, std::min(Of.High, Without.Low), Of.Age});
    if (Without.High < Of.High)
      To.push_back({Of.Base, std::max(Of.Low, Without.High), Of.High, Of.Age});
  };
  for (const Marked &M : Addresses) {
    if (M.Base != New.Base || M.High <= New.Low || New.High <= M.Low) {
      All.push_back(M);
    } else if (M.Age >= Age) {
      AddOutside(All, M, New);
    } else {
      SmallVector<Marked, 4> Rest;
      for (const Marked &Part : Parts)
        AddOutside(Rest, Part, M);
      Parts = std::move(Rest);
      All.push_back(M);
    }
  }
  All.append(Parts.begin(), Parts.end());
  llvm::sort(All);
  Addresses.clear();
  for (const Marked &M : All) {
    Marked *Last = Addresses.empty() ? nullptr : &Addresses.back();
    if (Last && Last->Base == M.Base && Last->High == M.Low && Last->Age == M.Age)
      Last->High = M.High;
    else
      Addresses.push_back(M);
  }
}

void Facts::age() {
  for (Marked &M : Addresses)
    M.Age += M.Age != Ageless;
  llvm::erase_if(Addresses, [](const Marked &M) { return M.Age > PRS_GAP_MARKS; });
  for (NumberFact &N : Numbers)
    if (!N.isLong() && N.How == Standing::InForce && ++N.Age > PRS_GAP_MARKS) {
      N.How = Standing::ManyBetween;
      N.Age = 0;
    }
}

void Facts::endGaps(uint64_t Address, Standing How) {
  Addresses.clear();
  Ranges.clear();
  for (NumberFact &N : Numbers)
    if (N.How < Standing::CallBetween) {
      N.How = How;
      N.Call = Address;
      N.Age = 0;
    }
}

bool Facts::covers(Value Address, unsigned Width) const {
  if (!Address || !Width)
    return false;
  int64_t At = Address.Offset, End = At + static_cast<int64_t>(Width);
  for (const Marked &M : Addresses)
    if (M.Base == Address.Base && M.Low <= At && At < M.High)
      At = M.High;
  return At >= End;
}

} // namespace order
