# The runtime in three parts, by where the code makes sense:
#   library part   pool format, options, errors, checking: used by libprosper, the command and the unit tests
#   process part   only inside a persistent process (start, checkpoint, restore ...): listed in runtime/process-only.txt
#   wrappers       runtime/interpose: functions of libc that libprosper puts itself in front of
set(runtime_dir ${PROJECT_SOURCE_DIR}/runtime)
file(GLOB runtime_all CONFIGURE_DEPENDS ${runtime_dir}/*.c ${runtime_dir}/*.S)
file(GLOB runtime_interpose CONFIGURE_DEPENDS ${runtime_dir}/interpose/*.c ${runtime_dir}/interpose/*.S)

set(runtime_process "")
if(EXISTS ${runtime_dir}/process-only.txt)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${runtime_dir}/process-only.txt)
    file(STRINGS ${runtime_dir}/process-only.txt names REGEX "^[^#]")
    foreach(name IN LISTS names)
        string(STRIP "${name}" name)
        if(EXISTS ${runtime_dir}/${name})
            list(APPEND runtime_process ${runtime_dir}/${name})
        endif()
    endforeach()
endif()
set(runtime_core ${runtime_all})
list(REMOVE_ITEM runtime_core ${runtime_process} "")

# The handler runs on the program's interrupted state: no stack protector (the canary is part of what a restore writes), frame
# pointers for backtraces, and nothing exported that is not meant to be.
add_library(prosper_runtime_flags INTERFACE)
target_include_directories(prosper_runtime_flags INTERFACE ${PROJECT_SOURCE_DIR}/include ${runtime_dir})
target_compile_definitions(prosper_runtime_flags INTERFACE _GNU_SOURCE=)
target_compile_options(prosper_runtime_flags INTERFACE -fPIC -fvisibility=hidden -fno-stack-protector -fno-omit-frame-pointer)
target_link_libraries(prosper_runtime_flags INTERFACE prosper_warnings)

# Archives, so that a test or the command pulls in only what it names. Never the wrappers: malloc would come from there.
add_library(prosper_core STATIC ${runtime_core} ${PROJECT_SOURCE_DIR}/cmake/empty.c)
target_link_libraries(prosper_core PUBLIC prosper_runtime_flags prosper_sanitizers ${CMAKE_DL_LIBS})
set_target_properties(prosper_core PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/parts)
add_library(prosper_process STATIC EXCLUDE_FROM_ALL ${runtime_process} ${PROJECT_SOURCE_DIR}/cmake/empty.c)
target_link_libraries(prosper_process PUBLIC prosper_runtime_flags prosper_sanitizers)
set_target_properties(prosper_process PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/parts)

set(PROSPER_HAVE_RUNTIME OFF)
if((runtime_interpose OR runtime_process) AND NOT PROSPER_SANITIZE AND NOT PROSPER_COVERAGE)
    set(PROSPER_HAVE_RUNTIME ON)
    add_library(prosper_objects OBJECT ${runtime_all} ${runtime_interpose})
    target_link_libraries(prosper_objects PUBLIC prosper_runtime_flags)

    # mimalloc with marks: the heap of programs in mode all. Its source comes from Debian.
    set(marked_heap ${PROJECT_BINARY_DIR}/marked_heap.o)
    add_custom_command(OUTPUT ${marked_heap}
        COMMAND ${PROJECT_SOURCE_DIR}/scripts/build-marked-heap ${marked_heap} ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/ProsperPass.so ${CMAKE_C_COMPILER}
        DEPENDS ${PROJECT_SOURCE_DIR}/scripts/build-marked-heap ProsperPass ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/ProsperPass.so
        COMMENT "Building mimalloc with marks" VERBATIM)
    set_source_files_properties(${marked_heap} PROPERTIES EXTERNAL_OBJECT ON GENERATED ON)

    add_library(prosper_shared SHARED ${marked_heap})
    target_link_libraries(prosper_shared PRIVATE prosper_objects -Wl,--no-as-needed -l:libmimalloc.so.2 -Wl,--as-needed m ${CMAKE_DL_LIBS})
    target_link_options(prosper_shared PRIVATE -Wl,-z,now -Wl,-z,relro -Wl,-z,defs -Wl,-z,noexecstack)
    set_target_properties(prosper_shared PROPERTIES OUTPUT_NAME prosper VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR})

    # libstdc++'s functions for C++ programs in mode all, in a library of their own: C programs do not depend on libstdc++.
    set(library_cxx ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/libprosper_cxx.so)
    file(GLOB library_cxx_sources CONFIGURE_DEPENDS ${runtime_dir}/cxx/*)
    add_custom_command(OUTPUT ${library_cxx}
        COMMAND ${PROJECT_SOURCE_DIR}/scripts/build-library-cxx ${library_cxx} ${runtime_dir}/cxx ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/ProsperPass.so ${CMAKE_CXX_COMPILER}
            libprosper_cxx.so.${PROJECT_VERSION_MAJOR} $<TARGET_FILE:prosper_shared>
        COMMAND ${CMAKE_COMMAND} -E create_symlink libprosper_cxx.so ${library_cxx}.${PROJECT_VERSION_MAJOR}
        DEPENDS ${PROJECT_SOURCE_DIR}/scripts/build-library-cxx ${library_cxx_sources} ${runtime_dir}/interpose/window.h ProsperPass ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/ProsperPass.so prosper_shared
        COMMENT "Building libstdc++'s functions with marks" VERBATIM)
    add_custom_target(prosper_cxx ALL DEPENDS ${library_cxx})

    add_library(prosper_archive STATIC ${marked_heap})
    target_link_libraries(prosper_archive PRIVATE prosper_objects)
    set_target_properties(prosper_archive PROPERTIES OUTPUT_NAME prosper)
endif()
