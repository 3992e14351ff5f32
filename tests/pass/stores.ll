; A call behind each store, whatever it reaches: its address and its bytes.
; RUN: %stores %s | %filecheck %s
declare void @opaque(ptr)
declare void @elsewhere(ptr sret([24 x i8]), ptr)
declare i32 @personality(...)
%pair = type { i64, i64 }
@g = global i64 0

; CHECK-LABEL: @plain(
; CHECK: store i64 1, ptr %p
; CHECK-NEXT: notail call void @__prosper_store(ptr %p, i64 8)
; CHECK-NEXT: store i64 2, ptr @g
; CHECK-NEXT: notail call void @__prosper_store(ptr @g, i64 8)
; CHECK-NEXT: store volatile i8 3, ptr %a
; CHECK-NEXT: notail call void @__prosper_store(ptr %a, i64 1)
; CHECK-NEXT: store <4 x float> %v, ptr %a
; CHECK-NEXT: notail call void @__prosper_store(ptr %a, i64 16)
; CHECK-NEXT: store i1 true, ptr %a
; CHECK-NEXT: notail call void @__prosper_store(ptr %a, i64 1)
; CHECK-NEXT: ret void
define void @plain(ptr %p, <4 x float> %v) {
  %a = alloca [16 x i8]
  store i64 1, ptr %p
  store i64 2, ptr @g
  store volatile i8 3, ptr %a
  store <4 x float> %v, ptr %a
  store i1 true, ptr %a
  ret void
}

; CHECK-LABEL: @atomics(
; CHECK: store atomic i32 1, ptr %p release, align 4
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 4)
; CHECK-NEXT: atomicrmw
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 8)
; CHECK-NEXT: cmpxchg
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 2)
define i64 @atomics(ptr %p) {
  store atomic i32 1, ptr %p release, align 4
  %old = atomicrmw add ptr %p, i64 1 seq_cst
  %pair = cmpxchg ptr %p, i16 0, i16 1 seq_cst seq_cst
  ret i64 %old
}

; CHECK-LABEL: @copies(
; CHECK: call void @llvm.memcpy
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 %n)
; CHECK-NEXT: call void @llvm.memmove
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 100)
; CHECK-NEXT: call void @llvm.memset
; CHECK-NEXT: %[[N:.*]] = zext i32 %m to i64
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 %[[N]])
define void @copies(ptr %p, ptr %q, i64 %n, i32 %m) {
  call void @llvm.memcpy.p0.p0.i64(ptr %p, ptr %q, i64 %n, i1 false)
  call void @llvm.memmove.p0.p0.i64(ptr %p, ptr %q, i64 100, i1 true)
  call void @llvm.memset.p0.i32(ptr %p, i8 0, i32 %m, i1 false)
  ret void
}

; The end of a block: unreachable, a branch, a musttail call.
; CHECK-LABEL: @ends(
; CHECK: store i64 1, ptr null
; CHECK-NEXT: call void @__prosper_store(ptr null, i64 8)
; CHECK-NEXT: unreachable
; CHECK: store i64 2, ptr %p
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 8)
; CHECK-NEXT: musttail call void @opaque(ptr %p)
; CHECK-NEXT: ret void
define void @ends(ptr %p) {
  %c = icmp eq ptr %p, null
  br i1 %c, label %dead, label %tail
dead:
  store i64 1, ptr null
  unreachable
tail:
  store i64 2, ptr %p
  musttail call void @opaque(ptr %p)
  ret void
}

; What the caller has copied for us is told on entry, what a function of elsewhere returns in memory after the call, on the way that returns.
; CHECK-LABEL: @byval(
; CHECK: %a = alloca
; CHECK: call void @__prosper_store(ptr %x, i64 16)
; CHECK-NEXT: invoke void @elsewhere
; CHECK-NEXT: to label %out unwind label %pad
; CHECK: pad:
; CHECK-NEXT: landingpad
; CHECK-NOT: @__prosper_store
; CHECK: resume
; CHECK: out:
; CHECK-NEXT: call void @__prosper_store(ptr %a, i64 24)
define void @byval(ptr byval(%pair) %x) personality ptr @personality {
  %a = alloca [24 x i8]
  invoke void @elsewhere(ptr sret([24 x i8]) %a, ptr %x) to label %out unwind label %pad
pad:
  %l = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %l
out:
  ret void
}

; CHECK-LABEL: @assembly(
; CHECK: call void asm
; CHECK-NEXT: call void @__prosper_store(ptr %p, i64 8)
define void @assembly(ptr %p) {
  call void asm sideeffect "movq $$1, $0", "=*m"(ptr elementtype(i64) %p)
  ret void
}

; The callee's declaration promises only that it throws nothing.
; CHECK: declare void @__prosper_store(ptr, i64) #[[A:[0-9]+]]
; CHECK: attributes #[[A]] = { nounwind }
