; Mode stack leaves all code alone: stacks are compared, and the heap goes by pages. Every module has the note.
; RUN: %stack %s | %filecheck %s
; RUN: %stack -prosper-skip-frames=0 -prosper-skip-globals=0 %s | %filecheck %s
; CHECK: @__prosper_note
; CHECK: define
; CHECK-NOT: volatile
; CHECK-NOT: call {{.*}}__prosper
declare ptr @strcpy(ptr, ptr)
declare void @use(ptr)
@g = global i64 0
define void @f(ptr %p, i64 %n) {
  %a = alloca [1000 x i8]
  store i64 1, ptr %p
  store i64 1, ptr @g
  store i8 1, ptr %a
  call void @llvm.memset.p0.i64(ptr %p, i8 0, i64 %n, i1 false)
  %x = atomicrmw add ptr %p, i64 1 seq_cst
  %s = call ptr @strcpy(ptr %p, ptr %a)
  ret void
}
define i32 @large(i64 %i, i1 %c) {
  %a = alloca [300000 x i8]
  call void @llvm.lifetime.start.p0(i64 300000, ptr %a)
  br i1 %c, label %one, label %two
one:
  %e = getelementptr i8, ptr %a, i64 %i
  store i8 1, ptr %e
  call void @llvm.lifetime.end.p0(i64 300000, ptr %a)
  ret i32 1
two:
  call void @llvm.memset.p0.i64(ptr %a, i8 0, i64 300000, i1 false)
  call void @use(ptr %a)
  call void @llvm.lifetime.end.p0(i64 300000, ptr %a)
  ret i32 2
}
define void @dynamic(i64 %n, i64 %i) {
  %s = call ptr @llvm.stacksave.p0()
  %a = alloca i32, i64 %n
  %e = getelementptr i32, ptr %a, i64 %i
  store i32 1, ptr %e
  call void @use(ptr %a)
  call void @llvm.stackrestore.p0(ptr %s)
  ret void
}
