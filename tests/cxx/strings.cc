// strings.cc - std::string and std::wstring by all of their operations, short and long; conversions of numbers; string_view.
#include "directed.h"
#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <string_view>
#include <vector>

template <class Text> static void strings(Numbers &From, Digest &Seen) {
  using Char = typename Text::value_type;
  auto One = std::make_unique<Text>(), Other = std::make_unique<Text>(3, Char('o'));
  auto All = std::make_unique<std::vector<Text>>();
  auto place = [&](const Text &In) { return static_cast<size_t>(From.below(static_cast<int>(In.size()) + 1)); };
  const Char Literal[] = {'l', 'i', 't', 'e', 'r', 'a', 'l', 0};
  for (int I = 0; I < 150; ++I) {
    const size_t Length = static_cast<size_t>(From.below(From.below(10) == 0 ? 200 : 12));
    switch (From.below(24)) {
    case 0: One->append(Length, Char('a' + I % 26)); break;
    case 1: One->append(*Other); break;
    case 2: One->append(Literal); break;
    case 3: One->append(Literal, 4); break;
    case 4: One->insert(place(*One), Length, Char('i')); break;
    case 5: One->insert(place(*One), *Other); break;
    case 6: One->insert(place(*One), Literal); break;
    case 7: One->replace(place(*One), Length, *Other); break;
    case 8: One->replace(place(*One), Length, Literal, 3); break;
    case 9: One->replace(place(*One), Length, Length / 2, Char('r')); break;
    case 10: One->erase(place(*One), Length); break;
    case 11: One->push_back(Char('p')); break;
    case 12: if (!One->empty()) One->pop_back(); break;
    case 13: One->assign(*Other); break;
    case 14: One->assign(Literal, Length % 8); break;
    case 15: One->swap(*Other); break;
    case 16: One->resize(Length * 3, Char('z')); break;
    case 17: One->reserve(Length * 10); break;
    case 18: One->shrink_to_fit(); break;
    case 19: *Other = One->substr(place(*One) / 2, Length); break;
    case 20: All->emplace_back(*One + *Other + Literal); break;
    case 21: *One = std::move(*Other); Other->clear(); Other->assign(Length, Char('m')); break;
    case 22: One->replace(One->begin(), One->begin() + static_cast<long>(One->size() / 2), One->data(), One->size() / 3); break;
    default: One->insert(One->begin(), Char('b')); break;
    }
    if (One->size() > 2000)
      One->erase(100);
    if (I % 10 == 0) {
      Seen.add(*One);
      Seen.add(One->find(Literal) + One->rfind(Char('a')) + One->find_first_of(Literal) + One->find_last_not_of(Literal) + (One->compare(*Other) < 0));
    }
  }
  std::unique_ptr<Text> Sum(new Text(*One + *Other)); // the result goes straight into the heap
  Sum->insert(0, 1, Char());
  Sum->at(0) = Char('!');
  One->copy(Sum->data(), std::min<size_t>(Sum->size(), 5));
  Seen.add(*Sum);
  std::sort(All->begin(), All->end());
  for (const Text &Each : *All)
    Seen.add(Each);
}

static void numbers(Numbers &From, Digest &Seen) {
  auto Text = std::make_unique<std::string>();
  const double Value = From.below(1000000) / 128.0;
  *Text = std::to_string(From.below(1 << 30)) + " " + std::to_string(Value);
  auto End = std::make_unique<size_t>();
  Seen.add(static_cast<uint64_t>(std::stoi(*Text, End.get())) + *End);
  Seen.add(static_cast<uint64_t>(std::stod(Text->substr(*End), End.get())) + *End);
  auto Buffer = std::make_unique<char[]>(64);
  auto Back = std::make_unique<double>();
  for (int Way = 0; Way < 3; ++Way) {
    auto Written = Way == 0 ? std::to_chars(Buffer.get(), Buffer.get() + 64, Value)
                 : Way == 1 ? std::to_chars(Buffer.get(), Buffer.get() + 64, Value, std::chars_format::scientific)
                            : std::to_chars(Buffer.get(), Buffer.get() + 64, static_cast<float>(Value), std::chars_format::fixed, 5);
    auto Read = std::from_chars(Buffer.get(), Written.ptr, *Back);
    Seen.add(std::string(Buffer.get(), Written.ptr));
    Seen.add(static_cast<uint64_t>(*Back * 128) + static_cast<uint64_t>(Read.ec));
  }
  try {
    std::stoi("not a number");
  } catch (const std::invalid_argument &Error) {
    Seen.add(Error.what());
  }
}

int main(int Count, char **Arguments) {
  return run(Count, Arguments, 1500, [](Numbers &From, Digest &Seen) {
    strings<std::string>(From, Seen);
    strings<std::wstring>(From, Seen);
    numbers(From, Seen);
  });
}
