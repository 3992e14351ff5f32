// exceptions.cc - throwing, catching, copying and keeping exceptions of the library's classes and of derived ones; pointers to exceptions; demangling; dynamic_cast.
#include "directed.h"
#include <cxxabi.h>
#include <exception>
#include <functional>
#include <new>
#include <stdexcept>
#include <typeinfo>
#include <vector>

struct Failure : std::runtime_error {
  std::string Extra;
  Failure(const std::string &Text, std::string More) : std::runtime_error(Text), Extra(std::move(More)) {}
};
struct Guard {
  Digest &Seen;
  uint64_t Value;
  ~Guard() { Seen.add(Value); }
};
struct Base {
  virtual ~Base() = default;
};
struct Derived : virtual Base {
  int Value = 3;
};

static void thrower(int Which, int Depth, Numbers &From, Digest &Seen) {
  Guard OnTheWay{Seen, static_cast<uint64_t>(Depth)};
  auto Cargo = std::make_unique<std::string>(static_cast<size_t>(From.below(60)), 'c');
  if (Depth > 0)
    return thrower(Which, Depth - 1, From, Seen);
  switch (Which) {
  case 0: throw std::runtime_error("a runtime error, " + *Cargo);
  case 1: throw std::logic_error("logic");
  case 2: throw std::out_of_range(*Cargo);
  case 3: throw Failure("failure " + *Cargo, *Cargo);
  case 4: throw std::invalid_argument("argument");
  case 5: std::vector<int>().at(5); break;
  case 6: std::string("abc").substr(7); break;
  case 7: std::function<void()>()(); break;
  case 8: throw std::bad_alloc();
  case 9: throw 17;
  case 10: throw std::overflow_error(*Cargo);
  case 11: dynamic_cast<Derived &>(*std::make_unique<Base>()).Value = 1; break;
  case 12: throw std::range_error("range");
  default:
    try {
      throw std::domain_error("inner");
    } catch (...) {
      std::throw_with_nested(std::length_error("outer"));
    }
  }
}

int main(int Count, char **Arguments) {
  auto Kept = std::make_unique<std::vector<std::exception_ptr>>();
  auto Objects = std::make_unique<std::vector<std::unique_ptr<std::exception>>>();
  return run(Count, Arguments, 3000, [&](Numbers &From, Digest &Seen) {
    for (int Which = 0; Which < 14; ++Which) {
      try {
        thrower(Which, From.below(8), From, Seen);
      } catch (const Failure &Error) {
        auto Copy = std::make_unique<Failure>(Error);
        Seen.add(Copy->what() + Copy->Extra);
        Objects->push_back(std::move(Copy));
      } catch (const std::logic_error &Error) {
        auto Copy = std::make_unique<std::logic_error>(Error);
        *Copy = std::logic_error(std::string("replaced ") + Error.what());
        Seen.add(Copy->what());
        Objects->push_back(std::move(Copy));
        try {
          std::rethrow_if_nested(Error);
        } catch (const std::exception &Inner) {
          Seen.add(Inner.what());
        }
        Kept->push_back(std::current_exception());
      } catch (const std::runtime_error &Error) {
        Objects->push_back(std::make_unique<std::runtime_error>(Error));
        Objects->push_back(std::make_unique<std::range_error>(Error.what()));
        Objects->push_back(std::make_unique<std::underflow_error>("u"));
        Seen.add(Objects->back()->what());
        Kept->push_back(std::make_exception_ptr(Error));
      } catch (const std::exception &Error) {
        Seen.add(Error.what());
        Kept->push_back(std::current_exception());
        int *Status = new int(5);
        char *Name = abi::__cxa_demangle(typeid(Error).name(), nullptr, nullptr, Status);
        auto Size = std::make_unique<size_t>(4);
        char *Again = abi::__cxa_demangle("_ZNSt3mapIiiE4swapEv", static_cast<char *>(std::malloc(4)), Size.get(), Status);
        Seen.add(std::string(Name) + Again);
        std::free(Name), std::free(Again), delete Status;
      } catch (int Number) {
        Seen.add(static_cast<uint64_t>(Number));
      }
      if (Kept->size() > 20) {
        for (const std::exception_ptr &Pointer : *Kept)
          try {
            std::rethrow_exception(Pointer);
          } catch (const std::exception &Error) {
            Seen.add(Error.what());
          }
        Kept->clear();
      }
      if (Objects->size() > 15)
        Objects->clear();
    }
  });
}
