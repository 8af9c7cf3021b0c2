# What the library is made with; none of it shows in a public header.
find_package(PkgConfig REQUIRED)
foreach(package libmnl libsodium)
  pkg_check_modules(${package} REQUIRED IMPORTED_TARGET ${package})
endforeach()
if(NOT TARGET fmt::fmt)
  find_package(fmt 9.1 REQUIRED)
endif()
find_path(WGNET_RAPIDJSON rapidjson/reader.h REQUIRED)  # headers alone
mark_as_advanced(WGNET_RAPIDJSON)
if(NOT TARGET nlohmann_json::nlohmann_json)
  find_package(nlohmann_json 3.11 REQUIRED)
endif()

set(wgnet_private_dependencies
  PkgConfig::libmnl
  PkgConfig::libsodium
  fmt::fmt
  nlohmann_json::nlohmann_json)
if(WGNET_RESOLVED STREQUAL "libsystemd")
  pkg_check_modules(libsystemd REQUIRED IMPORTED_TARGET libsystemd)
  list(APPEND wgnet_private_dependencies PkgConfig::libsystemd)
endif()
if(WGNET_NFT STREQUAL "libnftnl")
  pkg_check_modules(libnftnl REQUIRED IMPORTED_TARGET libnftnl)
  list(APPEND wgnet_private_dependencies PkgConfig::libnftnl)
endif()
if(WGNET_CARES)
  pkg_check_modules(libcares REQUIRED IMPORTED_TARGET libcares)
  list(APPEND wgnet_private_dependencies PkgConfig::libcares)
endif()
