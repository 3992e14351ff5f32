; What is no store has no call; and without --prosper-track=stores nothing has.
; RUN: %stores %s | %filecheck %s
; RUN: %stack %s | %filecheck %s
; RUN: %all %s | %filecheck %s
; CHECK-NOT: __prosper_store
declare void @use(ptr)
define i64 @reads(ptr %p, ptr %q, i64 %n) {
  %a = alloca [16 x i8]
  call void @llvm.lifetime.start.p0(i64 16, ptr %a)
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 0, i1 false)
  call void @llvm.prefetch.p0(ptr %p, i32 1, i32 3, i32 1)
  call void @use(ptr %p)
  fence seq_cst
  %v = load volatile i64, ptr %p
  ret i64 %v
}
; Nor does a function that is left out.
; CHECK-NOT: __prosper_store
define void @naked(ptr %p) naked {
  store i64 1, ptr %p
  unreachable
}
