; Small constant sizes are marked in line, all else by range.
; RUN: %all %s | %filecheck %s
; CHECK-LABEL: @memory(
; CHECK: store volatile i16 514,
; CHECK-NEXT: call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 24, i1 false)
; CHECK: store volatile i8 2,
; CHECK-NEXT: call void @llvm.memset.p0.i64(ptr align 64 %r, i8 0, i64 64, i1 false)
; CHECK: call void @__prosper_mark_range(ptr %p, i64 1000)
; CHECK-NEXT: call void @llvm.memmove.p0.p0.i64(ptr %p, ptr %q, i64 1000, i1 false)
; CHECK: call void @__prosper_mark_range(ptr %p, i64 512)
; CHECK-NEXT: call void @llvm.memcpy.inline
; CHECK-NOT: mark_range
; CHECK: call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 0
; CHECK: %[[N:.*]] = zext i32 %m to i64
; CHECK: call void @__prosper_mark_range(ptr %p, i64 %[[N]])
; CHECK-NEXT: call void @llvm.memset.p0.i32
define void @memory(ptr %p, ptr %q, i32 %m, ptr %r) {
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 24, i1 false)
  call void @llvm.memset.p0.i64(ptr align 64 %r, i8 0, i64 64, i1 false)
  call void @llvm.memmove.p0.p0.i64(ptr %p, ptr %q, i64 1000, i1 false)
  call void @llvm.memcpy.inline.p0.p0.i64(ptr %p, ptr %q, i64 512, i1 false)
  call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 0, i1 false)
  call void @llvm.memset.p0.i32(ptr %p, i8 0, i32 %m, i1 false)
  ret void
}
