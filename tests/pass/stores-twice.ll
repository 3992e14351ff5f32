; A function is rewritten once, and its note says what it has.
; RUN: %opt -passes=prosper,prosper,verify -prosper-track=stores %s | %filecheck %s
; CHECK: c"Prosper\00", i32 3, i32 1, i32 32, i32 0 }>
; CHECK-LABEL: @f(
; CHECK: store
; CHECK-COUNT-1: call void @__prosper_store
; CHECK-NOT: call void @__prosper_store
; CHECK: ret void
define void @f(ptr %p) {
  store i64 1, ptr %p
  ret void
}
