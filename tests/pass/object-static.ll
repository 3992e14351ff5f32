; A large object is announced at entry, its lifetime markers go, and the list is restored at every exit; its stores are marked.
; RUN: %stack %s | %filecheck %s
; RUN: %opt -passes=prosper,verify -prosper-large-object=4000000 %s | %filecheck %s --check-prefix=SMALL
; SMALL-NOT: volatile

@__unused = global i32 0
declare void @use(ptr)
; CHECK-LABEL: @large(
; CHECK: %prosper.object = alloca [5 x i64]
; CHECK: %a = alloca [300000 x i8]
; CHECK: %[[H:.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__prosper_objects)
; CHECK: %prosper.saved = load volatile ptr, ptr %[[H]]
; CHECK: %[[N:.*]] = getelementptr inbounds i64, ptr %prosper.object, i64 0
; CHECK: store volatile ptr %prosper.saved, ptr %[[N]]
; CHECK: store volatile i64 %{{.*}}, ptr
; CHECK: store volatile i64 300000, ptr
; CHECK: store volatile i64 0, ptr
; CHECK: xor i64 %{{.*}}, 5796
; CHECK: store volatile i64
; CHECK: store volatile ptr %prosper.object, ptr
; CHECK-NOT: llvm.lifetime
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i8 1, ptr %e
; CHECK: store volatile ptr %prosper.saved, ptr
; CHECK-NEXT: ret i32 1
; CHECK: call void @__prosper_mark_range(ptr %a, i64 300000)
; CHECK-NEXT: call void @llvm.memset
; CHECK: store volatile ptr %prosper.saved, ptr
; CHECK-NEXT: ret i32 2
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
  call void @llvm.lifetime.end.p0(i64 300000, ptr %a)
  ret i32 2
}
; A callee that gets the address may write it unmarked: the node says so.
; CHECK-LABEL: @escapes(
; CHECK: store volatile i64 300000, ptr
; CHECK: store volatile i64 1, ptr
define void @escapes() {
  %a = alloca [300000 x i8]
  call void @use(ptr %a)
  ret void
}
; The node is off the list before a tail call that must be one.
; CHECK-LABEL: @tail(
; CHECK: store volatile i8 2
; CHECK: store volatile ptr %prosper.saved, ptr
; CHECK-NEXT: musttail call void @tail(i32 %x)
; CHECK-NEXT: ret void
define void @tail(i32 %x) {
  %a = alloca [300000 x i8]
  store i8 1, ptr %a
  musttail call void @tail(i32 %x)
  ret void
}
