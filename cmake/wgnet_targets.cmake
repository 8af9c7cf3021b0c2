# How every target of this project is compiled. Nothing global is set: the project may be a part of
# another.
function(wgnet_target target)
  set_target_properties(${target} PROPERTIES
    CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    C_STANDARD 99 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden C_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  # Designated initializers leave members out on purpose; gcc 12 takes empty optionals for used.
  target_compile_options(${target} PRIVATE -Wall -Wextra
    $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers>
    $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)
  if(WGNET_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(WGNET_SANITIZE)
    target_compile_options(${target} PRIVATE
      -fsanitize=${WGNET_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${WGNET_SANITIZE})
    # The runtime is one of C++, and clang links it only then.
    set_target_properties(${target} PROPERTIES LINKER_LANGUAGE CXX)
  endif()
endfunction()

# Headers that nearly every source of the target takes long to read. With a time in the result,
# ccache would never have it.
function(wgnet_precompile target)
  target_precompile_headers(${target} PRIVATE ${ARGN})
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANG_AND_ID:CXX,Clang>:SHELL:-Xclang -fno-pch-timestamp>")
endfunction()
