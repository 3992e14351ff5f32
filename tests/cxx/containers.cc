// containers.cc - the containers, by every operation that libstdc++ does out of line: trees, list links, rehashing; and those that are headers only.
#include "directed.h"
#include <algorithm>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <queue>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

template <class Tree> static void trees(Numbers &From, Digest &Seen) {
  auto One = std::make_unique<Tree>(), Other = std::make_unique<Tree>();
  for (int I = 0; I < 300; ++I) {
    One->insert(From.below(200));
    Other->insert(From.below(100));
    if (From.below(3) == 0)
      One->erase(From.below(200));
    if (From.below(20) == 0 && !One->empty())
      One->erase(One->begin());
    if (From.below(40) == 0 && !One->empty())
      One->erase(std::prev(One->end()));
    if (From.below(50) == 0)
      One->emplace_hint(One->lower_bound(70), 70);
  }
  int Before = -1;
  for (int Value : *One) {
    if (Value < Before)
      std::printf("FAIL: %d behind %d\n", Value, Before);
    Seen.add(static_cast<uint64_t>(Before = Value));
  }
  for (auto At = One->rbegin(); At != One->rend(); ++At)
    Seen.add(static_cast<uint64_t>(*At));
  std::swap(*One, *Other);
  auto Copy = std::make_unique<Tree>(*One);
  Copy->merge(*Other);
  if (auto Node = Copy->extract(5))
    Other->insert(std::move(Node));
  Seen.add(Copy->size() * 1000 + Other->size());
  while (!Copy->empty())
    Copy->erase(From.below(2) ? Copy->begin() : std::prev(Copy->end()));
}

static void lists(Numbers &From, Digest &Seen) {
  auto One = std::make_unique<std::list<int>>(), Other = std::make_unique<std::list<int>>();
  for (int I = 0; I < 120; ++I) {
    switch (From.below(7)) {
    case 0: One->push_front(I); break;
    case 1: One->push_back(From.below(50)); break;
    case 2: Other->push_back(I); break;
    case 3: if (!One->empty()) One->pop_front(); break;
    case 4: One->splice(One->begin(), *Other); break;
    case 5: One->reverse(); break;
    default: One->swap(*Other); break;
    }
  }
  One->sort();
  Other->sort();
  One->merge(*Other);
  One->unique();
  One->remove(7);
  std::list<int> Empty;
  One->swap(Empty);
  Empty.swap(*One);
  for (int Value : *One)
    Seen.add(static_cast<uint64_t>(Value));
  auto Forward = std::make_unique<std::forward_list<int>>(One->begin(), One->end());
  Forward->reverse();
  Forward->sort();
  Seen.add(static_cast<uint64_t>(std::distance(Forward->begin(), Forward->end())));
}

static void tables(Numbers &From, Digest &Seen) {
  auto Map = std::make_unique<std::unordered_map<std::string, int>>();
  auto Set = std::make_unique<std::unordered_multiset<int>>();
  for (int I = 0; I < 300; ++I) {
    (*Map)["a key that is longer than its object " + std::to_string(From.below(400))] += I;
    Set->insert(From.below(100));
    if (I % 100 == 99) {
      Map->rehash(static_cast<size_t>(From.below(2000)));
      Set->reserve(static_cast<size_t>(From.below(1000)));
      Set->erase(From.below(100));
    }
  }
  uint64_t Sum = 0;
  for (const auto &[Key, Value] : *Map)
    Sum += Key.size() * static_cast<uint64_t>(Value);
  Seen.add(Sum + Set->size() + Set->count(3));
}

static void sequences(Numbers &From, Digest &Seen) {
  auto Vector = std::make_unique<std::vector<std::string>>();
  auto Deque = std::make_unique<std::deque<int>>();
  auto Bits = std::make_unique<std::vector<bool>>();
  auto Heap = std::make_unique<std::priority_queue<int>>();
  for (int I = 0; I < 200; ++I) {
    Vector->insert(Vector->begin() + From.below(static_cast<int>(Vector->size()) + 1), std::string(static_cast<size_t>(From.below(40)), 'v'));
    if (From.below(4) == 0)
      Vector->erase(Vector->begin() + From.below(static_cast<int>(Vector->size())));
    From.below(2) ? Deque->push_front(I) : Deque->push_back(I);
    if (From.below(5) == 0)
      Deque->erase(Deque->begin() + From.below(static_cast<int>(Deque->size())));
    Bits->push_back(From.below(2) != 0);
    Heap->push(From.below(1000));
    if (From.below(3) == 0)
      Heap->pop();
  }
  std::sort(Vector->begin(), Vector->end());
  std::stable_sort(Deque->begin(), Deque->end(), [](int A, int B) { return A % 10 < B % 10; });
  std::rotate(Deque->begin(), Deque->begin() + 5, Deque->end());
  std::inplace_merge(Deque->begin(), Deque->begin() + 20, Deque->end());
  std::nth_element(Deque->begin(), Deque->begin() + 30, Deque->end());
  for (const std::string &Text : *Vector)
    Seen.add(Text);
  for (int Value : *Deque)
    Seen.add(static_cast<uint64_t>(Value));
  Seen.add(static_cast<uint64_t>(std::count(Bits->begin(), Bits->end(), true)) + static_cast<uint64_t>(Heap->top()));
}

int main(int Count, char **Arguments) {
  return run(Count, Arguments, 400, [](Numbers &From, Digest &Seen) {
    trees<std::set<int>>(From, Seen);
    trees<std::multiset<int>>(From, Seen);
    auto Map = std::make_unique<std::map<std::string, std::map<int, std::string>>>();
    for (int I = 0; I < 100; ++I)
      (*Map)[std::to_string(From.below(20))][From.below(10)] += "x";
    for (const auto &[Key, Inner] : *Map)
      for (const auto &[Number, Text] : Inner)
        Seen.add(Key + Text);
    lists(From, Seen);
    tables(From, Seen);
    sequences(From, Seen);
  });
}
