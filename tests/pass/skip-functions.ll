; Naked functions, ifunc resolvers and functions that ask for it stay untouched, and the note says so (flag 2).
; RUN: %all %s | %filecheck %s
; CHECK: @__prosper_note = {{.*}}i32 3, i32 2, i32 2, i32 0
; CHECK-NOT: volatile
@g = global ptr null
@f = ifunc void (), ptr @resolver
define ptr @resolver() {
  store ptr null, ptr @g
  ret ptr @implementation
}
define void @implementation() {
  ret void
}
define void @asked(ptr %p) disable_sanitizer_instrumentation {
  store i32 1, ptr %p
  ret void
}
define void @naked() naked {
  call void asm sideeffect "ret", ""()
  unreachable
}
define available_externally void @elsewhere(ptr %p) {
  store i32 1, ptr %p
  ret void
}
