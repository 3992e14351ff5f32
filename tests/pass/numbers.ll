; -prosper-number-marks: pair n has line 2n at its mark and 2n + 1 at its store; stores that share a mark share the number. Column: bytes
; (0 to 9), which mark or how many (10 to 14; 31: behind a call), a mark behind follows (15). Everything else has line 0.
; RUN: %opt -passes=prosper,verify -prosper-track=all -prosper-number-marks %s | %filecheck %s
; CHECK-LABEL: @pairs(
; CHECK: store volatile i8 2, {{.*}}, !dbg ![[M1:[0-9]+]]
; CHECK-NEXT: store i64 1, ptr %p, align 8, !dbg ![[S1:[0-9]+]]
; CHECK-NEXT: store i32 2, ptr %p, align 8, !dbg ![[S2:[0-9]+]]
; CHECK-NEXT: load i32, ptr %q, align 4, !dbg ![[NONE:[0-9]+]]
; CHECK: call void @__prosper_mark_range(ptr %q, i64 %n), !dbg ![[M3:[0-9]+]]
; CHECK-NEXT: call void @llvm.memset.p0.i64({{.*}}, !dbg ![[S3:[0-9]+]]
define void @pairs(ptr %p, ptr %q, i64 %n) {
  store i64 1, ptr %p, align 8
  store i32 2, ptr %p, align 8
  %a = load i32, ptr %q
  call void @llvm.memset.p0.i64(ptr %q, i8 0, i64 %n, i1 false)
  ret void
}
; CHECK-LABEL: @several(
; CHECK: store volatile i16 514, {{.*}}, !dbg ![[LANE0:[0-9]+]]
; CHECK: store volatile i16 514, {{.*}}, !dbg ![[LANE1:[0-9]+]]
; CHECK-NEXT: call void @llvm.masked.scatter{{.*}}, !dbg ![[SCATTER:[0-9]+]]
; CHECK: store volatile i16 514, {{.*}}, !dbg ![[BEFORE:[0-9]+]]
; CHECK-NEXT: call void @foreign({{.*}}, !dbg ![[CALL:[0-9]+]]
; CHECK: store volatile i16 514, {{.*}}, !dbg ![[BEHIND:[0-9]+]]
declare void @foreign(ptr sret({ i64, i64, i64 }))
define void @several(<2 x ptr> %v, <2 x i64> %x, <2 x i1> %m, ptr %p) {
  call void @llvm.masked.scatter.v2i64.v2p0(<2 x i64> %x, <2 x ptr> %v, i32 8, <2 x i1> %m)
  call void @foreign(ptr sret({ i64, i64, i64 }) %p)
  ret void
}
; CHECK-DAG: ![[M1]] = !DILocation(line: 2, column: 8,
; CHECK-DAG: ![[S1]] = !DILocation(line: 3, column: 1032,
; CHECK-DAG: ![[S2]] = !DILocation(line: 3, column: 1028,
; CHECK-DAG: ![[NONE]] = !DILocation(line: 0,
; CHECK-DAG: ![[M3]] = !DILocation(line: 4, scope
; CHECK-DAG: ![[S3]] = !DILocation(line: 5, column: 1024,
; CHECK-DAG: ![[LANE0]] = !DILocation(line: 6, column: 8,
; CHECK-DAG: ![[LANE1]] = !DILocation(line: 6, column: 1032,
; CHECK-DAG: ![[SCATTER]] = !DILocation(line: 7, column: 2048,
; CHECK-DAG: ![[BEFORE]] = !DILocation(line: 8, column: 24,
; CHECK-DAG: ![[CALL]] = !DILocation(line: 9, column: 33816,
; CHECK-DAG: ![[BEHIND]] = !DILocation(line: 8, column: 31768,
!llvm.module.flags = !{!0}
!0 = !{i32 2, !"Debug Info Version", i32 3}
