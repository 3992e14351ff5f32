; The function's own objects, of whatever size, lie in a frame that is compared or found by pages, whoever else knows them: no mark. What somebody else's
; pointer points to is marked.
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
; However large, and of a size that is not known: neither a mark nor a call. What stands beside is marked.
; CHECK-LABEL: @large(
; CHECK-NOT: volatile
; CHECK-NOT: call {{.*}}__prosper
; CHECK: store i32 2, ptr %e
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 3, ptr %p
; CHECK-NOT: volatile
; CHECK-NOT: call {{.*}}__prosper
; CHECK: ret void
; OFF-LABEL: @large(
; OFF: call void @__prosper_mark_range(ptr %a, i64 300000)
; OFF: store volatile i8 2
; OFF-NEXT: store i32 2, ptr %e
define void @large(ptr %p, i64 %i) {
  %a = alloca [300000 x i8]
  call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 300000, i1 false)
  %e = getelementptr i32, ptr %a, i64 %i
  store i32 2, ptr %e
  store i32 3, ptr %p
  call void @use(ptr %a)
  ret void
}
; CHECK-LABEL: @dynamic(
; CHECK-NOT: volatile
; CHECK-NOT: call {{.*}}__prosper
; CHECK: store i32 2, ptr %e
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 3, ptr %p
; CHECK-NOT: volatile
; CHECK-NOT: call {{.*}}__prosper
; CHECK: ret void
define void @dynamic(ptr %p, i64 %n, i64 %i) {
  %s = call ptr @llvm.stacksave.p0()
  %a = alloca i32, i64 %n
  %e = getelementptr i32, ptr %a, i64 %i
  store i32 2, ptr %e
  store i32 3, ptr %p
  call void @use(ptr %a)
  call void @llvm.stackrestore.p0(ptr %s)
  ret void
}
; A loop along a large object is left as it is, not cut into strips.
; CHECK-LABEL: @along(
; CHECK-NOT: volatile
; CHECK-NOT: call {{.*}}__prosper
; CHECK: ret i64
define i64 @along(i64 %n) {
  %a = alloca [100000 x i64]
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %round ]
  %e = getelementptr i64, ptr %a, i64 %i
  store i64 %i, ptr %e
  %j = add nuw nsw i64 %i, 1
  %c = icmp ult i64 %j, 100000
  br i1 %c, label %round, label %done
done:
  %x = getelementptr i64, ptr %a, i64 %n
  %r = load i64, ptr %x
  ret i64 %r
}
; One of two objects of the frame, whichever it is: no mark.
; CHECK-LABEL: @one_of_its_own(
; CHECK-NOT: volatile
; CHECK: ret void
define void @one_of_its_own(i1 %c, i64 %n) {
  %a = alloca [300000 x i8]
  %b = alloca i8, i64 %n
  %s = select i1 %c, ptr %a, ptr %b
  store i32 1, ptr %s
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
; From memory, if only the own frame's: marked.
; CHECK-LABEL: @from_memory(
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %q
define void @from_memory(i64 %n) {
  %a = alloca [300000 x i8]
  %place = alloca ptr
  store ptr %a, ptr %place
  %q = load ptr, ptr %place
  store i32 1, ptr %q
  ret void
}
