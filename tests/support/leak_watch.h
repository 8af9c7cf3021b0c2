// SPDX-License-Identifier: MIT OR Apache-2.0
// A network namespace with an uplink, and behind it a host for which it forwards. Both send marked
// packets to the outside all the time, in flows that are new and in flows that are held, of IPv4
// and IPv6; what leaves by the uplink is captured, and searched for them.
#ifndef WGNET_TESTS_SUPPORT_LEAK_WATCH_H_
#define WGNET_TESTS_SUPPORT_LEAK_WATCH_H_

#include <sys/types.h>

#include <ostream>
#include <string>
#include <vector>

#include "wgnet/node.h"

namespace wgnet::testing {

class LeakWatch {
 public:
  /// Makes the uplink, eth0, and the other host's link, and starts to send: every sender has been
  /// seen on the uplink then.
  LeakWatch();
  ~LeakWatch();
  LeakWatch(const LeakWatch&) = delete;

  const std::string& error() const { return error_; }

  /// Waits until every sender has sent, and what they sent is counted. May be called in a process
  /// that was forked from the watch's. Keeps the first wrong thing: if the kill switch has been up
  /// since the last time, a marked packet has left since then; or there is a tunnel, and no switch.
  void Observe();

  std::string wrong() const;
  /// How often the kill switch was found up.
  size_t points() const;
  /// How many packets the senders have handed to the kernel, whatever became of them.
  size_t sent() const;
  /// Those that the uplink had, by sender.
  std::vector<size_t> leaked() const;
  /// Packets to WireGuard's port that the uplink had.
  size_t encrypted() const;
  /// Packets that the capture has missed, so that nothing is known of them.
  size_t missed() const;

 private:
  struct Shared;

  std::string Prepare();
  void SendHere();
  void SendBehind();

  Shared* shared_;  // with the senders, and with processes that observe
  pid_t here_ = -1;
  pid_t behind_ = -1;
  std::string error_;
};

/// A change to a node in which there is a kill switch before, or after, or both.
struct LeakStep {
  std::string name;
  Node before;
  Node after;

  friend void PrintTo(const LeakStep& step, std::ostream* out) { *out << step.name; }
};

/// A walk from nothing to nothing, around a tunnel, wg0, that comes, changes and goes; the kill
/// switch comes first and goes last, and changes with it.
std::vector<LeakStep> LeakWalk();
/// The same node without a kill switch.
Node WithoutKillSwitch(const Node& node);

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_LEAK_WATCH_H_
