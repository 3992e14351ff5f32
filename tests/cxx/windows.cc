// windows.cc - one by one, what libprosper_cxx opens a window for (runtime/cxx/windows.cc, facets.cc): the result lies in fresh memory, into which nothing but that call stores, and a
// checkpoint comes right behind it. In other programs a mark of the program's own, in the same line, hides a window that is missing.
#include "directed.h"
#include <charconv>
#include <cstring>
#include <exception>
#include <locale>
#include <new>
#include <random>
#include <stdexcept>
#include <sys/mman.h>

extern "C" int prosper_checkpoint(void) __attribute__((weak));

/// `Work(To)` with memory that nobody has stored to yet, between two checkpoints. (Marks of earlier stores are kept as long as there is no evidence that they are over.)
template <class Call> static void alone(Digest &Seen, size_t Seeing, Call Work) {
  constexpr size_t Room = 4096, All = 1 << 20;
  static char *Next, *End;
  if (Next == End) {
    Next = static_cast<char *>(mmap(nullptr, All, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    End = Next + All;
  }
  char *To = Next + 1024;
  Next += Room;
  if (prosper_checkpoint)
    prosper_checkpoint();
  Work(To);
  if (prosper_checkpoint)
    prosper_checkpoint();
  Seen.add(std::string(To, Seeing));
}

template <class Real> static void numbers(Digest &Seen, Real Value) {
  const char Text[] = "12.5e1";
  alone(Seen, 8, [&](char *To) { std::to_chars(To, To + 64, Value); });
  alone(Seen, 8, [&](char *To) { std::to_chars(To, To + 64, Value, std::chars_format::scientific); });
  alone(Seen, 8, [&](char *To) { std::to_chars(To, To + 64, Value, std::chars_format::fixed, 4); });
  alone(Seen, sizeof(Real) == 16 ? 10 : sizeof(Real), [&](char *To) { std::from_chars(Text, Text + 6, *reinterpret_cast<Real *>(To), std::chars_format::general); });
}

static void facets(Digest &Seen) {
  const std::locale &Classic = std::locale::classic();
  const auto &Wide = std::use_facet<std::ctype<wchar_t>>(Classic);
  const auto &Conversion = std::use_facet<std::codecvt<wchar_t, char, std::mbstate_t>>(Classic);
  static const char Text[] = "letters of the alphabet";
  static const wchar_t WideText[] = L"letters of the alphabet";
  alone(Seen, 24, [&](char *To) { Wide.widen(Text, Text + 20, reinterpret_cast<wchar_t *>(To)); });
  alone(Seen, 24, [&](char *To) { Wide.narrow(WideText, WideText + 20, '?', To); });
  alone(Seen, 8, [&](char *To) { Wide.is(WideText, WideText + 8, reinterpret_cast<std::ctype_base::mask *>(To)); });
  alone(Seen, 40, [&](char *To) {
    std::mbstate_t State{};
    const char *Next;
    wchar_t *End;
    Conversion.in(State, Text, Text + 20, Next, reinterpret_cast<wchar_t *>(To), reinterpret_cast<wchar_t *>(To) + 30, End);
  });
  alone(Seen, 20, [&](char *To) {
    std::mbstate_t State{};
    const wchar_t *Next;
    char *End;
    Conversion.out(State, WideText, WideText + 20, Next, To, To + 30, End);
  });
}

static void objects(Digest &Seen) {
  alone(Seen, 0, [](char *To) { (new (To) std::locale)->~locale(); });
  alone(Seen, 0, [](char *To) { (new (To) std::locale(std::locale::classic()))->~locale(); });
  alone(Seen, 0, [](char *To) { (new (To) std::locale(std::locale::global(std::locale::classic())))->~locale(); });
  alone(Seen, 0, [](char *To) {
    auto *Device = new (To) std::random_device;
    if (prosper_checkpoint)
      prosper_checkpoint();
    Device->~random_device();
  });
  alone(Seen, 0, [](char *To) {
    std::exception_ptr *Kept = nullptr;
    try {
      throw 1;
    } catch (...) {
      Kept = new (To) std::exception_ptr(std::current_exception());
    }
    if (prosper_checkpoint)
      prosper_checkpoint();
    Kept->~exception_ptr();
  });
  static const std::runtime_error Error("a text that is kept");
  alone(Seen, 0, [](char *To) { // the pointer to the text, a word of its own behind the table of functions
    auto *Copy = new (To + 56) std::runtime_error(Error);
    if (prosper_checkpoint)
      prosper_checkpoint();
    Copy->~runtime_error();
  });
}

int main(int Count, char **Arguments) {
  return run(Count, Arguments, 2, [](Numbers &, Digest &Seen) {
    numbers<float>(Seen, 1.25f);
    numbers<double>(Seen, 2.0 / 3);
    numbers<long double>(Seen, 2.0L / 3);
    facets(Seen);
    objects(Seen);
  });
}
