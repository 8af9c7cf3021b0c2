// SPDX-License-Identifier: MIT OR Apache-2.0
// The same in C++, together with the C++ API.
#include "header_test.c"

#include <wgnet/wgnet.h>
