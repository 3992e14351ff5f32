; The function's own small objects lie in a frame that is compared, whoever else knows them: no mark. What somebody else's pointer points to is marked.
; RUN: %all %s | %filecheck %s
; RUN: %all -prosper-skip-frames=0 %s | %filecheck --check-prefix=OFF %s
; OFF-LABEL: @escapes(
; OFF: store volatile i8 2
; OFF-NEXT: store i32 1, ptr %a
declare void @use(ptr)
declare void @look(ptr nocapture)
; CHECK-LABEL: @own(
; CHECK-NOT: volatile
; CHECK: ret i32
define i32 @own(i64 %i) {
  %a = alloca [16 x i32]
  %e = getelementptr [16 x i32], ptr %a, i64 0, i64 %i
  store i32 1, ptr %e
  call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 64, i1 false)
  call void @look(ptr %a)
  %r = load i32, ptr %e
  ret i32 %r
}
; CHECK-LABEL: @escapes(
; CHECK-NOT: volatile
; CHECK: ret void
define void @escapes() {
  %a = alloca i32
  store i32 1, ptr %a
  call void @use(ptr %a)
  ret void
}
; Which of two objects is not known: marked.
; CHECK-LABEL: @either(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %s
define void @either(i1 %c, ptr %p) {
  %a = alloca i32
  %s = select i1 %c, ptr %a, ptr %p
  store i32 1, ptr %s
  ret void
}
