; Where unwinding or longjmp comes back, the list of write windows is put right: frames that it skipped took nothing off. Mode stack has none.
; RUN: %all %s | %filecheck %s
; RUN: %stack %s | %filecheck %s --check-prefix=STACK
; STACK-NOT: windows
declare void @may_throw()
declare i32 @_setjmp(ptr) returns_twice
declare i32 @__gxx_personality_v0(...)
; CHECK-LABEL: @catches(
; CHECK: %[[H:.*]] = call {{.*}}ptr @llvm.threadlocal.address.p0(ptr @__prosper_windows)
; CHECK-NEXT: %prosper.windows = load volatile ptr, ptr %[[H]]
; CHECK: landingpad
; CHECK-NEXT: catch
; CHECK-NEXT: call void @__prosper_windows_leave(ptr %prosper.windows)
define void @catches() personality ptr @__gxx_personality_v0 {
  invoke void @may_throw() to label %done unwind label %pad
done:
  ret void
pad:
  %e = landingpad { ptr, i32 } catch ptr null
  ret void
}
; CHECK-LABEL: @cleans(
; CHECK: %prosper.windows = load volatile ptr
; CHECK: landingpad
; CHECK-NEXT: cleanup
; CHECK-NEXT: call void @__prosper_windows_leave(ptr %prosper.windows)
; CHECK-NEXT: resume
define void @cleans() personality ptr @__gxx_personality_v0 {
  invoke void @may_throw() to label %done unwind label %pad
done:
  ret void
pad:
  %e = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %e
}
; CHECK-LABEL: @jumps(
; CHECK: %prosper.windows = load volatile ptr
; CHECK: call void @__prosper_mark_range(ptr %b, i64 200)
; CHECK-NEXT: call i32 @_setjmp
; CHECK: call void @__prosper_windows_leave(ptr %prosper.windows)
; CHECK: ret
define i32 @jumps(ptr %b) {
  %r = call i32 @_setjmp(ptr %b) returns_twice
  ret i32 %r
}
; Nothing comes back here: nothing is read.
; CHECK-LABEL: @calls(
; CHECK-NEXT: call void @may_throw()
; CHECK-NEXT: ret void
define void @calls() {
  call void @may_throw()
  ret void
}
