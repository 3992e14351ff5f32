; In a block, one mark serves stores through the same pointer that are no wider, until a call.
; RUN: %all %s | %filecheck %s
declare void @f()
; CHECK-LABEL: @twice(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 1, ptr %p
; CHECK-NEXT: store i64 2, ptr %p
; CHECK-NEXT: store i32 3, ptr %p
; CHECK-NEXT: call void @f()
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 4, ptr %p
define void @twice(ptr %p) {
  store i64 1, ptr %p, align 8
  store i64 2, ptr %p, align 8
  store i32 3, ptr %p, align 4
  call void @f()
  store i64 4, ptr %p, align 8
  ret void
}
; CHECK-LABEL: @wider(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 1, ptr %p
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i64 2, ptr %p
define void @wider(ptr %p) {
  store i32 1, ptr %p, align 4
  store i64 2, ptr %p, align 4
  ret void
}
; CHECK-LABEL: @blocks(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 1, ptr %p
; CHECK: next:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @blocks(ptr %p) {
  store i32 1, ptr %p
  br label %next
next:
  store i32 2, ptr %p
  ret void
}
