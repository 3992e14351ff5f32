; A function with long marks releases them before it returns; where a call stands right in front of the return, before that, so that it may still become a jump.
; RUN: %all -prosper-strips=0 %s | %filecheck %s
declare void @next(ptr)
declare i32 @value(ptr)
; CHECK-LABEL: @jumps(
; CHECK: done:
; CHECK: store volatile i8 1,
; CHECK-NEXT: tail call void @next(ptr %p)
; CHECK-NEXT: ret void
define void @jumps(ptr %p, i32 %n) {
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %round ]
  store i32 %i, ptr %p
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  tail call void @next(ptr %p)
  ret void
}
; CHECK-LABEL: @returns_another(
; CHECK: tail call i32 @value(ptr %p)
; CHECK: store volatile i8 1,
; CHECK-NEXT: ret i32 %i
define i32 @returns_another(ptr %p, i32 %n) {
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %round ]
  store i32 %i, ptr %p
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  %v = tail call i32 @value(ptr %p)
  ret i32 %i
}
; A store behind the call needs its mark and comes before the release.
; CHECK-LABEL: @stores_behind(
; CHECK: tail call void @next(ptr %p)
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i32 7, ptr %p
; CHECK: store volatile i8 1,
; CHECK-NEXT: ret void
define void @stores_behind(ptr %p, i32 %n) {
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %round ]
  store i32 %i, ptr %p
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  tail call void @next(ptr %p)
  store i32 7, ptr %p
  ret void
}
