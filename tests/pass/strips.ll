; A loop that stores along has no marks inside: each strip of 64 KB is marked when it begins, in the loop's own comparison's place.
; RUN: %all %s | %filecheck %s
; RUN: %all -prosper-strips=0 %s | %filecheck --check-prefix=OFF %s
target triple = "x86_64-pc-linux-gnu"
target datalayout = "e-m:e-p270:32:32-p271:32:32-p272:64:64-i64:64-i128:128-f80:128-n8:16:32:64-S128"
; CHECK-LABEL: @rows(
; CHECK: store volatile i8 1,
; CHECK: call void @__prosper_mark_range(
; CHECK: round:
; CHECK: %prosper.last = phi i64
; CHECK: %prosper.left = phi i64
; CHECK-NOT: volatile
; CHECK: store i64 %i, ptr %at
; CHECK: %[[END:.*]] = icmp eq i64 %j, %prosper.last
; CHECK-NEXT: br i1 %[[END]], label %prosper.turn, label %round
; CHECK: prosper.turn:
; CHECK-NEXT: %c = icmp ult i64 %j, 10000
; CHECK-NEXT: br i1 %c, label %prosper.again, label %done
; CHECK: prosper.again:
; CHECK: call void @__prosper_mark_range(
; CHECK: br label %round
; OFF-LABEL: @rows(
; OFF: round:
; OFF: store volatile i8 2,
; OFF-NEXT: store i64 %i, ptr %at
define void @rows(ptr %p) {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %round ]
  %at = getelementptr i64, ptr %p, i64 %i
  store i64 %i, ptr %at, align 8
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 10000
  br i1 %c, label %round, label %done
done:
  ret void
}
; Not: entered over two edges of one block; a few rounds; a way out in the middle; a call; a stride so long that most of what is marked would not be stored.
declare void @f()
; CHECK-LABEL: @few(
; CHECK-NOT: mark_range
; CHECK-LABEL: @early(
; CHECK-NOT: mark_range
; CHECK-LABEL: @call(
; CHECK-NOT: mark_range
; CHECK-LABEL: @wide(
; CHECK-NOT: mark_range
; CHECK-LABEL: @cases(
; CHECK-NOT: mark_range
; CHECK-LABEL: @end(
define void @few(ptr %p) {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %round ]
  %at = getelementptr i64, ptr %p, i64 %i
  store i64 %i, ptr %at, align 8
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 8
  br i1 %c, label %round, label %done
done:
  ret void
}
define void @early(ptr %p) {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %next ]
  %at = getelementptr i64, ptr %p, i64 %i
  %old = load i64, ptr %at
  store i64 %i, ptr %at, align 8
  %stop = icmp eq i64 %old, 0
  br i1 %stop, label %done, label %next
next:
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 10000
  br i1 %c, label %round, label %done
done:
  ret void
}
define void @call(ptr %p) {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %round ]
  %at = getelementptr i64, ptr %p, i64 %i
  store i64 %i, ptr %at, align 8
  call void @f()
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 10000
  br i1 %c, label %round, label %done
done:
  ret void
}
define void @wide(ptr %p) {
  br label %round
round:
  %i = phi i64 [ 0, %0 ], [ %j, %round ]
  %at = getelementptr [1000 x i64], ptr %p, i64 %i
  store i64 %i, ptr %at, align 8
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 10000
  br i1 %c, label %round, label %done
done:
  ret void
}
define void @cases(ptr %p, i32 %k) {
  switch i32 %k, label %done [
    i32 1, label %round
    i32 2, label %round
  ]
round:
  %i = phi i64 [ 0, %0 ], [ 0, %0 ], [ %j, %round ]
  %at = getelementptr i64, ptr %p, i64 %i
  store i64 %i, ptr %at, align 8
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 10000
  br i1 %c, label %round, label %done
done:
  ret void
}
define void @end() {
  ret void
}
; Two loops, one right behind the other: the second begins where the first one's turn leads out.
; CHECK-LABEL: @next_to_each_other(
; CHECK: a:
; CHECK: br i1 %{{.*}}, label %prosper.turn, label %a
; CHECK: prosper.turn:
; CHECK-NEXT: icmp ult i64 %j, 10000
; CHECK-NEXT: br i1 %c, label %prosper.again, label %[[SPLIT:.*]]
; CHECK: [[SPLIT]]:
; CHECK: call void @__prosper_mark_range(
; CHECK: br label %b
define void @next_to_each_other(ptr %p, ptr %q) {
  br label %a
a:
  %i = phi i64 [ 0, %0 ], [ %j, %a ]
  %at = getelementptr i64, ptr %p, i64 %i
  store i64 %i, ptr %at, align 8
  %j = add nuw i64 %i, 1
  %c = icmp ult i64 %j, 10000
  br i1 %c, label %a, label %b
b:
  %k = phi i64 [ 0, %a ], [ %l, %b ]
  %at2 = getelementptr i64, ptr %q, i64 %k
  store i64 %k, ptr %at2, align 8
  %l = add nuw i64 %k, 1
  %d = icmp ult i64 %l, 10000
  br i1 %d, label %b, label %done
done:
  ret void
}
