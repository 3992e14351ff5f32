; Mode stack leaves everything alone but large stack objects.
; RUN: %stack %s | %filecheck %s
; CHECK-NOT: volatile
; CHECK-NOT: mark_range
; CHECK-NOT: __prosper_w
declare ptr @strcpy(ptr, ptr)
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
