// others.cc - what else ordinary programs use: smart pointers, function, optional, variant, any, tuple, random, chrono, bitset, valarray, algorithms, memory resources.
#include "directed.h"
#include <algorithm>
#include <any>
#include <array>
#include <bitset>
#include <chrono>
#include <functional>
#include <map>
#include <memory_resource>
#include <numeric>
#include <optional>
#include <random>
#include <tuple>
#include <valarray>
#include <variant>
#include <vector>

struct Node : std::enable_shared_from_this<Node> {
  std::vector<std::shared_ptr<Node>> Children;
  std::weak_ptr<Node> Parent;
  std::string Name;
};

static void pointers(Numbers &From, Digest &Seen) {
  auto Root = std::make_shared<Node>();
  for (int I = 0; I < 40; ++I) {
    auto Child = std::make_shared<Node>();
    Child->Name = std::string(static_cast<size_t>(From.below(40)), 'n');
    auto At = Root;
    while (!At->Children.empty() && From.below(3))
      At = At->Children[static_cast<size_t>(From.below(static_cast<int>(At->Children.size())))];
    Child->Parent = At;
    At->Children.push_back(Child->shared_from_this());
  }
  std::function<size_t(const Node &)> Count = [&](const Node &At) {
    size_t Sum = At.Name.size();
    for (const auto &Child : At.Children)
      Sum += Count(*Child) * (Child->Parent.lock() != nullptr);
    return Sum;
  };
  Seen.add(Count(*Root));
  auto Shared = std::shared_ptr<int>(new int(4), [&](int *Place) { Seen.add(static_cast<uint64_t>(*Place)), delete Place; });
  std::weak_ptr<int> Weak = Shared;
  Shared.reset();
  try {
    std::shared_ptr<int> Again(Weak);
  } catch (const std::bad_weak_ptr &Error) {
    Seen.add(Error.what());
  }
}

static void sums(Numbers &From, Digest &Seen) {
  using Variant = std::variant<int, std::string, std::vector<int>>;
  auto Variants = std::make_unique<std::vector<Variant>>();
  auto Any = std::make_unique<std::any>();
  auto Optional = std::make_unique<std::optional<std::string>>();
  for (int I = 0; I < 60; ++I) {
    switch (From.below(3)) {
    case 0: Variants->emplace_back(I); break;
    case 1: Variants->emplace_back(std::string(static_cast<size_t>(I), 's')); break;
    default: Variants->emplace_back(std::vector<int>(static_cast<size_t>(I), 2)); break;
    }
    if (From.below(2))
      Optional->emplace("optional " + std::to_string(I));
    else
      Optional->reset();
    From.below(2) ? *Any = I : *Any = std::string("any");
    Seen.add(Optional->value_or("none"));
    Seen.add(Any->type() == typeid(int));
    std::visit([&](const auto &Value) { Seen.add(sizeof Value); }, Variants->back());
    std::swap(Variants->front(), Variants->back());
  }
  try {
    Seen.add(static_cast<uint64_t>(std::any_cast<double>(*Any)));
  } catch (const std::bad_any_cast &Error) {
    Seen.add(Error.what());
  }
  auto Functions = std::make_unique<std::map<std::string, std::function<int(int)>>>();
  for (int I = 0; I < 10; ++I)
    (*Functions)[std::to_string(I)] = [I, Text = std::string(30, 'f')](int X) { return X * I + static_cast<int>(Text.size()); };
  for (auto &[Name, Function] : *Functions)
    Seen.add(static_cast<uint64_t>(Function(2)));
  auto Tuple = std::make_unique<std::tuple<int, std::string, double>>(1, "tuple", 2.5);
  std::get<1>(*Tuple) += "!";
  Seen.add(std::get<1>(*Tuple));
}

static void numbers(Numbers &From, Digest &Seen) {
  auto Engine = std::make_unique<std::mt19937_64>(From.next());
  auto Normal = std::make_unique<std::normal_distribution<double>>(0, 1);
  auto Uniform = std::make_unique<std::uniform_int_distribution<int>>(0, 99);
  auto Values = std::make_unique<std::vector<int>>(100);
  for (int &Value : *Values)
    Value = (*Uniform)(*Engine);
  std::shuffle(Values->begin(), Values->end(), *Engine);
  Seen.add(static_cast<uint64_t>((*Normal)(*Engine) * 1000));
  Seen.add(static_cast<uint64_t>(std::accumulate(Values->begin(), Values->end(), 0)));
  auto Bits = std::make_unique<std::bitset<500>>();
  auto Array = std::make_unique<std::valarray<double>>(0.5, 100);
  for (int I = 0; I < 50; ++I)
    Bits->flip(static_cast<size_t>(From.below(500))), (*Array)[static_cast<size_t>(I)] += I;
  *Array = *Array * 2.0 + 1.0;
  Seen.add(Bits->count() + static_cast<uint64_t>(Array->sum()));
  auto Device = std::make_unique<std::random_device>();
  Seen.add((*Device)() == (*Device)() && (*Device)() == (*Device)());
  Seen.add(std::chrono::steady_clock::now().time_since_epoch().count() > 0);
  std::pmr::vector<std::pmr::string> Resources(std::pmr::new_delete_resource());
  for (int I = 0; I < 20; ++I)
    Resources.emplace_back("a string in a vector of a memory resource");
  Seen.add(Resources.size());
}

int main(int Count, char **Arguments) {
  return run(Count, Arguments, 300, [](Numbers &From, Digest &Seen) {
    pointers(From, Seen);
    sums(From, Seen);
    numbers(From, Seen);
  });
}
