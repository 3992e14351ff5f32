; The entry of the second loop is an edge that has to be split: the new block is dominated by what dominated the edge, and by nothing else. (Reduced from a program: the
; number of rounds was taken from the block %left, which is not on the way there.)
; RUN: %all %s | %filecheck %s
; CHECK-LABEL: @two_loops(
; CHECK: again.second_crit_edge:
; CHECK: call void @__prosper_mark_range
; CHECK: br label %second
define void @two_loops(ptr %a, ptr %b, i64 %n, i1 %c, i1 %d) {
entry:
  br i1 %c, label %left, label %right

left:
  %m = and i64 %n, -2
  br label %first

first:
  %i = phi i64 [ 0, %left ], [ %i1, %first ]
  %p = getelementptr i32, ptr %a, i64 %i
  store i32 0, ptr %p, align 4
  %i1 = add i64 %i, 1
  %e = icmp eq i64 %i, %m
  br i1 %e, label %out, label %first

right:
  %k = and i64 %n, -2
  br label %again

again:
  br i1 %d, label %around, label %second

around:
  br label %again

second:
  %j = phi i64 [ 0, %again ], [ %j1, %second ]
  %q = getelementptr i32, ptr %b, i64 %j
  store i32 0, ptr %q, align 4
  %j1 = add i64 %j, 1
  %f = icmp eq i64 %j, %k
  br i1 %f, label %again, label %second

out:
  ret void
}
