// SPDX-License-Identifier: MIT OR Apache-2.0
// The other ends of tunnels: a process in a network namespace of its own, with a WireGuard device
// for each, which all send numbered UDP packets to one address and count what comes back.
#ifndef WGNET_TESTS_SUPPORT_FAR_SIDE_H_
#define WGNET_TESTS_SUPPORT_FAR_SIDE_H_

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace wgnet::testing {

constexpr uint16_t kEchoPort = 7007;

/// Sends back what comes to an IPv4 address of this namespace.
class EchoServer {
 public:
  explicit EchoServer(const std::string& address);
  ~EchoServer();
  const std::string& error() const { return error_; }

 private:
  int fd_;
  std::string error_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

/// One device's packets.
struct ProbeCount {
  uint32_t sent = 0;
  uint32_t received = 0;
};

class FarSide {
 public:
  struct Device {
    std::string name;
    std::string address;  // to send from
  };

  /// Starts the process, waits for its namespace, and gives it one end of a veth, named `uplink`;
  /// the other is here, `link`. There, `prepare` makes the devices; what it returns is error().
  FarSide(const std::string& link, const std::string& uplink, std::function<std::string()> prepare,
          std::vector<Device> devices, std::string destination);
  ~FarSide();

  const std::string& error() const { return error_; }
  /// Waits until every device has had an answer, and then sends all the time. Empty, or an error.
  std::string Start();
  /// Ends the sending, waits for the last answers, and gives the counts, by device.
  std::vector<ProbeCount> Stop();

 private:
  void Run(const std::function<std::string()>& prepare, const std::vector<Device>& devices,
           const std::string& destination);
  std::string ReadLine();

  pid_t child_ = -1;
  int to_child_ = -1;
  int from_child_ = -1;
  std::string error_;
};

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_FAR_SIDE_H_
