// patterns.cc - regular expressions, and the facets that they and a program ask the locale for.
#include "directed.h"
#include <locale>
#include <regex>

static void texts(Numbers &From, Digest &Seen) {
  static const auto *Pattern = new std::regex("([a-z]+)=([0-9]+|[[:upper:]]+)", std::regex::icase);
  auto Text = std::make_unique<std::string>("alpha=1, beta=XY; gamma=" + std::to_string(From.below(1000)) + " delta= Epsilon=22");
  for (std::sregex_iterator At(Text->begin(), Text->end(), *Pattern), End; At != End; ++At)
    Seen.add((*At)[1].str() + ":" + (*At)[2].str());
  std::unique_ptr<std::string> Replaced(new std::string(std::regex_replace(*Text, *Pattern, "<$2>")));
  Seen.add(*Replaced);
  try {
    std::regex("(unbalanced");
  } catch (const std::regex_error &Error) {
    Seen.add(Error.code());
    Seen.add(Error.what());
  }
  const auto &Kinds = std::use_facet<std::ctype<char>>(std::locale::classic());
  Kinds.toupper(Replaced->data(), Replaced->data() + Replaced->size());
  Seen.add(*Replaced);
  const auto &Order = std::use_facet<std::collate<char>>(std::locale());
  std::unique_ptr<std::string> Key(new std::string(Order.transform(Text->data(), Text->data() + Text->size())));
  Seen.add(*Key);
  std::unique_ptr<std::string> Name(new std::string(std::use_facet<std::numpunct<char>>(std::locale::classic()).truename()));
  Seen.add(*Name);
}

int main(int Count, char **Arguments) {
  return run(Count, Arguments, 150, texts);
}
