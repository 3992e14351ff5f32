; One mark of two bytes covers any 64 bytes from its address on: stores off one base share it, whichever comes first.
; RUN: %all %s | %filecheck %s
; RUN: %all -prosper-spans=0 %s | %filecheck --check-prefix=OFF %s
; CHECK-LABEL: @fields(
; CHECK: ptrtoint ptr %p to i64
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i64 1, ptr %b
; CHECK-NEXT: store i64 2, ptr %p
; CHECK-NEXT: store i8 3, ptr %c
; CHECK-NEXT: ret void
; OFF-LABEL: @fields(
; OFF: store volatile i8 2
; OFF-NEXT: store i64 1, ptr %b
; OFF: store volatile i8 2
; OFF-NEXT: store i64 2, ptr %p
; OFF: store volatile i8 2
; OFF-NEXT: store i8 3, ptr %c
define void @fields(ptr %p) {
  %b = getelementptr i8, ptr %p, i64 8
  %c = getelementptr i8, ptr %p, i64 63
  store i64 1, ptr %b, align 8
  store i64 2, ptr %p, align 8
  store i8 3, ptr %c
  ret void
}
; A byte further is another window.
; CHECK-LABEL: @further(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 1, ptr %p
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i8 2, ptr %c
define void @further(ptr %p) {
  %c = getelementptr i8, ptr %p, i64 64
  store i64 1, ptr %p, align 8
  store i8 2, ptr %c
  ret void
}
; What an alignment says holds where that store is executed: the mark of one byte is no mark for its neighbour.
; CHECK-LABEL: @alignments(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 1, ptr %p, align 16
; CHECK-NEXT: store i64 2, ptr %b, align 8
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i64 3, ptr %d, align 8
; CHECK-NEXT: store i64 4, ptr %q, align 16
define void @alignments(ptr %p, ptr %q) {
  %b = getelementptr i8, ptr %p, i64 8
  %d = getelementptr i8, ptr %q, i64 8
  store i64 1, ptr %p, align 16
  store i64 2, ptr %b, align 8
  store i64 3, ptr %d, align 8
  store i64 4, ptr %q, align 16
  ret void
}
; Another index is another base.
; CHECK-LABEL: @indexes(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 1, ptr %a
; CHECK: store volatile i8 2,
; CHECK-NEXT: store i64 2, ptr %b
define void @indexes(ptr %p, i64 %i, i64 %j) {
  %a = getelementptr i64, ptr %p, i64 %i
  %b = getelementptr i64, ptr %p, i64 %j
  store i64 1, ptr %a, align 8
  store i64 2, ptr %b, align 8
  ret void
}
