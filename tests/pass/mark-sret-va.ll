; A callee that may lack instrumentation fills the result in: marked before and after, on the normal way of an invoke.
; RUN: %all %s | %filecheck %s
%big = type { [10 x i64] }
declare void @fill(ptr sret(%big))
declare i32 @__gxx_personality_v0(...)
; CHECK-LABEL: @result(
; CHECK: store volatile i32
; CHECK: call void @fill(ptr sret(%big) %p)
; CHECK: store volatile i32
; CHECK: ret void
define void @result(ptr %p) {
  call void @fill(ptr sret(%big) %p)
  ret void
}
; CHECK-LABEL: @result_invoke(
; CHECK: store volatile i32
; CHECK-NEXT: invoke void @fill(ptr sret(%big) %p)
; CHECK: done:
; CHECK: store volatile i32
; CHECK: ret void
define void @result_invoke(ptr %p) personality ptr @__gxx_personality_v0 {
  invoke void @fill(ptr sret(%big) %p) to label %done unwind label %pad
done:
  ret void
pad:
  %e = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %e
}
; A by-value argument is the callee's, in the caller's frame: both are compared.
; CHECK-LABEL: @byvalue(
; CHECK-NOT: volatile
; CHECK: ret void
define void @byvalue(ptr byval(%big) %a) {
  store i64 1, ptr %a, align 8
  ret void
}
; CHECK-LABEL: @variadic(
; CHECK: store volatile i16 514
; CHECK-NEXT: call void @llvm.va_start
; CHECK: store volatile i16 514
; CHECK-NEXT: call void @llvm.va_copy
; CHECK: store volatile i16 514
; CHECK-NEXT: va_arg ptr %p, i32
define i32 @variadic(ptr %p, ptr %q, ...) {
  call void @llvm.va_start(ptr %p)
  call void @llvm.va_copy(ptr %q, ptr %p)
  %x = va_arg ptr %p, i32
  call void @llvm.va_end(ptr %p)
  ret i32 %x
}
