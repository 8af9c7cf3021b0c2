// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/kernel_error.h"

#include <fmt/format.h>
#include <linux/capability.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace wgnet::plan {
namespace {

using kernel::Verb;

// CapEff of this process; all set where it cannot be read.
uint64_t EffectiveCapabilities() {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(std::fopen("/proc/thread-self/status", "re"),
                                                   std::fclose);
  char line[256];
  unsigned long long mask = UINT64_MAX;
  while (file && std::fgets(line, sizeof line, file.get()) != nullptr) {
    if (std::sscanf(line, "CapEff: %llx", &mask) == 1) break;
  }
  return mask;
}

std::string PermissionHint() {
  if ((EffectiveCapabilities() >> CAP_NET_ADMIN & 1) == 0) {
    return "this process has no CAP_NET_ADMIN: run it as root, or give the program the capability "
           "with `setcap cap_net_admin+ep FILE`";
  }
  return "this process has CAP_NET_ADMIN, but not in the user namespace that owns the network "
         "namespace";
}

constexpr std::string_view kUnknownHint = "the kernel's log (dmesg) may say more";

struct Meaning {
  int error_number;
  ErrorCode code;
  std::string_view hint;
};

// What an errno means for one kind of object; the first row that fits.
constexpr std::string_view kProgramHint =
    "apply again to start it; `LOG_LEVEL=verbose PROGRAM INTERFACE` says why it fails";
constexpr Meaning kLinkMeanings[] = {
    {EOPNOTSUPP, ErrorCode::kModuleMissing, kNoWireguardHint},
    {netlink::kProgramError, ErrorCode::kKernel, kProgramHint},
    {EEXIST, ErrorCode::kStale, "a link of this name or index appeared meanwhile; plan again"},
    {EADDRINUSE, ErrorCode::kPortInUse,
     "another socket has the UDP port: choose another ListenPort, or none for a free one"}};
constexpr Meaning kWireguardMeanings[] = {
    {EADDRINUSE, ErrorCode::kPortInUse,
     "another socket has the UDP port: choose another ListenPort, or none for a free one"},
    {netlink::kProgramError, ErrorCode::kKernel, kProgramHint},
    {ENOENT, ErrorCode::kModuleMissing, kNoWireguardHint}};
constexpr Meaning kAddressMeanings[] = {
    {EEXIST, ErrorCode::kConflict, "somebody else gave the link this address"},
    {EACCES, ErrorCode::kNotSupported,
     "IPv6 is off on this link: see net.ipv6.conf.*.disable_ipv6"},
    {EOPNOTSUPP, ErrorCode::kNotSupported, "this kernel has no IPv6"}};
constexpr Meaning kRouteMeanings[] = {
    {EEXIST, ErrorCode::kConflict, "somebody else has a route to the same prefix in this table"},
    {EACCES, ErrorCode::kNotSupported, "IPv6 is off on this link"},
    {EAFNOSUPPORT, ErrorCode::kNotSupported, "this kernel has no IPv6"}};
constexpr Meaning kRuleMeanings[] = {
    {EEXIST, ErrorCode::kConflict, "the same rule exists already"},
    {EAFNOSUPPORT, ErrorCode::kNotSupported, "this kernel has no policy routing of this family"}};
constexpr Meaning kNftMeanings[] = {
    {EEXIST, ErrorCode::kConflict, "somebody else has an nftables object of this name"},
    {ERESTART, ErrorCode::kStale, "the ruleset changed meanwhile; plan again"},
    {EPROTONOSUPPORT, ErrorCode::kModuleMissing, "this kernel has no nf_tables"},
    {EOPNOTSUPP, ErrorCode::kNotSupported, "this kernel lacks an nftables feature of this step"},
    {ENOENT, ErrorCode::kNotSupported,
     "this kernel lacks an nftables feature of this step, or cannot load its module"}};
constexpr Meaning kSysctlMeanings[] = {
    {EMFILE, ErrorCode::kKernel,
     "a transaction keeps each setting open that it writes: allow the process more open files "
     "(`ulimit -n`)"},
    {ENFILE, ErrorCode::kKernel,
     "a transaction keeps each setting open that it writes: allow the system more open files "
     "(`sysctl fs.file-max`)"},
    {ENOENT, ErrorCode::kStale, "the setting went meanwhile, with its interface; plan again"},
    {EROFS, ErrorCode::kReadOnly,
     "/proc/sys is read-only here: set the value from outside, in a container with --sysctl"},
    {EACCES, ErrorCode::kReadOnly,
     "the setting cannot be written here: set it from outside, in a container with --sysctl"}};

std::span<const Meaning> MeaningsFor(const kernel::Object& object) {
  if (std::holds_alternative<kernel::Link>(object)) return kLinkMeanings;
  if (std::holds_alternative<kernel::Address>(object)) return kAddressMeanings;
  if (std::holds_alternative<kernel::Route>(object)) return kRouteMeanings;
  if (std::holds_alternative<kernel::Rule>(object)) return kRuleMeanings;
  switch (kernel::BusOf(object)) {
    case netlink::Bus::kGeneric:
      return kWireguardMeanings;
    case netlink::Bus::kNetfilter:
      return kNftMeanings;
    default:
      return kSysctlMeanings;
  }
}

// A program's failure has no errno of its own.
std::string Describe(int error_number, std::string_view text) {
  if (error_number == netlink::kProgramError && !text.empty()) return std::string(text);
  return std::strerror(error_number);
}

}  // namespace

Error ReadError(const netlink::ReadOutcome& outcome, std::string_view what) {
  Error error{.code = ErrorCode::kKernel,
              .message = fmt::format("cannot read {}: {}", what,
                                     Describe(outcome.error_number, outcome.error.text.view())),
              .error_number = outcome.error_number,
              .kernel_message = outcome.error.text.str()};
  if (outcome.error_number == netlink::kProgramError) {
    error.kernel_message.clear();
    error.hint = std::string(kProgramHint);
  } else if (outcome.error_number == EPERM) {
    error.code = ErrorCode::kPermission;
    error.hint = PermissionHint();
  } else if (outcome.error_number == EPROTONOSUPPORT || outcome.error_number == EOPNOTSUPP) {
    error.code = ErrorCode::kModuleMissing;
    error.hint = "this kernel lacks the module";
  } else {
    error.hint = std::string(kUnknownHint);
  }
  return error;
}

Error ChangeError(Verb verb, const kernel::Object& object,
                  const netlink::KernelError& kernel_error) {
  const int number = kernel_error.error_number;
  Error error{.code = ErrorCode::kKernel,
              .message = Describe(number, kernel_error.text.view()),
              .hint = std::string(kUnknownHint),
              .error_number = number,
              .kernel_message = kernel_error.text.str()};
  if (number == netlink::kProgramError) error.kernel_message.clear();
  if (number == EPERM) {
    error.code = ErrorCode::kPermission;
    error.hint = PermissionHint();
    return error;
  }
  for (const Meaning& meaning : MeaningsFor(object)) {
    if (meaning.error_number != number) continue;
    if (verb == Verb::kDelete && number == ENOENT) continue;
    error.code = meaning.code;
    error.hint = std::string(meaning.hint);
    break;
  }
  return error;
}

}  // namespace wgnet::plan
