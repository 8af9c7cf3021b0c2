// SPDX-License-Identifier: MIT OR Apache-2.0
// The parts of the tests in C, and what they share.
#ifndef WGNET_TESTS_CAPI_CAPI_TEST_H_
#define WGNET_TESTS_CAPI_CAPI_TEST_H_

#include <wgnet/c.h>

// Keys that no text may show unasked.
#define PRIVATE_KEY "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700="
#define PRESHARED_KEY "7mCNCZdMKeRz1Zrpl9bFS08jJAdv6/USazRVq7tjznY="
#define PUBLIC_KEY "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0="

// One interface, wg0, with one peer.
extern const char kConf[];
// The same node.
extern const char kJson[];

wgnet_node_t* NodeFromJson(const char* json);
wgnet_node_t* NodeFromConf(const char* conf, uint32_t flags);

// A session whose state is in a directory of this test.
wgnet_session_t* OpenSession(const char* owner);
const char* StateDir(void);

// What needs the kernel: in a network namespace of its own.
void TestKernel(void);

#endif  // WGNET_TESTS_CAPI_CAPI_TEST_H_
