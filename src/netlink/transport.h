// SPDX-License-Identifier: MIT OR Apache-2.0
// The seam to one network namespace: everything that leaves the process goes through it, so a test
// can stand behind it.
#ifndef WGNET_NETLINK_TRANSPORT_H_
#define WGNET_NETLINK_TRANSPORT_H_

#include <sys/types.h>
#include <sys/uio.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "src/base/dns_system.h"
#include "wgnet/process.h"

namespace wgnet::netlink {

/// The errno of what a program answers in the kernel's place, where that program failed or is gone;
/// the text tells more.
inline constexpr int kProgramError = ECHILD;

/// The ways into the kernel: three netlink protocols, and the files under /proc/sys. And that to
/// the resolver.
enum class Bus : uint8_t { kRoute, kGeneric, kNetfilter, kSysctl, kDns };
inline constexpr size_t kNetlinkBuses = 3;
constexpr bool IsNetlink(Bus bus) { return static_cast<size_t>(bus) < kNetlinkBuses; }

class Transport {
 public:
  virtual ~Transport() = default;

  /// One sendmsg(2), which a SIGKILL does not cut: the kernel works on all of it, or has none of
  /// it. 0 or an errno.
  virtual int Send(Bus bus, std::span<const iovec> parts) = 0;
  /// One datagram from the kernel, without waiting: its size, or a negative errno. -EAGAIN: nothing
  /// (more) is there, and since the kernel answers inside Send, nothing will come.
  virtual ssize_t Receive(Bus bus, std::span<std::byte> buffer) = 0;
  /// The most bytes that one Send takes.
  virtual size_t SendLimit(Bus bus) const = 0;

  /// From now on it is noticed when links, addresses, routes or rules change, by anybody. 0 or an
  /// errno.
  virtual int StartNoticing() = 0;
  /// Whether one did; from now on it is not noticed any more.
  virtual bool StopNoticing() = 0;

  /// Opens a setting, named by its path under /proc/sys. A handle, or a negative errno.
  virtual int OpenSetting(const char* name, bool writable) = 0;
  /// The size of the value, without a newline, or a negative errno.
  virtual ssize_t ReadSetting(int handle, std::span<char> value) = 0;
  /// 0 or an errno.
  virtual int WriteSetting(int handle, std::string_view value) = 0;
  virtual void CloseSetting(int handle) = 0;

  /// Runs a program in the namespace: ProcessRunner::Run.
  virtual int Run(const Process& process) = 0;

  /// The resolver of this machine; null where there is none to be told.
  virtual DnsSystem* dns() = 0;
};

}  // namespace wgnet::netlink

#endif  // WGNET_NETLINK_TRANSPORT_H_
