; Memory outputs of inline assembly are marked; what clobbers memory without naming it, or names an output of unknown size, makes the
; module opaque (flag 1; 8: has marks).
; RUN: sed -e '/^; UNKNOWN SIZE$/,$d' %s | %all - | %filecheck %s
; RUN: sed -e '/^; OPAQUE$/,/^; UNKNOWN SIZE$/d' %s | %all - | %filecheck %s
; RUN: sed -e '/^; OPAQUE$/,$d' %s | %all - | %filecheck %s --check-prefix=CLEAR
; CHECK: @__prosper_note = {{.*}}i32 3, i32 2, i32 9, i32 0
; CLEAR: @__prosper_note = {{.*}}i32 3, i32 2, i32 8, i32 0

; CLEAR-LABEL: @outputs(
; CLEAR: ptrtoint ptr %p
; CLEAR: store volatile i16 514
; CLEAR: ptrtoint ptr %q
; CLEAR: store volatile i16 514
; CLEAR-NEXT: call i64 asm
define i64 @outputs(ptr %p, ptr %q, i64 %x) {
  %r = call i64 asm "movq $3, $0; movl $$1, $1", "=*m,=*m,=r,r,~{dirflag}"(ptr elementtype(i64) %p, ptr elementtype(i32) %q, i64 %x)
  ret i64 %r
}
define void @ordering() {
  call void asm sideeffect "", "~{memory}"()
  call void asm sideeffect "mfence", "~{memory}"()
  call void asm sideeffect "# nothing\0A\09pause; lfence", "~{memory}"()
  ret void
}
; OPAQUE
define void @opaque(ptr %p) {
  call void asm sideeffect "movl $$1, ($0)", "r,~{memory}"(ptr %p)
  ret void
}
; UNKNOWN SIZE
define void @unknown_size(ptr %p, i64 %n) {
  call void asm sideeffect "rep stosb", "=*m,{di},{cx},{ax}"(ptr elementtype([0 x i8]) %p, ptr %p, i64 %n, i8 0)
  ret void
}
