; mode all: a mark before each store; one byte when alignment keeps it in a line, two when it may straddle, four up to 192 bytes.
; RUN: %all %s | %filecheck %s

; CHECK-LABEL: @aligned(
; CHECK: %[[A:.*]] = ptrtoint ptr %p to i64
; CHECK-NEXT: %[[L:.*]] = lshr i64 %[[A]], 6
; CHECK-NEXT: %[[S:.*]] = add i64 %[[L]], 1879048192
; CHECK-NEXT: %[[M:.*]] = inttoptr i64 %[[S]] to ptr
; CHECK-NEXT: store volatile i8 2, ptr %[[M]], align 1
; CHECK-NEXT: store i64 %v, ptr %p, align 8
define void @aligned(ptr %p, i64 %v) {
  store i64 %v, ptr %p, align 8
  ret void
}

; CHECK-LABEL: @straddling(
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i64 %v, ptr %p, align 4
define void @straddling(ptr %p, i64 %v) {
  store i64 %v, ptr %p, align 4
  ret void
}

; CHECK-LABEL: @whole_line(
; CHECK: store volatile i8 2,
; CHECK-NEXT: store <8 x i64> %v, ptr %p, align 64
; CHECK: store volatile i16 514,
; CHECK-NEXT: store <8 x i64> %v, ptr %q, align 32
define void @whole_line(ptr %p, ptr %q, <8 x i64> %v) {
  store <8 x i64> %v, ptr %p, align 64
  store <8 x i64> %v, ptr %q, align 32
  ret void
}

; CHECK-LABEL: @wide(
; CHECK: store volatile i32 33686018,
; CHECK-NEXT: store [16 x i64] %v, ptr %p
; CHECK: call void @__prosper_mark_range(ptr %q, i64 256)
; CHECK-NEXT: store [32 x i64] %w, ptr %q
define void @wide(ptr %p, ptr %q, [16 x i64] %v, [32 x i64] %w) {
  store [16 x i64] %v, ptr %p, align 8
  store [32 x i64] %w, ptr %q, align 8
  ret void
}

; An odd size is as wide as the next power of two.
; CHECK-LABEL: @odd(
; CHECK: store volatile i16 514,
; CHECK-NEXT: store i24
define void @odd(ptr %p, i24 %v) {
  store i24 %v, ptr %p, align 2
  ret void
}
