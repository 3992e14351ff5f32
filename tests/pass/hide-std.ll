; A module's own copies of functions of namespace std are hidden in mode all: libstdc++ must not call them. Nothing else is: other functions, explicit instantiations, variables, what is elsewhere.
; RUN: %all %s | %filecheck %s
; RUN: %stack %s | %filecheck %s --check-prefix=STACK
; CHECK: @_ZNSt6vectorIiE5emptyE = linkonce_odr global
@_ZNSt6vectorIiE5emptyE = linkonce_odr global i32 0
; CHECK: define linkonce_odr hidden void @_ZNSt6vectorIiE4pushEv
; STACK: define linkonce_odr void @_ZNSt6vectorIiE4pushEv
define linkonce_odr void @_ZNSt6vectorIiE4pushEv() {
  ret void
}
; CHECK: define linkonce_odr hidden void @_ZNKSt6vectorIiE4sizeEv
define linkonce_odr void @_ZNKSt6vectorIiE4sizeEv() {
  ret void
}
; CHECK: define linkonce_odr hidden void @_ZNKRSt7__cxx1115basic_stringbufIc3strEv
define linkonce_odr void @_ZNKRSt7__cxx1115basic_stringbufIc3strEv() {
  ret void
}
; CHECK: define linkonce_odr hidden void @_ZStplIcE
define linkonce_odr void @_ZStplIcE() {
  ret void
}
; CHECK: define weak_odr void @_ZNSt6vectorIlE4pushEv
define weak_odr void @_ZNSt6vectorIlE4pushEv() {
  ret void
}
; CHECK: define linkonce_odr void @_ZN4MineIiE4pushEv
define linkonce_odr void @_ZN4MineIiE4pushEv() {
  ret void
}
; CHECK: declare void @_ZNSt6vectorIsE4pushEv
declare void @_ZNSt6vectorIsE4pushEv()
