; The program's variables are compared, or found by pages: no mark. Turned off, or where another base is possible: marked.
; RUN: %all %s | %filecheck %s
; RUN: %all -prosper-skip-globals=0 %s | %filecheck --check-prefix=OFF %s
@g = global [100 x i32] zeroinitializer
@t = thread_local global i32 0
; CHECK-LABEL: @globals(
; CHECK-NOT: volatile i8 2
; CHECK: ret void
; OFF-LABEL: @globals(
; OFF: store volatile i8 2
; OFF-NEXT: store i32 1, ptr @g
; OFF: store volatile i8 2
; OFF-NEXT: store i32 2, ptr %e
; OFF: store volatile i8 2
; OFF-NEXT: store volatile i32 3, ptr %t
define void @globals(i64 %i) {
  store i32 1, ptr @g
  %e = getelementptr i32, ptr @g, i64 %i
  store i32 2, ptr %e
  %t = call ptr @llvm.threadlocal.address.p0(ptr @t)
  store volatile i32 3, ptr %t
  ret void
}
; CHECK-LABEL: @either(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %s
define void @either(i1 %c, ptr %p) {
  %s = select i1 %c, ptr @g, ptr %p
  store i32 1, ptr %s
  ret void
}
; What a variable points to is no variable.
; CHECK-LABEL: @loaded(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define void @loaded() {
  %p = load ptr, ptr @g
  store i32 1, ptr %p
  ret void
}
