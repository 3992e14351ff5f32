; RUN: %all %s | %filecheck %s
; CHECK-LABEL: @atomics(
; CHECK: store volatile i8 2,
; CHECK-NEXT: atomicrmw add ptr %p, i32 1 seq_cst
; CHECK: store volatile i8 2,
; CHECK-NEXT: cmpxchg ptr %q, i64 0, i64 1 seq_cst seq_cst
; CHECK: store volatile i8 2,
; CHECK-NEXT: store atomic i32 1, ptr %r release
; CHECK: store volatile i8 2,
; CHECK-NEXT: atomicrmw xchg ptr %w, i128 7 monotonic
define void @atomics(ptr %p, ptr %q, ptr %r, ptr %w) {
  %a = atomicrmw add ptr %p, i32 1 seq_cst
  %c = cmpxchg ptr %q, i64 0, i64 1 seq_cst seq_cst
  store atomic i32 1, ptr %r release, align 4
  %x = atomicrmw xchg ptr %w, i128 7 monotonic
  ret void
}

; libatomic is not instrumented: what it writes is marked by the caller.
declare void @__atomic_store(i64, ptr, ptr, i32)
declare zeroext i1 @__atomic_compare_exchange_16(ptr, ptr, i128, i32, i32)
; CHECK-LABEL: @library(
; CHECK: call void @__prosper_mark_range(ptr %p, i64 40)
; CHECK: call void @__atomic_store(
; CHECK: store volatile i16 514
; CHECK: call zeroext i1 @__atomic_compare_exchange_16
define void @library(ptr %p, ptr %q) {
  call void @__atomic_store(i64 40, ptr %p, ptr %q, i32 5)
  %r = call zeroext i1 @__atomic_compare_exchange_16(ptr %p, ptr %q, i128 0, i32 5, i32 5)
  ret void
}
