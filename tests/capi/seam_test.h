// SPDX-License-Identifier: MIT OR Apache-2.0
// The parts of the test from inside.
#ifndef WGNET_TESTS_CAPI_SEAM_TEST_H_
#define WGNET_TESTS_CAPI_SEAM_TEST_H_

#include <wgnet/c.h>

#define PRIVATE_KEY "kGZzt/CU2MVgq19ffXB2YMDSr6WIhlkdlL1MOeGH700="
#define PUBLIC_KEY "HR8Kp3xWIt2rNdS3aaCk+Ss7yQqC9cn6h3WS6UK3WE0="
#define OTHER_KEY "t95vF4b11RLCId3ArVVIJoC5Ih9CNbI0VTNuDuEzZyw="

// With a fake session, and a node and a plan of it.
void TestConfirming(wgnet_session_t* of, const wgnet_node_t* some_node,
                    const wgnet_plan_t* some_plan);
void TestWatching(wgnet_session_t* of, const wgnet_node_t* some_node);

#endif  // WGNET_TESTS_CAPI_SEAM_TEST_H_
