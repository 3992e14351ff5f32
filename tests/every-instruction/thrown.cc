// thrown.cc - exceptions, containers and streams, for died_anywhere: what it prints is the same in each run that is not killed. Short, because it is single-stepped.
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <sstream>
#include <unistd.h>
#include <vector>

static int left;

struct Counted {
    int number;
    explicit Counted(int n) : number(n) { left = left * 2 + number; }
    ~Counted() { left += number; }
};

static int thrower(int depth)
{
    Counted counted(depth);
    std::vector<int> some(3, depth);
    if (depth == 0)
        throw std::out_of_range("deep");
    return thrower(depth - 1) + some[1];
}

static std::string caught()
{
    std::string text;
    try {
        thrower(2);
    } catch (const std::logic_error &error) {
        text = error.what();
    }
    std::exception_ptr kept;
    try {
        try {
            std::vector<int>(2).at(5);
        } catch (...) {
            kept = std::current_exception();
            throw;
        }
    } catch (const std::exception &) {
        text += '+';
    }
    try {
        std::rethrow_exception(kept);
    } catch (const std::out_of_range &) {
        text += '*';
    }
    return text;
}

int main()
{
    std::string out = caught();
    std::map<std::string, int> numbers;
    numbers["one"] = 1;
    numbers["a name that is too long for the string itself"] = 2;
    numbers.erase("one");
    for (const auto &[name, number] : numbers)
        out += name + static_cast<char>('0' + number);
    auto shared = std::make_shared<Counted>(7);
    std::weak_ptr<Counted> weak = shared;
    shared.reset();
    out += weak.expired() ? 'e' : 'n';
    {
        std::ofstream file("file", std::ios::app);
        file << "line " << 42 << ' ' << 1.5 << '\n' << std::flush;
        file << "next\n";
    }
    std::ifstream file("file");
    std::string word;
    int number = 0;
    file >> word >> number;
    std::ostringstream text;
    text << word << number << ' ' << left << '\n';
    out += text.str();
    return write(1, out.data(), out.size()) != static_cast<ssize_t>(out.size());
}
