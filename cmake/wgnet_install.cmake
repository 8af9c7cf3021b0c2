# The libraries, their headers, and what find_package and pkg-config look for.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

install(DIRECTORY include/wgnet TYPE INCLUDE)
install(DIRECTORY capi/include/wgnet TYPE INCLUDE)
install(TARGETS wgnet_cxx wgnet_capi EXPORT wgnetTargets)
install(EXPORT wgnetTargets NAMESPACE wgnet:: DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/wgnet)
configure_package_config_file(cmake/wgnetConfig.cmake.in wgnetConfig.cmake
  INSTALL_DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/wgnet)
write_basic_package_version_file(wgnetConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/wgnetConfig.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/wgnetConfigVersion.cmake
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/cmake/wgnet)
file(RELATIVE_PATH WGNET_PC_TO_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/wgnet.pc.in wgnet.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/wgnet.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(WGNET_BUILD_EXAMPLES)
  install(TARGETS wgnet_command)
  # The prefix may be another one than when it was built.
  foreach(unit wgnet@.service wgnet-recover.service wgnet-resolve@.service)
    install(CODE "
      set(bindir \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}\")
      configure_file(\"${PROJECT_SOURCE_DIR}/packaging/systemd/${unit}.in\"
        \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/${unit}\" @ONLY)")
  endforeach()
  install(FILES packaging/systemd/wgnet.target packaging/systemd/wgnet-recover.timer
    packaging/systemd/wgnet-resolve@.timer
    DESTINATION lib/systemd/system)
endif()
