# Programs that tests run under a pool, and the kill loop as a ctest entry.
set(PROSPER_HAVE_ALL OFF)
if(PROSPER_HAVE_RUNTIME AND PROSPER_HAVE_PASS AND PROSPER_HAVE_WRAPPER)
    set(PROSPER_HAVE_ALL ON)
    set(PROSPER_CLANG ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/prosper-clang)
    set(PROSPER_CLANGXX ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/prosper-clang++)
    set(PROSPER_PLUGIN ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/ProsperPass.so)
    add_custom_target(prosper_toolchain DEPENDS prosper-clang ProsperPass prosper_shared prosper_archive prosper_cxx)

    # Compiled when the tests run (a test that all others need), not with everything else: an ordinary build does not need them.
    add_custom_target(test-programs)
    add_test(NAME build-test-programs COMMAND ${CMAKE_COMMAND} --build ${PROJECT_BINARY_DIR} --target test-programs)
    set_tests_properties(build-test-programs PROPERTIES FIXTURES_SETUP test-programs LABELS "short;medium;long" TIMEOUT 1200)
endif()

# prosper_test_program(NAME name COMPILER path SOURCES file... FLAGS flag...) -> ${PROJECT_BINARY_DIR}/test-programs/NAME
function(prosper_test_program)
    cmake_parse_arguments(arg "" "NAME;COMPILER" "SOURCES;FLAGS" ${ARGN})
    set(output ${PROJECT_BINARY_DIR}/test-programs/${arg_NAME})
    get_filename_component(directory ${output} DIRECTORY)
    file(MAKE_DIRECTORY ${directory})
    add_custom_command(OUTPUT ${output}
        COMMAND ${arg_COMPILER} ${arg_FLAGS} ${arg_SOURCES} -o ${output}
        DEPENDS ${arg_SOURCES} prosper_toolchain ${library_cxx} $<TARGET_FILE:prosper_shared> $<TARGET_FILE:ProsperPass> $<TARGET_FILE:prosper-clang>
        COMMENT "Compiling test program ${arg_NAME}" VERBATIM)
    string(REPLACE "/" "-" target test-program-${arg_NAME})
    add_custom_target(${target} DEPENDS ${output})
    add_dependencies(test-programs ${target})
endfunction()

# prosper_kill_test(name LABEL label KILLS n [OPTIONS text] [SEED n] [ARGUMENTS further arguments of kill_loop...] COMMAND ...)
function(prosper_kill_test name)
    cmake_parse_arguments(arg "" "LABEL;KILLS;OPTIONS;SEED;LIMIT" "ARGUMENTS;COMMAND;FIXTURES" ${ARGN})
    if(NOT arg_LIMIT)
        set(arg_LIMIT 600)
    endif()
    set(seed "")
    if(arg_SEED)
        set(seed --seed ${arg_SEED})
    endif()
    add_test(NAME ${name} COMMAND ${PROJECT_SOURCE_DIR}/tests/crash/kill_loop --name ${name} --prosper ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/prosper --kills ${arg_KILLS}
        --options "${arg_OPTIONS}" --time-limit ${arg_LIMIT} --scratch ${PROJECT_BINARY_DIR}/scratch ${seed} ${arg_ARGUMENTS} -- ${arg_COMMAND})
    math(EXPR timeout "${arg_LIMIT} + 60")
    set_tests_properties(${name} PROPERTIES LABELS ${arg_LABEL} FIXTURES_REQUIRED "test-programs;${arg_FIXTURES}" SKIP_RETURN_CODE 77
        TIMEOUT ${timeout})
endfunction()
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/scratch)
