; Where null is an address like any other (-fno-delete-null-pointer-checks), it may be handed in with an index that leads anywhere: marked.
; RUN: %all %s | %filecheck %s
@g = global [8 x i32] zeroinitializer
; CHECK-LABEL: @local(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %q
define internal void @local(ptr %p, i64 %i) noinline null_pointer_is_valid {
  %q = getelementptr i32, ptr %p, i64 %i
  store i32 1, ptr %q
  ret void
}
define void @callers(i64 %n) {
  call void @local(ptr @g, i64 2)
  call void @local(ptr null, i64 %n)
  ret void
}
