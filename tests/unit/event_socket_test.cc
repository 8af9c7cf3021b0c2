// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/netlink/event_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "tests/support/sandbox.h"

namespace wgnet::netlink {
namespace {

using ::testing::HasSubstr;

Result<EventSocket> OpenHere(int protocol) {
  return EventSocket::Open(*NetworkNamespace::Open(""), protocol, 65536);
}

void ExpectError(const Error& error, ErrorCode code, int error_number, std::string_view what) {
  EXPECT_EQ(error.code, code) << error;
  EXPECT_EQ(error.error_number, error_number);
  EXPECT_THAT(error.message, HasSubstr("cannot hear of changes: " + std::string(what)));
  EXPECT_FALSE(error.hint.empty());
}

TEST(EventSocketTest, AProtocolThatIsNotThereIsAnError) {
  const auto socket = OpenHere(MAX_LINKS + 1);
  ASSERT_FALSE(socket.ok());
  ExpectError(socket.error(), ErrorCode::kNotSupported, EPROTONOSUPPORT, "netlink");
}

TEST(EventSocketTest, AFilterThatIsNoneIsAnError) {
  auto socket = OpenHere(NETLINK_ROUTE);
  ASSERT_TRUE(socket.ok());
  const sock_filter endless = {BPF_JMP | BPF_JA, 0, 0, 1000};
  const Status status = socket->SetFilter({&endless, 1});
  ASSERT_FALSE(status.ok());
  ExpectError(status.error(), ErrorCode::kNotSupported, EINVAL, "a filter");
}

TEST(EventSocketTest, WhoMayNotHearOfRulesetsIsToldSo) {
  EXPECT_EQ(testing::InNewNamespace([]() -> std::string {
              auto socket = OpenHere(NETLINK_NETFILTER);
              if (!socket || seteuid(65534) != 0) return "set-up";
              const Status status = socket->SetGroups({NFNLGRP_NFTABLES});
              if (status || seteuid(0) != 0) return "it hears";
              ExpectError(status.error(), ErrorCode::kPermission, EPERM, "group 7");
              return "";
            }),
            "");
}

TEST(EventSocketTest, ItIsInTheGroupsThatWereSetLast) {
  EXPECT_EQ(testing::InNewNamespace([]() -> std::string {
              auto socket = OpenHere(NETLINK_ROUTE);
              if (!socket || !socket->SetGroups({RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE}) ||
                  !socket->SetGroups({RTNLGRP_IPV4_ROUTE})) {
                return "set-up";
              }
              std::array<std::byte, 8192> buffer;
              testing::Shell("ip link add veth0 type veth peer name veth1");
              if (socket->Receive(buffer) != -EAGAIN) return "it hears of links";
              testing::Shell("ip route add blackhole 10.0.0.0/8");
              return socket->Receive(buffer) > 0 ? "" : "it does not hear of routes";
            }),
            "");
}

}  // namespace
}  // namespace wgnet::netlink
