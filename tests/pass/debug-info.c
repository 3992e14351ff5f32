// Debug information is kept, and marks carry the line of their store.
// RUN: %prosper-clang --prosper-track=all -O1 -g -S -emit-llvm -o - %s | %filecheck %s
// CHECK: store volatile {{.*}}!dbg ![[LINE:[0-9]+]]
// CHECK: store i32 {{.*}}!dbg ![[LINE]]
// CHECK: ![[LINE]] = !DILocation(line: [[#@LINE+3]]
void f(int *p)
{
    *p = 1;
}
