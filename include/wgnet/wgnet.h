// SPDX-License-Identifier: MIT OR Apache-2.0
// All of wgnet's C++ API.
#ifndef WGNET_WGNET_H_
#define WGNET_WGNET_H_

#include "wgnet/conf.h"
#include "wgnet/device_update.h"
#include "wgnet/dns.h"
#include "wgnet/error.h"
#include "wgnet/forward_rule.h"
#include "wgnet/interface.h"
#include "wgnet/key.h"
#include "wgnet/kill_switch.h"
#include "wgnet/nat_rule.h"
#include "wgnet/node.h"
#include "wgnet/peer.h"
#include "wgnet/plan.h"
#include "wgnet/policy_route.h"
#include "wgnet/process.h"
#include "wgnet/recovery.h"
#include "wgnet/reresolve.h"
#include "wgnet/resolver.h"
#include "wgnet/session.h"
#include "wgnet/snapshot.h"
#include "wgnet/types.h"
#include "wgnet/version.h"
#include "wgnet/watch.h"

#endif  // WGNET_WGNET_H_
