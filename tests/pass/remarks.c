// What was marked, and what was not and why: as LLVM's remarks, in a record, and summed up for each function.
// RUN: %prosper-clang -O2 -g --prosper-track=all -Rpass=prosper -Rpass-missed=prosper -c %s -o %t.o 2>&1 | %filecheck %s
// RUN: %prosper-clang -O2 -g --prosper-track=all -fsave-optimization-record -foptimization-record-file=%t.yaml -c %s -o %t.o
// RUN: %filecheck %s --check-prefix=RECORD --input-file=%t.yaml
// RUN: %prosper-clang -O2 --prosper-track=all --prosper-report -c %s -o %t.o 2>&1 | %filecheck %s --check-prefix=REPORT
struct pair {
    long a, b;
};
long counted;

void stores(struct pair *p, long *q)
{
    // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: marked [-Rpass-missed=prosper]
    p->a = 1;
    // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: no mark of its own: an earlier one covers it [-Rpass=prosper]
    *(volatile long *)&p->b = 2;
    // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: marked
    *q = 3;
}

void count(void)
{
    // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: no mark: a variable
    counted += 1;
}

void fill(long *at)
{
    for (int i = 0; i < 10000; ++i)
        // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: no mark here: the loop is marked strip by strip
        at[i] = i * 3;
}

void sum(long *restrict total, volatile long *input)
{
    for (int i = 0; i < 10000; ++i)
        // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: no mark here: a long mark
        *(volatile long *)total = *input;
}
static __attribute__((noinline)) void fill_in(struct pair *p)
{
    // CHECK: remarks.c:[[@LINE+1]]:{{.*}} remark: no mark: each caller hands in a stack object
    *(volatile long *)&p->a = 1;
}

long ask(void)
{
    struct pair p;
    fill_in(&p);
    return p.a;
}
// RECORD: Pass: {{ *}}prosper
// RECORD-NEXT: Name: {{ *}}Marked
// REPORT: stores marked range shared hoisted strip frame variable callers other | long marks function
// REPORT: 3 2 0 1 0 0 0 0 0 0 | 0 stores
// REPORT: 1 0 0 0 0 0 0 1 0 0 | 0 count
