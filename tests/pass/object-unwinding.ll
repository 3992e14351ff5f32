; Where unwinding or longjmp comes back, the lists are put right: frames that it skipped took nothing off.
; RUN: %stack %s | %filecheck %s
; RUN: %all %s | %filecheck %s --check-prefix=ALL
declare void @may_throw()
declare i32 @_setjmp(ptr) returns_twice
declare i32 @__gxx_personality_v0(...)
; CHECK-LABEL: @catches(
; CHECK: %prosper.saved = load volatile ptr
; CHECK: landingpad
; CHECK: store volatile ptr %prosper.saved, ptr
; CHECK-NOT: windows
; CHECK: ret void
; ALL-LABEL: @catches(
; ALL: %prosper.windows = load volatile ptr
; ALL: landingpad
; ALL: call void @__prosper_windows_leave(ptr %prosper.windows)
define void @catches() personality ptr @__gxx_personality_v0 {
  invoke void @may_throw() to label %done unwind label %pad
done:
  ret void
pad:
  %e = landingpad { ptr, i32 } catch ptr null
  ret void
}
; CHECK-LABEL: @cleans(
; CHECK: store volatile ptr %prosper.object, ptr
; CHECK: landingpad
; CHECK: store volatile ptr %prosper.object, ptr
; CHECK: store volatile ptr %prosper.saved, ptr
; CHECK-NEXT: resume
define void @cleans() personality ptr @__gxx_personality_v0 {
  %a = alloca [300000 x i8]
  store i8 1, ptr %a
  invoke void @may_throw() to label %done unwind label %pad
done:
  ret void
pad:
  %e = landingpad { ptr, i32 } cleanup
  resume { ptr, i32 } %e
}
; CHECK-LABEL: @jumps(
; CHECK: call i32 @_setjmp
; CHECK: store volatile ptr %prosper.saved, ptr
; ALL-LABEL: @jumps(
; ALL: call void @__prosper_mark_range(ptr %b, i64 200)
; ALL-NEXT: call i32 @_setjmp
; ALL: call void @__prosper_windows_leave(ptr %prosper.windows)
define i32 @jumps(ptr %b) {
  %r = call i32 @_setjmp(ptr %b) returns_twice
  ret i32 %r
}
