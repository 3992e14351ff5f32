; Marks of a base that stays the same move out of a loop, behind rare calls, and become long; the function releases them before it returns.
; RUN: %all -prosper-strips=0 %s | %filecheck %s
; RUN: %all -prosper-strips=0 -prosper-hoist=0 %s | %filecheck --check-prefix=OFF %s
; RUN: %all -prosper-strips=0 -prosper-wide=0 %s | %filecheck --check-prefix=NARROW %s
declare void @f()
; CHECK-LABEL: @counter(
; CHECK: add i64 %{{.*}}, 2267742732288
; CHECK: store volatile i16 514,
; CHECK: round:
; CHECK-NOT: store volatile
; CHECK: done:
; CHECK: @__prosper_released
; CHECK-NEXT: store volatile i8 1,
; CHECK-NEXT: ret void
; OFF-LABEL: @counter(
; OFF: round:
; OFF: store volatile i8 2,
; OFF-NEXT: store i32 %i, ptr %p
define void @counter(ptr %p, i32 %n) {
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %round ]
  store i32 %i, ptr %p
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  ret void
}
; CHECK-LABEL: @rare_call(
; CHECK: store volatile i16 514,
; CHECK: round:
; CHECK-NOT: store volatile
; CHECK: rare:
; CHECK-NEXT: call void @f()
; CHECK: store volatile i16 514,
; CHECK: next:
; CHECK-NOT: store volatile i16
; CHECK: ret void
define void @rare_call(ptr %p, i32 %n) {
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %next ]
  store i32 %i, ptr %p
  %r = icmp eq i32 %i, 77
  br i1 %r, label %rare, label %next, !prof !0
rare:
  call void @f()
  br label %next
next:
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  ret void
}
; A call in each round: nothing is won.
; CHECK-LABEL: @call(
; CHECK: round:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 %i, ptr %p
; CHECK-NOT: released
; CHECK: ret void
define void @call(ptr %p, i32 %n) {
  br label %round
round:
  %i = phi i32 [ 0, %0 ], [ %j, %round ]
  store i32 %i, ptr %p
  call void @f()
  %j = add i32 %i, 1
  %c = icmp ult i32 %j, %n
  br i1 %c, label %round, label %done
done:
  ret void
}
; A base that is new in each round stays marked there.
; CHECK-LABEL: @list(
; CHECK: round:
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i32 1, ptr %p
define void @list(ptr %first) {
  br label %round
round:
  %p = phi ptr [ %first, %0 ], [ %next, %round ]
  store i32 1, ptr %p
  %link = getelementptr i8, ptr %p, i64 8
  %next = load ptr, ptr %link
  %c = icmp ne ptr %next, null
  br i1 %c, label %round, label %done
done:
  ret void
}
; An index of known range: 256 words from the base, 33 lines and the one they may straddle into.
; CHECK-LABEL: @table(
; CHECK-COUNT-2: store volatile <16 x i8> {{.*}}, ptr
; CHECK: round:
; CHECK-NOT: store volatile
; CHECK: done:
; NARROW-LABEL: @table(
; NARROW: round:
; NARROW: store volatile i8 2,
; NARROW-NEXT: store i64 1, ptr %at
define void @table(ptr %base, ptr %input, i64 %n) {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %round ]
  %from = getelementptr i8, ptr %input, i64 %i
  %byte = load i8, ptr %from
  %index = zext i8 %byte to i64
  %at = getelementptr i64, ptr %base, i64 %index
  store i64 1, ptr %at, align 8
  %j = add i64 %i, 1
  %c = icmp ult i64 %j, %n
  br i1 %c, label %round, label %done
done:
  ret void
}
!0 = !{!"branch_weights", i32 1, i32 2000}
