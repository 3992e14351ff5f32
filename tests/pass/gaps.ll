; What stands between a mark and a store that it serves: not what may become a call.
; RUN: %all -prosper-hoist=0 -prosper-strips=0 %s | %filecheck %s
declare void @llvm.memcpy.p0.p0.i64(ptr, ptr, i64, i1)
declare void @llvm.memmove.p0.p0.i64(ptr, ptr, i64, i1)
declare ptr @llvm.threadlocal.address.p0(ptr)
@variable = external thread_local global i64
@here = internal thread_local(initialexec) global i64 0
; Up to 64 bytes a copy is a few moves.
; CHECK-LABEL: @copy_of_64(
; CHECK: store i32 1, ptr %p
; CHECK: call void @llvm.memcpy
; CHECK-NEXT: store i32 2, ptr %p
define void @copy_of_64(ptr %p, ptr %q, ptr %r) {
  store i32 1, ptr %p
  call void @llvm.memcpy.p0.p0.i64(ptr %q, ptr %r, i64 64, i1 false)
  store i32 2, ptr %p
  ret void
}
; One that loads everything first needs more of them.
; CHECK-LABEL: @move_of_33(
; CHECK: call void @llvm.memmove
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @move_of_33(ptr %p, ptr %q, ptr %r) {
  store i32 1, ptr %p
  call void @llvm.memmove.p0.p0.i64(ptr %q, ptr %r, i64 33, i1 false)
  store i32 2, ptr %p
  ret void
}
; Small code has fewer.
; CHECK-LABEL: @small_code(
; CHECK: call void @llvm.memcpy
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @small_code(ptr %p, ptr %q, ptr %r) optsize {
  store i32 1, ptr %p
  call void @llvm.memcpy.p0.p0.i64(ptr %q, ptr %r, i64 17, i1 false)
  store i32 2, ptr %p
  ret void
}
; __tls_get_addr may call malloc, which releases.
; CHECK-LABEL: @thread_local_elsewhere(
; CHECK: call ptr @llvm.threadlocal.address
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @thread_local_elsewhere(ptr %p) {
  store i32 1, ptr %p
  %v = call ptr @llvm.threadlocal.address.p0(ptr @variable)
  store i32 2, ptr %p
  ret void
}
; CHECK-LABEL: @thread_local_here(
; CHECK: call ptr @llvm.threadlocal.address
; CHECK-NEXT: store i32 2, ptr %p
define void @thread_local_here(ptr %p) {
  store i32 1, ptr %p
  %v = call ptr @llvm.threadlocal.address.p0(ptr @here)
  store i32 2, ptr %p
  ret void
}
!llvm.module.flags = !{!0}
!0 = !{i32 8, !"PIC Level", i32 2}
