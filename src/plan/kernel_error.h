// SPDX-License-Identifier: MIT OR Apache-2.0
// What the kernel's errors mean to a user: a code and a hint.
#ifndef WGNET_PLAN_KERNEL_ERROR_H_
#define WGNET_PLAN_KERNEL_ERROR_H_

#include <string_view>

#include "src/kernel/object.h"
#include "src/netlink/client.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// What to do where there is no WireGuard.
inline constexpr std::string_view kNoWireguardHint =
    "this kernel has no WireGuard: `modprobe wireguard` (kernels from 5.6 on have it), or install "
    "a userspace implementation: "
    "wireguard-go, or another that is named to wgnet, in PATH";

/// Reading `what` failed.
Error ReadError(const netlink::ReadOutcome& outcome, std::string_view what);

/// A change failed. The caller adds the step and the command.
Error ChangeError(kernel::Verb verb, const kernel::Object& object,
                  const netlink::KernelError& kernel_error);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_KERNEL_ERROR_H_
