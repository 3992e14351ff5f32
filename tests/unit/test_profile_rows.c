/* test_profile_rows.c - the pure parts of a profile's report: ranking, shares, answers of llvm-symbolizer, names. */
#include "demangle.c"
#include "elf_file.c"
#include "profile_names.c"
#include "profile_rows.c"
#include "symbolizer.c"
#include <criterion/criterion.h>

/* What profile_rows.c takes of command.c. */
void print_text(FILE *out, const char *text) { fputs(text, out); }
const char *text_bytes(uint64_t bytes)
{
    static char text[8][32];
    static unsigned turn;
    snprintf(text[++turn % 8], 32, "%lu", bytes);
    return text[turn % 8];
}

Test(profile_rows, the_same_name_and_place_is_one_row_and_the_largest_is_first)
{
    struct rows rows = {0};
    rows_add(&rows, ROW_HEAP, "f", "a.c:1", 10);
    rows_add(&rows, ROW_STACK, "f", "a.c:1", 12);
    rows_add(&rows, ROW_HEAP, "f", "a.c:1", 5);
    rows_add(&rows, ROW_HEAP, "f", "a.c:2", 1);
    rows_add(&rows, ROW_DATA, "nothing", "", 0);
    rows_rank(&rows);
    cr_assert_eq(rows.count, 3);
    cr_assert_eq(rows.bytes, 28);
    cr_assert(rows.rows[0].kind == ROW_HEAP && rows.rows[0].bytes == 15);
    cr_assert(rows.rows[1].kind == ROW_STACK && rows.rows[1].bytes == 12);
    rows_free(&rows);
}

Test(profile_rows, shares_sum_to_one_hundred_whatever_is_rounded)
{
    unsigned shares[12];
    for (unsigned seed = 1; seed < 500; seed++) {
        struct rows rows = {0};
        srand(seed);
        for (unsigned i = 0; i < seed % 14; i++) {
            char name[8];
            snprintf(name, sizeof name, "%u", i);
            rows_add(&rows, ROW_HEAP, name, "", (uint64_t)rand() % (seed % 2 != 0 ? 7 : 100000));
        }
        rows_rank(&rows);
        uint64_t count = rows.count < 10 ? rows.count : 10;
        unsigned sum = 0;
        rows_shares(&rows, count, shares);
        for (uint64_t i = 0; i <= count; i++) {
            double exact = rows.bytes == 0 || i == count ? 0 : (double)rows.rows[i].bytes * 1000 / (double)rows.bytes;
            cr_assert(i == count || (shares[i] >= exact - 1 && shares[i] <= exact + 1));
            sum += shares[i];
        }
        cr_assert_eq(sum, rows.bytes == 0 ? 0 : 1000);
        rows_free(&rows);
    }
}

Test(profile_rows, what_does_not_fit_is_one_line_at_the_end)
{
    struct rows rows = {0};
    char *text, name[8];
    size_t size;
    for (unsigned i = 0; i < 14; i++) {
        snprintf(name, sizeof name, "f%u", i);
        rows_add(&rows, ROW_STACK, name, "", 100 - i);
    }
    rows_rank(&rows);
    FILE *out = open_memstream(&text, &size);
    rows_print(out, &rows, 10, 1);
    fclose(out);
    cr_assert_not_null(strstr(text, "f9"));
    cr_assert_null(strstr(text, "f10"));
    cr_assert_not_null(strstr(text, "4 more"));
    free(text);
    rows_free(&rows);
}

Test(profile_rows, answers_with_and_without_lines_are_understood)
{
    char text[] = "inner\n/a/b.h:3:9\nouter\n/a/b.c:40:2\n\n??\n??:0:0\n\nplain\n??:0:0\n\ntable\n16416 400\n/tmp/t.c:1\n\n??\n0 0\n??:?\n\n", *at = text;
    struct source_query query = {.data = false};
    symbolizer_parse(&query, &at);
    cr_assert_eq(query.count, 2);
    cr_assert_str_eq(query.place[0].function, "inner");
    cr_assert_str_eq(query.place[0].file, "/a/b.h:3");
    cr_assert_str_eq(query.place[1].file, "/a/b.c:40");
    symbolizer_parse(&query, &at);
    cr_assert_eq(query.count, 0);
    symbolizer_parse(&query, &at);
    cr_assert_eq(query.count, 1);
    cr_assert_str_eq(query.place[0].file, "");
    query.data = true;
    symbolizer_parse(&query, &at);
    cr_assert_eq(query.count, 1);
    cr_assert_str_eq(query.place[0].function, "table");
    cr_assert_str_eq(query.place[0].file, "/tmp/t.c:1");
    symbolizer_parse(&query, &at);
    cr_assert_eq(query.count, 0);
    cr_assert_eq(*at, '\0');
}

Test(profile_rows, answers_that_are_cut_off_are_nothing_worse)
{
    const char whole[] = "f\n/a.c:1:1\ng\n/a.c:2:2\n\n";
    for (size_t length = 0; length < sizeof whole; length++) {
        char text[sizeof whole] = "", *at = text;
        struct source_query query = {0};
        memcpy(text, whole, length);
        symbolizer_parse(&query, &at);
        cr_assert_leq(query.count, 2);
        cr_assert_leq(at, text + length);
    }
}

static const char *short_name(const char *readable)
{
    static char out[ROW_NAME_MAX];
    function_name(readable, out, sizeof out);
    return out;
}

Test(profile_rows, of_a_readable_name_the_qualified_name_stays)
{
    cr_assert_str_eq(short_name("main"), "main");
    cr_assert_str_eq(short_name("shop::Table::Table(unsigned long)"), "shop::Table::Table");
    cr_assert_str_eq(short_name("void shop::change<unsigned int>(unsigned int*, unsigned long)"), "shop::change");
    cr_assert_str_eq(short_name("std::vector<int, std::allocator<int> >::push_back(int const&)"), "std::vector::push_back");
    cr_assert_str_eq(short_name("std::map<a, b>& (anonymous namespace)::table<int>()"), "(anonymous namespace)::table");
    cr_assert_str_eq(short_name("operator new(unsigned long)"), "operator new");
    cr_assert_str_eq(short_name("A::operator()(int) const"), "A::operator()");
    cr_assert_str_eq(short_name("bool operator< <int>(A<int> const&, A<int> const&)"), "operator<");
    cr_assert_str_eq(short_name(""), "");
}

Test(profile_rows, the_callers_own_function_is_named_not_the_librarys)
{
    struct source_query query = {.count = 3,
                                 .place = {{"std::__new_allocator<int>::allocate(unsigned long, void const*)", ""},
                                           {"grow(int)", "/usr/include/c++/12/bits/x.h:3"},
                                           {"own(int)", "/home/x/own.cc:3"}}};
    cr_assert_eq(names_choose(&query), 2);
    query.count = 2;
    cr_assert_eq(names_choose(&query), -1);
    cr_assert(names_is_system("/lib/x86_64-linux-gnu/libc.so.6"));
    cr_assert(names_is_system("libmimalloc.so.2.0"));
    cr_assert_not(names_is_system("/lib/libcurl.so.4"));
}
