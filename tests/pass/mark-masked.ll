; A store that may be masked off may be given any address: it is cut to the map's range. A scatter marks each lane that is on.
; RUN: %all %s | %filecheck %s
; CHECK-LABEL: @masked(
; CHECK: and i64 {{.*}}, 140737488355327
; CHECK: store volatile i16 514
; CHECK-NEXT: call void @llvm.masked.store
; CHECK: and i64 {{.*}}, 140737488355327
; CHECK: store volatile i16 514
; CHECK-NEXT: call void @llvm.masked.compressstore
define void @masked(ptr %p, <4 x i64> %v, <4 x i1> %m) {
  call void @llvm.masked.store.v4i64.p0(<4 x i64> %v, ptr %p, i32 8, <4 x i1> %m)
  call void @llvm.masked.compressstore.v4i64(<4 x i64> %v, ptr %p, <4 x i1> %m)
  ret void
}
; CHECK-LABEL: @scatter(
; CHECK: %[[P0:.*]] = extractelement <2 x ptr> %p, i64 0
; CHECK: %[[M0:.*]] = extractelement <2 x i1> %m, i64 0
; CHECK: %[[A0:.*]] = ptrtoint ptr %[[P0]] to i64
; CHECK: select i1 %[[M0]], i64 %[[A0]], i64 0
; CHECK: store volatile i16 514
; CHECK: extractelement <2 x ptr> %p, i64 1
; CHECK: store volatile i16 514
; CHECK-NEXT: call void @llvm.masked.scatter
define void @scatter(<2 x ptr> %p, <2 x i64> %v, <2 x i1> %m) {
  call void @llvm.masked.scatter.v2i64.v2p0(<2 x i64> %v, <2 x ptr> %p, i32 8, <2 x i1> %m)
  ret void
}
; CHECK-LABEL: @target(
; CHECK: store volatile i16 514
; CHECK-NEXT: call void @llvm.x86.sse2.maskmov.dqu
define void @target(<16 x i8> %v, <16 x i8> %m, ptr %p) {
  call void @llvm.x86.sse2.maskmov.dqu(<16 x i8> %v, <16 x i8> %m, ptr %p)
  ret void
}
