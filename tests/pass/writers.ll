; libc's writers are replaced, called or not; what this module defines, or what has another type, is not libc's.
; RUN: %all %s | %filecheck %s
; CHECK: @table = global ptr @__prosper_w_strcpy
@table = global ptr @strcpy
declare ptr @strcpy(ptr, ptr)
declare i32 @sprintf(ptr, ptr, ...)
declare i32 @getline(ptr, i32)
define i64 @read(i32 %fd, ptr %p, i64 %n) {
  ret i64 0
}
; CHECK-LABEL: @f(
; CHECK: call ptr @__prosper_w_strcpy(ptr %p, ptr %q)
; CHECK: call i32 (ptr, ptr, ...) @__prosper_w_sprintf(ptr %p, ptr %q, i32 1)
; CHECK: call i64 @read(
; CHECK: call i32 @getline(
define void @f(ptr %p, ptr %q) {
  %a = call ptr @strcpy(ptr %p, ptr %q)
  %b = call i32 (ptr, ptr, ...) @sprintf(ptr %p, ptr %q, i32 1)
  %c = call i64 @read(i32 0, ptr %p, i64 1)
  %d = call i32 @getline(ptr %p, i32 100)
  ret void
}
