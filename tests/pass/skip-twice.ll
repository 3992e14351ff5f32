; A module that went through the pass is not marked again.
; RUN: %all %s | %opt -passes=prosper,verify -prosper-track=all | %filecheck %s
; CHECK-LABEL: @f(
; CHECK-COUNT-1: store volatile
; CHECK-NOT: store volatile
define void @f(ptr %p) {
  store i32 1, ptr %p
  ret void
}
