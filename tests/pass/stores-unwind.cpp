// Exceptions, copies, arguments by value and debug information, at each level of optimisation: the same result as without calls, and broken code never.
// RUN: %prosper-clangxx --prosper-track=stores -g -O0 %s -o %t.0 && %t.0
// RUN: %prosper-clangxx --prosper-track=stores -g -O2 %s -o %t.2 && %t.2
// RUN: %prosper-clangxx --prosper-track=stores -g -O3 -march=haswell -S %s -o /dev/null
// RUN: %prosper-clangxx --prosper-track=stores -g -O3 -march=skylake-avx512 -S %s -o /dev/null
// RUN: %prosper-clangxx --prosper-track=stores -g -O2 -flto %s -o %t.lto && %t.lto
// RUN: %prosper-clangxx --prosper-track=stores -O2 -S -emit-llvm %s -o - | %filecheck %s
// RUN: %prosper-clangxx --prosper-track=stores -O2 --prosper-report -c %s -o %t.o 2>&1 | %filecheck %s --check-prefix=REPORT
// CHECK: call void @__prosper_store(
// REPORT: prosper:  stores
#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>
struct Large {
    long words[20];
};
static std::atomic<int> count;
__attribute__((noinline)) static long sum(Large large)
{
    long result = 0;
    for (long word : large.words) {
        result += word;
    }
    ++count;
    return result;
}
__attribute__((noinline)) static Large make(long from)
{
    Large large;
    for (int i = 0; i < 20; ++i) {
        if (from + i == 1000) {
            throw std::runtime_error("a thousand");
        }
        large.words[i] = from + i;
    }
    return large;
}
__attribute__((noinline)) static void copy_positive(float *to, const float *from, int n)
{
    for (int i = 0; i < n; ++i) {
        if (from[i] > 0) {
            to[i] = from[i];
        }
    }
}
int main()
{
    std::vector<std::string> texts;
    long total = 0;
    for (long from = 0; from <= 1000; from += 100) {
        try {
            total += sum(make(from));
            texts.push_back(std::to_string(total));
        } catch (const std::runtime_error &error) {
            texts.push_back(error.what());
        }
    }
    float from[9] = {1, -1, 2, -2, 3, -3, 4, -4, 5}, to[9] = {};
    copy_positive(to, from, 9);
    bool right = total == 91900 && texts.size() == 11 && texts.back() == "a thousand" && count == 10 && to[8] == 5 && to[7] == 0;
    return right ? 0 : 1;
}
