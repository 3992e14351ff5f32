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
; What comes first may be narrower: its mark is for both.
; CHECK-LABEL: @wider(
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i32 1, ptr %p
; CHECK-NEXT: store i64 2, ptr %p
define void @wider(ptr %p) {
  store i32 1, ptr %p, align 4
  store i64 2, ptr %p, align 4
  ret void
}
; What becomes a call when code is generated ends it like a call (no gap spans one): atomics of libatomic, arithmetic of the compiler's
; own library.
; CHECK-LABEL: @calls_in_disguise(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store atomic i128 1, ptr %p seq_cst, align 16
; CHECK: store volatile i8 2,
; CHECK-NEXT: atomicrmw add ptr %p, i128 1 seq_cst, align 16
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 2, ptr %p
; CHECK-NEXT: load atomic i128, ptr %q seq_cst, align 16
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 3, ptr %p
; CHECK: store volatile i16 514,
; CHECK-NEXT: cmpxchg ptr %p, i32 0, i32 1 seq_cst seq_cst, align 2
; CHECK: store volatile i16 514,
; CHECK-NEXT: cmpxchg ptr %p, i32 0, i32 2 seq_cst seq_cst, align 2
define void @calls_in_disguise(ptr %p, ptr %q) {
  store atomic i128 1, ptr %p seq_cst, align 16
  %a = atomicrmw add ptr %p, i128 1 seq_cst, align 16
  store i64 2, ptr %p, align 16
  %l = load atomic i128, ptr %q seq_cst, align 16
  store i64 3, ptr %p, align 16
  %b = cmpxchg ptr %p, i32 0, i32 1 seq_cst seq_cst, align 2
  %c = cmpxchg ptr %p, i32 0, i32 2 seq_cst seq_cst, align 2
  ret void
}
; CHECK-LABEL: @instructions(
; CHECK: store volatile i8 2,
; CHECK-NEXT: atomicrmw add ptr %p, i64 1 seq_cst
; CHECK-NEXT: atomicrmw nand ptr %p, i64 1 seq_cst
define void @instructions(ptr %p) {
  %a = atomicrmw add ptr %p, i64 1 seq_cst
  %b = atomicrmw nand ptr %p, i64 1 seq_cst
  ret void
}
; CHECK-LABEL: @arithmetic(
; CHECK-COUNT-7: store volatile i8 2,
; CHECK: ret void
define void @arithmetic(ptr %p, i128 %a, i128 %b, fp128 %c, half %h, double %d) {
  store volatile i64 0, ptr %p, align 16
  %1 = sdiv i128 %a, %b
  store volatile i64 1, ptr %p, align 16
  %2 = fadd fp128 %c, %c
  store volatile i64 2, ptr %p, align 16
  %3 = fcmp olt fp128 %c, %2
  store volatile i64 3, ptr %p, align 16
  %4 = fpext half %h to double
  store volatile i64 4, ptr %p, align 16
  %5 = frem double %d, %4
  store volatile i64 5, ptr %p, align 16
  %6 = sitofp i128 %a to double
  store volatile i64 6, ptr %p, align 16
  ret void
}
; CHECK-LABEL: @inline_arithmetic(
; CHECK-COUNT-1: store volatile i8 2,
; CHECK-NOT: store volatile i8
; CHECK: ret void
define void @inline_arithmetic(ptr %p, i128 %a, i64 %b, double %d) {
  store volatile i64 0, ptr %p, align 16
  %1 = mul i128 %a, %a
  %2 = sdiv i64 %b, 3
  %3 = fdiv double %d, %d
  %4 = fptosi double %3 to i64
  store volatile i64 %4, ptr %p, align 16
  ret void
}
