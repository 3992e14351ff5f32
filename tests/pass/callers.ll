; Each caller hands in a stack object or a variable: no mark for stores through the argument. One that does not, or that is not known: marked.
; RUN: %all %s | %filecheck %s
; RUN: %all -prosper-callers=0 %s | %filecheck --check-prefix=OFF %s
@g = global [8 x i32] zeroinitializer
@table = global ptr @looked_up
declare void @use(ptr)

; CHECK-LABEL: @local(
; CHECK-NOT: volatile i8 2
; CHECK: ret void
; OFF-LABEL: @local(
; OFF: store volatile i8 2
; OFF-NEXT: store i32 1, ptr %q
define internal void @local(ptr %p, i64 %i) noinline {
  %q = getelementptr i32, ptr %p, i64 %i
  store i32 1, ptr %q
  ret void
}
; Through another function, and around a recursion.
; CHECK-LABEL: @around(
; CHECK-NOT: volatile i8 2
; CHECK: ret void
define internal void @around(ptr %p, i64 %i) noinline {
  store i32 1, ptr %p
  call void @local(ptr %p, i64 %i)
  %q = getelementptr i32, ptr %p, i64 1
  call void @around(ptr %q, i64 %i)
  ret void
}
; One caller has it from memory; and what that one hands on.
; CHECK-LABEL: @spoilt(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define internal void @spoilt(ptr %p) noinline {
  store i32 1, ptr %p
  call void @below_spoilt(ptr %p)
  ret void
}
; CHECK-LABEL: @below_spoilt(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define internal void @below_spoilt(ptr %p) noinline {
  store i32 1, ptr %p
  ret void
}
; Others can call it: exported, or its address is taken.
; CHECK-LABEL: @exported(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define void @exported(ptr %p) noinline {
  store i32 1, ptr %p
  ret void
}
; CHECK-LABEL: @looked_up(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define internal void @looked_up(ptr %p) noinline {
  store i32 1, ptr %p
  ret void
}
; Called with another type of function: what arrives is not what was handed in.
; CHECK-LABEL: @mistyped(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define internal void @mistyped(i64 %i, ptr %p) noinline {
  store i32 1, ptr %p
  ret void
}
; An object of a frame, however large, and of unknown size too.
; CHECK-LABEL: @large(
; CHECK-NOT: volatile i8 2
; CHECK: ret void
define internal void @large(ptr %p) noinline {
  store i32 1, ptr %p
  ret void
}
; A null pointer harms nobody; an offset from one is an address from nowhere.
; CHECK-LABEL: @nowhere(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %p
define internal void @nowhere(ptr %p) noinline {
  store i32 1, ptr %p
  ret void
}
define void @callers(ptr %from, i64 %n) {
  %a = alloca [4 x i32]
  %b = alloca [1048576 x i8]
  call void @local(ptr @g, i64 2)
  call void @local(ptr null, i64 2)
  call void @around(ptr %a, i64 0)
  call void @spoilt(ptr %a)
  %p = load ptr, ptr %from
  call void @spoilt(ptr %p)
  call void @exported(ptr %a)
  call void @looked_up(ptr %a)
  call void @mistyped(ptr %a, ptr %a)
  call void @large(ptr %b)
  %c = alloca i8, i64 %n
  call void @large(ptr %c)
  %q = getelementptr i8, ptr null, i64 %n
  call void @nowhere(ptr %q)
  ret void
}
