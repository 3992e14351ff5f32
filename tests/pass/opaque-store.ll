; Stores that the pass cannot name set flag 4.
; RUN: %all %s | %filecheck %s
; CHECK: @__prosper_note = {{.*}}i32 3, i32 2, i32 4, i32 0
; CHECK-LABEL: @segment(
; CHECK-NOT: volatile
define void @segment(ptr addrspace(257) %p) {
  store i32 1, ptr addrspace(257) %p
  ret void
}
