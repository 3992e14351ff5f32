/* known_cxx.cc - the same in C++, through std::vector, operator new and templates: their bytes belong to who called them, by readable names. */
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

namespace shop {

struct Table {
    std::vector<unsigned> numbers;
    __attribute__((noinline)) explicit Table(std::size_t count)
    {
        for (std::size_t i = 0; i < count; i++) {
            numbers.push_back(unsigned(i)); // SITE-VECTOR
        }
    }
};

__attribute__((noinline)) unsigned *raw(std::size_t count)
{
    unsigned *made = new unsigned[count]; // SITE-NEW
    made[0] = 1; // no tail call: the caller would be main then
    return made;
}

template <typename T> __attribute__((noinline)) void change(T *begin, std::size_t count, unsigned round)
{
    for (std::size_t i = 0; i < count; i++) {
        begin[i] = T(begin[i] * 5 + round + i);
    }
}

} // namespace shop

int main(int argc, char **argv)
{
    unsigned long sum = 0;
    const unsigned rounds = argc > 1 ? unsigned(std::atoi(argv[1])) : 100;
    auto table = std::make_unique<shop::Table>(16 * 1024);
    unsigned *raw = shop::raw(4 * 1024);
    for (std::size_t i = 0; i < 4 * 1024; i++) {
        raw[i] = unsigned(i);
    }
    for (unsigned round = 0; round < rounds; round++) {
        for (int i = 0; i < 40; i++) {
            shop::change(table->numbers.data(), 16 * 1024, round);
            shop::change(raw, 4 * 1024, round);
        }
        sum += table->numbers[round] + raw[round % 4096];
    }
    std::printf("%lu\n", sum);
    delete[] raw;
}
