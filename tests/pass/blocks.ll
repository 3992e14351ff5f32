; A mark serves the blocks behind it where it is in force on all ways; not around loops, not into or out of them, not behind calls that write.
; RUN: %all -prosper-hoist=0 -prosper-strips=0 %s | %filecheck %s
; RUN: %all -prosper-hoist=0 -prosper-strips=0 -prosper-blocks=0 %s | %filecheck --check-prefix=OFF %s
declare void @f()
declare i64 @reads(ptr) memory(read)
declare i64 @strlen(ptr) memory(argmem: read)
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
; What has no stores makes no marks and releases none.
; CHECK-LABEL: @reading_calls(
; CHECK: store volatile i8 2,
; CHECK: call i64 @reads_here
; CHECK-NOT: volatile
; CHECK: ret void
define void @reading_calls(ptr %p) {
  store i32 1, ptr %p
  %r = call i64 @strlen(ptr %p)
  store i32 2, ptr %p
  %s = call i64 @reads_here(ptr %p)
  store i32 3, ptr %p
  ret void
}
define internal i64 @reads_here(ptr %p) memory(read) {
  %r = load i64, ptr %p
  ret i64 %r
}
; What is only said to read may fill memory of its own: with marks.
; CHECK-LABEL: @reading_call_elsewhere(
; CHECK: call i64 @reads(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @reading_call_elsewhere(ptr %p) {
  store i32 1, ptr %p
  %r = call i64 @reads(ptr %p)
  store i32 2, ptr %p
  ret void
}
; CHECK-LABEL: @reading_call_of_a_writer(
; CHECK: call i64 @fills_its_own(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 2, ptr %p
define void @reading_call_of_a_writer(ptr %p) {
  store i32 1, ptr %p
  %r = call i64 @fills_its_own(i64 5)
  store i32 2, ptr %p
  ret void
}
@cache = internal global ptr null
define internal i64 @fills_its_own(i64 %n) memory(read) {
  %own = load ptr, ptr @cache
  %at = getelementptr i8, ptr %own, i64 %n
  store i64 %n, ptr %at
  %r = load i64, ptr %own
  ret i64 %r
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
