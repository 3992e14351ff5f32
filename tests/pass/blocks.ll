; A mark serves the blocks behind it where it is in force on all ways; not around loops, not into or out of them, not behind calls that write.
; RUN: %all -prosper-hoist=0 -prosper-strips=0 %s | %filecheck %s
; RUN: %all -prosper-hoist=0 -prosper-strips=0 -prosper-blocks=0 %s | %filecheck --check-prefix=OFF %s
declare void @f()
declare i64 @reads(ptr) memory(read)
; CHECK-LABEL: @behind(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 1, ptr %p
; CHECK-NOT: volatile
; CHECK: ret void
; OFF-LABEL: @behind(
; OFF: store volatile i8 2,
; OFF-NEXT: store i32 1, ptr %p
; OFF: store volatile i8 2,
; OFF-NEXT: store i32 2, ptr %p
define void @behind(ptr %p, i1 %c) {
  store i32 1, ptr %p
  br i1 %c, label %yes, label %no
yes:
  store i32 2, ptr %p
  br label %no
no:
  store i32 3, ptr %p
  ret void
}
; CHECK-LABEL: @one_way(
; CHECK: yes:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 1, ptr %p
; CHECK: no:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @one_way(ptr %p, i1 %c) {
  br i1 %c, label %yes, label %no
yes:
  store i32 1, ptr %p
  br label %no
no:
  store i32 2, ptr %p
  ret void
}
; CHECK-LABEL: @call_on_a_way(
; CHECK: no:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @call_on_a_way(ptr %p, i1 %c) {
  store i32 1, ptr %p
  br i1 %c, label %yes, label %no
yes:
  call void @f()
  br label %no
no:
  store i32 2, ptr %p
  ret void
}
; What writes no memory makes no marks and releases none.
; CHECK-LABEL: @reading_call(
; CHECK: store volatile i8 2,
; CHECK: call i64 @reads
; CHECK-NOT: volatile
; CHECK: ret void
define void @reading_call(ptr %p) {
  store i32 1, ptr %p
  %r = call i64 @reads(ptr %p)
  store i32 2, ptr %p
  ret void
}
; CHECK-LABEL: @loop(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 1, ptr %p
; CHECK: round:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
; CHECK: done:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 3, ptr %p
define void @loop(ptr %p, i32 %n) {
  store i32 1, ptr %p
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %round ]
  store i32 2, ptr %p
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  store i32 3, ptr %p
  ret void
}
