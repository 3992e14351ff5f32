//===- Compat.h - what differs between LLVM versions ------------*- C++ -*-===//
//
// The only file that asks for the version. LLVM 19 first.
//
//===----------------------------------------------------------------------===//
#ifndef PROSPER_COMPAT_H
#define PROSPER_COMPAT_H

#include "llvm/Config/llvm-config.h"
#include "llvm/IR/Module.h"

#if LLVM_VERSION_MAJOR < 19
#error "Prosper needs LLVM 19 or later"
#endif

namespace prosper {

#if LLVM_VERSION_MAJOR >= 20
#define PROSPER_LAST_ARGUMENTS llvm::ModulePassManager &MPM, llvm::OptimizationLevel, llvm::ThinOrFullLTOPhase
#else
#define PROSPER_LAST_ARGUMENTS llvm::ModulePassManager &MPM, llvm::OptimizationLevel
#endif

} // namespace prosper

#endif
