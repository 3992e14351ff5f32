# build/bin/prosper, prosper-clang, prosper-clang++. The compiler wrapper is a program of its own: it must start fast.
set(tools_dir ${PROJECT_SOURCE_DIR}/tools)
file(GLOB tool_sources CONFIGURE_DEPENDS ${tools_dir}/*.c)
list(FILTER tool_sources EXCLUDE REGEX "/prosper-clang[^/]*\\.c$")

# Reading traces of stores, and the model of the hardware unit fed by them: the command's and the unit tests'.
find_library(LZMA_LIBRARY lzma REQUIRED) # Debian: liblzma-dev
file(GLOB trace_sources CONFIGURE_DEPENDS ${tools_dir}/trace/*.c)
add_library(prosper_trace STATIC ${trace_sources})
target_include_directories(prosper_trace PUBLIC ${tools_dir}/trace)
target_link_libraries(prosper_trace PUBLIC prosper_core ${LZMA_LIBRARY})
set_target_properties(prosper_trace PROPERTIES ARCHIVE_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/parts)

set(PROSPER_HAVE_COMMAND OFF)
if(EXISTS ${tools_dir}/prosper.c)
    set(PROSPER_HAVE_COMMAND ON)
    add_executable(prosper ${tool_sources})
    target_include_directories(prosper PRIVATE ${tools_dir})
    target_link_libraries(prosper PRIVATE prosper_trace prosper_core -lunwind-generic -lunwind-x86_64 -lunwind)
endif()

set(PROSPER_HAVE_WRAPPER OFF)
if(EXISTS ${tools_dir}/prosper-clang.c)
    set(PROSPER_HAVE_WRAPPER ON)
    add_executable(prosper-clang ${tools_dir}/prosper-clang.c ${tools_dir}/prosper-clang-inputs.c)
    target_include_directories(prosper-clang PRIVATE ${PROJECT_SOURCE_DIR}/include)
    target_link_libraries(prosper-clang PRIVATE prosper_warnings prosper_sanitizers)
    add_custom_command(OUTPUT ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/prosper-uncovered.o
        COMMAND ${CMAKE_COMMAND} -E make_directory ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}
        COMMAND ${CMAKE_C_COMPILER} -c ${tools_dir}/uncovered_x86_64.S -o ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/prosper-uncovered.o
        DEPENDS ${tools_dir}/uncovered_x86_64.S VERBATIM)
    add_custom_target(prosper-uncovered ALL DEPENDS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/prosper-uncovered.o)
    add_dependencies(prosper-clang prosper-uncovered)
    add_custom_command(TARGET prosper-clang POST_BUILD
        COMMAND ${CMAKE_COMMAND} -E create_symlink prosper-clang ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/prosper-clang++)
endif()
