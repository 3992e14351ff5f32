// streams.cc - string streams, in all forms of output and input; file streams; cin and cout (and what they become after sync_with_stdio(false), with the argument "fast").
#include "directed.h"
#include <complex>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <sstream>
#include <unistd.h>
#include <vector>

static void output(Numbers &From, Digest &Seen) {
  auto Out = std::make_unique<std::ostringstream>();
  *Out << From.below(1000) << ' ' << std::hex << std::showbase << From.below(1000) << std::oct << 8L << std::dec << std::setw(12) << std::setfill('*') << -5 << std::left << std::setw(9)
       << "left" << std::boolalpha << true << std::noboolalpha << false << 1.5 << std::scientific << 12345.678 << std::fixed << std::setprecision(3) << 2.0L / 3 << std::uppercase
       << std::hexfloat << 0.1 << std::defaultfloat << 7u << 8ul << 9ll << 10ull << short(3) << static_cast<unsigned short>(4) << 'c' << static_cast<signed char>('s') << "text"
       << std::string(static_cast<size_t>(From.below(600)), 'l') << std::endl
       << static_cast<const void *>(nullptr) << std::complex<double>(1, 2) << std::ends << std::quoted("a \"b\"");
  Out->put('p').write("written", 5).flush();
  Out->seekp(3);
  *Out << "over";
  Seen.add(static_cast<uint64_t>(Out->tellp()));
  Seen.add(Out->str());
  auto Text = std::unique_ptr<std::string>(new std::string(Out->str()));
  Out->str("anew");
  *Out << "!";
  Seen.add(Out->str() + *Text);
  std::ostringstream Moved(std::move(*Out));
  Moved << " moved";
  *Out = std::move(Moved);
  Seen.add(Out->str());
  auto Wide = std::make_unique<std::wostringstream>();
  *Wide << L"wide " << From.below(100) << L' ' << 2.5 << std::setw(10) << L"w" << " narrow" << std::endl;
  Seen.add(Wide->str());
  auto Between = std::make_unique<std::stringstream>();
  *Between << Wide->str().size() << " some words " << 17;
  std::ostream(Between->rdbuf()) << " and " << 18;
  Out->str("");
  *Out << Between->rdbuf();
  std::copy(Text->begin(), Text->begin() + 20, std::ostreambuf_iterator<char>(*Out));
  Seen.add(Out->str());
}

static void input(Numbers &From, Digest &Seen) {
  struct Place {
    int Int;
    long Long;
    unsigned long long Large;
    short Short;
    bool Bool;
    float Float;
    double Double;
    long double Extended;
    void *Pointer;
    char Char, Array[16], Line[24];
    std::string Word, Rest;
    std::complex<float> Complex;
  };
  auto To = std::make_unique<Place>();
  auto In = std::make_unique<std::istringstream>("  42 -17 18446744073709551615 7 1 2.5 3.25e3 1e-3 0x10 c array word (1,2) \nthe first line\nsecond line, that is too long for its array\nlast " +
                                                 std::to_string(From.below(1000)));
  *In >> To->Int >> To->Long >> To->Large >> To->Short >> To->Bool >> To->Float >> To->Double >> To->Extended >> To->Pointer >> To->Char >> std::setw(16) >> To->Array >> To->Word >> To->Complex;
  Seen.add(static_cast<uint64_t>(To->Int + To->Long + To->Short + To->Bool + static_cast<int>(To->Float * 4) + static_cast<int>(To->Double)) + To->Large);
  Seen.add(To->Word + To->Array + To->Char);
  In->ignore(100, '\n');
  std::getline(*In, To->Rest);
  Seen.add(To->Rest);
  In->getline(To->Line, sizeof To->Line);
  Seen.add(std::string(To->Line) + (In->fail() ? " fails" : ""));
  In->clear();
  Seen.add(static_cast<uint64_t>(In->tellg()));
  In->ignore(3).get(To->Char);
  In->get(To->Line, 8);
  In->unget();
  Seen.add(static_cast<uint64_t>(In->peek()) + static_cast<uint64_t>(In->gcount()));
  In->seekg(2);
  In->read(To->Line, 12);
  Seen.add(std::string(To->Line, static_cast<size_t>(In->gcount())));
  Seen.add(static_cast<uint64_t>(In->readsome(To->Line, 5)));
  *In >> std::hex >> To->Int;
  Seen.add(In->fail());
  In->clear();
  *In >> std::ws >> To->Word;
  std::vector<std::string> Words{std::istream_iterator<std::string>(*In), {}};
  Seen.add(Words.size());
  try {
    In->clear();
    In->exceptions(std::ios::failbit);
    *In >> To->Int;
  } catch (const std::exception &Error) {
    Seen.add(std::strlen(Error.what()) > 5);
  }
  auto Wide = std::make_unique<std::wistringstream>(L"12 wide words\nand a line\n3.5");
  auto Text = std::make_unique<std::wstring>();
  *Wide >> To->Int >> *Text;
  Seen.add(*Text);
  std::getline(*Wide >> std::ws, *Text);
  std::getline(*Wide, *Text);
  *Wide >> To->Double;
  Seen.add(*Text);
  Seen.add(static_cast<uint64_t>(To->Int + To->Double * 2));
  auto Both = std::make_unique<std::stringstream>();
  for (int I = 0; I < 30; ++I) {
    *Both << I * 3 << ' ';
    if (I % 3 == 2)
      *Both >> To->Int;
    Seen.add(static_cast<uint64_t>(To->Int));
  }
}

