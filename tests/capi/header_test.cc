// SPDX-License-Identifier: MIT OR Apache-2.0
// The same in C++, together with the C++ API.
#include "header_test.c"

#include <wgnet/wgnet.h>

static_assert(noexcept(wgnet_free(nullptr)) && noexcept(wgnet_node_new()));
