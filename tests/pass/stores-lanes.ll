; Stores under a mask are told lane by lane: the address may be anything where the mask is off, and nothing is told of it.
; RUN: %stores %s | %filecheck %s
; CHECK-LABEL: @masked(
; CHECK: call void @llvm.masked.store
; CHECK-NEXT: %[[M0:.*]] = extractelement <2 x i1> %m, i64 0
; CHECK-NEXT: %[[P0:.*]] = getelementptr i8, ptr %p, i64 0
; CHECK-NEXT: %[[B0:.*]] = select i1 %[[M0]], i64 4, i64 0
; CHECK-NEXT: call void @__prosper_store(ptr %[[P0]], i64 %[[B0]])
; CHECK: %[[P1:.*]] = getelementptr i8, ptr %p, i64 4
; CHECK: call void @__prosper_store(ptr %[[P1]],
; CHECK-NOT: @__prosper_store
; CHECK: ret void
define void @masked(ptr %p, <2 x i32> %v, <2 x i1> %m) {
  call void @llvm.masked.store.v2i32.p0(<2 x i32> %v, ptr %p, i32 4, <2 x i1> %m)
  ret void
}
; CHECK-LABEL: @compressed(
; CHECK: call void @llvm.masked.compressstore
; CHECK: %[[BITS:.*]] = zext i4 {{.*}} to i64
; CHECK: %[[ON:.*]] = call i64 @llvm.ctpop.i64(i64 %[[BITS]])
; CHECK: %[[B:.*]] = mul i64 %[[ON]], 8
; CHECK: call void @__prosper_store(ptr %p, i64 %[[B]])
define void @compressed(ptr %p, <4 x i64> %v, <4 x i1> %m) {
  call void @llvm.masked.compressstore.v4i64(<4 x i64> %v, ptr %p, <4 x i1> %m)
  ret void
}
; CHECK-LABEL: @scatter(
; CHECK: call void @llvm.masked.scatter
; CHECK: %[[P0:.*]] = extractelement <2 x ptr> %p, i64 0
; CHECK: call void @__prosper_store(ptr %[[P0]],
; CHECK: %[[P1:.*]] = extractelement <2 x ptr> %p, i64 1
; CHECK: call void @__prosper_store(ptr %[[P1]],
define void @scatter(<2 x ptr> %p, <2 x i64> %v, <2 x i1> %m) {
  call void @llvm.masked.scatter.v2i64.v2p0(<2 x i64> %v, <2 x ptr> %p, i32 8, <2 x i1> %m)
  ret void
}
; Lanes from the length on are off.
; CHECK-LABEL: @cut(
; CHECK: call void @llvm.vp.store
; CHECK: %[[L:.*]] = icmp ugt i32 %n, 1
; CHECK: and i1 {{.*}}, %[[L]]
define void @cut(ptr %p, <2 x i64> %v, <2 x i1> %m, i32 %n) {
  call void @llvm.vp.store.v2i64.p0(<2 x i64> %v, ptr %p, <2 x i1> %m, i32 %n)
  ret void
}
; The processor's own masks: the highest bit of each lane.
; CHECK-LABEL: @target(
; CHECK: call void @llvm.x86.avx.maskstore.pd
; CHECK-NEXT: %[[ON:.*]] = icmp slt <2 x i64> %m, zeroinitializer
; CHECK-NEXT: extractelement <2 x i1> %[[ON]], i64 0
; CHECK: call void @llvm.x86.sse2.maskmov.dqu
; CHECK-COUNT-16: call void @__prosper_store
; CHECK-NOT: call void @__prosper_store
define void @target(<2 x i64> %m, <2 x double> %v, <16 x i8> %b, ptr %p) {
  call void @llvm.x86.avx.maskstore.pd(ptr %p, <2 x i64> %m, <2 x double> %v)
  call void @llvm.x86.sse2.maskmov.dqu(<16 x i8> %b, <16 x i8> %b, ptr %p)
  ret void
}
