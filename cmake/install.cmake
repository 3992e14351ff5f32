# cmake --install: a tree that works from any prefix. Nothing in it names the build directory or the prefix.
set(PROSPER_PASS_FILE ProsperPass.so)
configure_file(${PROJECT_SOURCE_DIR}/cmake/prosper.pc.in ${PROJECT_BINARY_DIR}/prosper.pc @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/prosper-cxx.pc.in ${PROJECT_BINARY_DIR}/prosper-cxx.pc @ONLY)
configure_file(${PROJECT_SOURCE_DIR}/cmake/ProsperConfig.cmake.in ${PROJECT_BINARY_DIR}/ProsperConfig.cmake @ONLY)
include(CMakePackageConfigHelpers)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ProsperConfigVersion.cmake COMPATIBILITY SameMinorVersion)

foreach(target IN ITEMS prosper prosper-clang ProsperPass prosper_shared prosper_archive)
    if(TARGET ${target})
        install(TARGETS ${target} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR}
            ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    endif()
endforeach()
if(TARGET prosper_cxx)
    install(PROGRAMS ${library_cxx} ${library_cxx}.${PROJECT_VERSION_MAJOR} DESTINATION ${CMAKE_INSTALL_LIBDIR})
endif()
if(PROSPER_HAVE_WRAPPER)
    install(FILES ${CMAKE_LIBRARY_OUTPUT_DIRECTORY}/prosper-uncovered.o DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(FILES ${CMAKE_RUNTIME_OUTPUT_DIRECTORY}/prosper-clang++ DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/prosper DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${PROJECT_BINARY_DIR}/prosper.pc ${PROJECT_BINARY_DIR}/prosper-cxx.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES ${PROJECT_BINARY_DIR}/ProsperConfig.cmake ${PROJECT_BINARY_DIR}/ProsperConfigVersion.cmake
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/Prosper)
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs/ DESTINATION ${CMAKE_INSTALL_DOCDIR} OPTIONAL FILES_MATCHING PATTERN "*.md")
