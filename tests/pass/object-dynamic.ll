; Dynamic allocation is announced when it is large at run time; stackrestore takes off what it frees.
; RUN: %stack %s | %filecheck %s
; CHECK-LABEL: @dynamic(
; CHECK: %prosper.current = alloca ptr
; CHECK: %a = alloca i32, i64 %n
; CHECK: %[[SIZE:.*]] = mul i64 %n, 4
; CHECK: icmp uge i64 %[[SIZE]], 262144
; CHECK: %[[NODE:.*]] = alloca [5 x i64]
; CHECK: store volatile i64 %[[SIZE]], ptr
; CHECK: store volatile ptr %[[NODE]], ptr %prosper.current
; CHECK: store volatile i8 2
; CHECK-NEXT: store i32 1, ptr %e
; CHECK: %[[LEFT:.*]] = call ptr @__prosper_objects_cut(ptr %{{.*}}, ptr %s)
; CHECK: store volatile ptr %[[LEFT]], ptr %prosper.current
; CHECK: call void @llvm.stackrestore
; CHECK: store volatile ptr %prosper.saved
define void @dynamic(i64 %n, i64 %i) {
  %s = call ptr @llvm.stacksave.p0()
  %a = alloca i32, i64 %n
  %e = getelementptr i32, ptr %a, i64 %i
  store i32 1, ptr %e
  call void @llvm.stackrestore.p0(ptr %s)
  ret void
}
; Small for certain: nothing.
; CHECK-LABEL: @small(
; CHECK-NOT: volatile
; CHECK: ret void
define void @small(i1 %c) {
  br i1 %c, label %yes, label %no
yes:
  %a = alloca i32, i64 10
  store i32 1, ptr %a
  br label %no
no:
  ret void
}