static void files(Numbers &From, Digest &Seen, const std::string &Name) {
  {
    auto Out = std::make_unique<std::ofstream>(Name);
    for (int I = 0; I < 200; ++I)
      *Out << "line " << I << ' ' << From.below(1000) << '\n';
    Out->close();
  }
  auto In = std::make_unique<std::ifstream>(Name);
  auto Line = std::make_unique<std::string>();
  while (std::getline(*In, *Line))
    Seen.add(*Line);
  In->clear();
  In->seekg(10);
  auto Raw = std::make_unique<char[]>(20000);
  In->read(Raw.get(), 20000);
  Seen.add(std::string(Raw.get(), static_cast<size_t>(In->gcount())));
  In->close();
  auto Both = std::make_unique<std::fstream>(Name, std::ios::in | std::ios::out);
  Both->seekp(5);
  *Both << "XYZ" << std::flush;
  Both->seekg(0);
  *Both >> *Line >> *Line;
  Seen.add(*Line);
  auto Wide = std::make_unique<std::wofstream>(Name + ".wide");
  *Wide << L"wide text " << From.below(100) << std::endl;
  Wide->close();
  auto WideIn = std::make_unique<std::wifstream>(Name + ".wide");
  auto Text = std::make_unique<std::wstring>();
  std::getline(*WideIn, *Text);
  Seen.add(*Text);
}

static void standard(Digest &Seen) {
  auto Word = std::make_unique<std::string>();
  auto Number = std::make_unique<int>();
  auto Block = std::make_unique<char[]>(100);
  if (std::cin >> *Word >> *Number) {
    Seen.add(*Word);
    std::cin.read(Block.get(), 7);
    Seen.add(std::string(Block.get(), static_cast<size_t>(std::cin.gcount())));
    std::cin.rdbuf()->sgetn(Block.get() + 50, 5);
    Seen.add(std::string(Block.get() + 50, 5));
    std::getline(std::cin, *Word);
    Seen.add(*Word);
    std::cout << *Number << ' ' << *Word << std::endl;
  }
}

int main(int Count, char **Arguments) {
  const bool Fast = Count > 2 && std::strcmp(Arguments[2], "fast") == 0;
  if (Fast)
    std::ios::sync_with_stdio(false);
  const std::string Name = std::string(Arguments[0]) + ".file" + (Fast ? ".fast" : "");
  int Result = run(Count, Arguments, 300, [&](Numbers &From, Digest &Seen) {
    output(From, Seen);
    input(From, Seen);
    files(From, Seen, Name);
    standard(Seen);
  });
  return Result;
}
