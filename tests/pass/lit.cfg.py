# FileCheck tests of the pass: one file per rule, skip-*.ll for what must stay untouched.
import os
import lit.formats

config.name = "prosper-pass"
config.test_format = lit.formats.ShTest(True)
config.suffixes = [".ll", ".c", ".cpp", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.prosper_test_dir

opt = "%s -load %s -load-pass-plugin=%s" % (config.prosper_opt, config.prosper_plugin, config.prosper_plugin)
config.substitutions += [
    ("%stack", opt + " -S -passes=prosper,verify -prosper-track=stack"),
    ("%all", opt + " -S -passes=prosper,verify -prosper-track=all"),
    ("%stores", opt + " -S -passes=prosper,verify -prosper-track=stores"),
    ("%opt", opt + " -S"),
    ("%filecheck", config.prosper_filecheck),
    ("%prosper-clangxx", config.prosper_clang + "++"),
    ("%prosper-clang", config.prosper_clang),
    ("%plugin", config.prosper_plugin),
    ("%clang", config.prosper_cc),
    ("%nm", config.prosper_nm),
    ("%readobj", config.prosper_readobj),
    ("%writers", config.prosper_source_dir + "/runtime/interpose/writers.def"),
    ("%root", config.prosper_source_dir),
    ("%include", config.prosper_source_dir + "/include"),
    ("%runtime", config.prosper_runtime),
]
