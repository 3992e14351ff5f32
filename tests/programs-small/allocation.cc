// The allocation functions of C and C++: alignment, zeroes, failure by errno or std::bad_alloc, new-handlers, blocks from libc freed by the program.
#include "check.h"
#include <malloc.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <vector>

static int handled;
static volatile std::size_t huge = SIZE_MAX / 2;

static bool is_zero(const unsigned char *block, std::size_t size)
{
    for (std::size_t i = 0; i < size; ++i) {
        if (block[i] != 0) {
            return false;
        }
    }
    return true;
}

static void c_functions()
{
    errno = 0;
    void *volatile none = malloc(huge);
    CHECK(none == nullptr && errno == ENOMEM);
    errno = 0;
    volatile std::size_t many = SIZE_MAX / 4;
    none = calloc(many, 8);
    CHECK(none == nullptr && errno == ENOMEM);
    errno = 0;
    none = reallocarray(nullptr, many, 8);
    CHECK(none == nullptr && errno == ENOMEM);
    for (std::size_t alignment = 1; alignment <= 1u << 20; alignment *= 2) {
        for (std::size_t size : {std::size_t{1}, std::size_t{100}, alignment * 3 + 1}) {
            void *block = aligned_alloc(alignment, size);
            CHECK(block != nullptr && reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
            std::memset(block, 1, size);
            std::free(block);
            block = nullptr;
            int error = posix_memalign(&block, alignment, size);
            CHECK(alignment < sizeof(void *) ? error == EINVAL : error == 0 && reinterpret_cast<std::uintptr_t>(block) % alignment == 0);
            std::free(block);
            block = memalign(alignment, size);
            CHECK(reinterpret_cast<std::uintptr_t>(block) % alignment == 0 && malloc_usable_size(block) >= size);
            std::free(block);
        }
    }
    for (std::size_t size = 16; size < 100000; size = size * 3 / 2) {
        auto *block = static_cast<unsigned char *>(std::malloc(size));
        CHECK(reinterpret_cast<std::uintptr_t>(block) % 16 == 0);
        std::memset(block, 0xff, size);
        std::free(block);
        block = static_cast<unsigned char *>(std::calloc(size, 1));
        CHECK(is_zero(block, size));
        block[size - 1] = 9;
        block = static_cast<unsigned char *>(std::realloc(block, size * 2));
        CHECK(block[size - 1] == 9 && is_zero(block, size - 1));
        CHECK(std::realloc(block, 0) == nullptr);
    }
    char *line = nullptr;
    std::size_t room = 0;
    std::FILE *stream = std::tmpfile();
    CHECK(stream != nullptr);
    if (stream != nullptr) {
        std::fputs("a line of libc's\n", stream);
        std::rewind(stream);
        CHECK(getline(&line, &room, stream) == 17);
        std::free(line); // libc's block, the program's free
        std::fclose(stream);
    }
    char *text = strdup("copied");
    CHECK(std::strcmp(text, "copied") == 0);
    std::free(text);
}

static void cxx_operators()
{
    try {
        void *block = operator new(huge);
        CHECK(block == nullptr);
    } catch (const std::bad_alloc &) {
        ++handled;
    }
    CHECK(handled == 1);
    std::set_new_handler([] {
        if (++handled == 4) {
            std::set_new_handler(nullptr);
        }
    });
    try {
        void *block = operator new[](huge, std::align_val_t{64});
        CHECK(block == nullptr);
    } catch (const std::bad_alloc &) {
        ++handled;
    }
    CHECK(handled == 5);
    std::set_new_handler([] { throw std::runtime_error("from the handler"); });
    try {
        void *block = operator new(huge);
        CHECK(block == nullptr);
    } catch (const std::runtime_error &) {
        ++handled;
    }
    std::set_new_handler(nullptr);
    CHECK(handled == 6);
    CHECK(operator new(huge, std::nothrow) == nullptr);
    CHECK(operator new[](huge, std::align_val_t{32}, std::nothrow) == nullptr);
    struct alignas(256) wide { char bytes[300]; };
    auto owner = std::make_unique<wide[]>(5);
    CHECK(reinterpret_cast<std::uintptr_t>(owner.get()) % 256 == 0);
    std::map<std::string, std::vector<int>> map;
    for (int i = 0; i < 60000; ++i) {
        map["key " + std::to_string(i % 5000)].push_back(i);
        if (i % 3 == 0) {
            map.erase("key " + std::to_string(i * 7 % 5000));
        }
    }
    long long sum = 0;
    for (const auto &[key, values] : map) {
        sum += static_cast<long long>(key.size() * values.size());
        sum += values.back();
    }
    std::printf("sum %lld\n", sum);
    try {
        std::vector<int> none;
        (void)none.at(1);
    } catch (const std::out_of_range &) {
        ++handled;
    }
    CHECK(handled == 7);
}

int main()
{
    for (int i = 0; i < 8; ++i) {
        handled = 0;
        c_functions();
        cxx_operators();
    }
    return check_end("allocation");
}
