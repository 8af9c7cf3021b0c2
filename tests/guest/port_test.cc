// SPDX-License-Identifier: MIT OR Apache-2.0
// A listen port that another socket has: only a kernel with WireGuard tells.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/kernel_state.h"
#include "tests/support/world.h"

namespace wgnet::testing {
namespace {

int Occupy(int family, uint16_t port) {
  const int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_storage address{};
  address.ss_family = static_cast<sa_family_t>(family);
  // The port stands at the same place in both.
  reinterpret_cast<sockaddr_in*>(&address)->sin_port = htons(port);
  return bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? fd : -1;
}

Node OnPort(int port) {
  Node node = ServerNode();
  Interface link = node.interfaces().front();
  Node on_port;
  on_port.Add(link.ListenPort(port));
  for (const NatRule& rule : node.nat_rules()) on_port.Add(rule);
  return on_port;
}

// Applies `before`, takes the port, and fails with `after`.
std::string FailOnPort(int family, const Node& before, const Node& after) {
  const TemporaryDirectory directory;
  MakeUplink("eth0", "192.168.5.1/24");
  Host host("owner", directory.path());
  if (Status status = host.Apply(before); !status) return status.error().ToString();
  const int fd = Occupy(family, 51999);
  if (fd < 0) return "the port is not free";
  const std::string state = host.State();
  const Status status = host.Apply(after);
  if (status) return "nobody noticed";
  const std::string text = status.error().ToString();
  if (status.error().code != ErrorCode::kPortInUse) return "another code: " + text;
  if (status.error().hint.find("ListenPort") == std::string::npos) return "no hint: " + text;
  if (text.find("51999") == text.npos) return "the port is not named: " + text;
  if (!status.error().rollback || !status.error().rollback->complete()) return text;
  const std::string difference = DifferenceOf(state, host.State());
  close(fd);
  if (!difference.empty()) return text + "\n" + difference;
  const Status again = host.Apply(after);
  return again ? "" : "then: " + again.error().ToString();
}

class PortInUse : public ::testing::TestWithParam<int> {};

TEST_P(PortInUse, OfANewInterface) {
  EXPECT_EQ(InNewNamespace([] { return FailOnPort(GetParam(), {}, OnPort(51999)); }), "");
}

TEST_P(PortInUse, OfAnInterfaceThatIsUp) {
  EXPECT_EQ(InNewNamespace([] { return FailOnPort(GetParam(), OnPort(51820), OnPort(51999)); }),
            "");
}

INSTANTIATE_TEST_SUITE_P(, PortInUse, ::testing::Values(AF_INET, AF_INET6),
                         [](const auto& info) { return info.param == AF_INET ? "v4" : "v6"; });

}  // namespace
}  // namespace wgnet::testing
