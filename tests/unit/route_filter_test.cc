// SPDX-License-Identifier: MIT OR Apache-2.0
// Which messages the filter lets pass, as the kernel runs it: on one end of a pair of sockets.
#include "src/kernel/route_filter.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "src/base/unique_fd.h"
#include "src/kernel/link.h"

namespace wgnet::kernel {
namespace {

struct Told {
  const char* dst = "10.1.0.0/16";
  uint32_t table = RT_TABLE_MAIN;
  uint8_t protocol = RTPROT_BOOT;
  uint16_t type = RTM_NEWROUTE;
  uint16_t flags = NLM_F_REPLACE;
};

Route RouteOf(const Told& told) {
  Route route;
  route.type = RTN_UNICAST;
  route.dst = *Prefix::Parse(told.dst);
  route.table = told.table;
  route.protocol = told.protocol;
  route.metric = 0;
  route.dev = LinkRef{5, {}};
  return route;
}

class FilterTest : public ::testing::Test {
 protected:
  void SetFilter(const std::vector<Told>& ours) {
    std::vector<Route> routes;
    for (const Told& each : ours) routes.push_back(RouteOf(each));
    const auto program = RouteFilter(routes);
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
    in_ = UniqueFd(ends[0]);
    out_ = UniqueFd(ends[1]);
    const sock_fprog filter{static_cast<unsigned short>(program.size()),
                            const_cast<sock_filter*>(program.data())};
    ASSERT_EQ(setsockopt(out_.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0)
        << program.size() << " instructions";
  }

  bool Passes(const Told& told) {
    const Route route = RouteOf(told);
    Encode(Edit<Route>{Verb::kAdd, route, route}, {}, out());
    // As the kernel tells of a table that does not fit.
    if (told.table > 255) writer_->header<rtmsg>().rtm_table = RT_TABLE_COMPAT;
    return PassesMessage(told.type, told.flags);
  }
  netlink::MessageWriter& out() {
    bytes_.Clear();
    return writer_.emplace(bytes_, sequence_);
  }
  bool PassesMessage(uint16_t type, uint16_t flags) {
    writer_->message().nlmsg_type = type;
    writer_->message().nlmsg_flags = flags;
    EXPECT_GT(send(in_.get(), bytes_.data(), bytes_.size(), 0), 0);
    char buffer[4096];
    const ssize_t size = recv(out_.get(), buffer, sizeof buffer, 0);
    EXPECT_TRUE(size < 0 || size == static_cast<ssize_t>(bytes_.size())) << "it was cut";
    return size > 0;
  }

 private:
  UniqueFd in_, out_;
  SecretBuffer bytes_;
  uint32_t sequence_ = 1;
  std::optional<netlink::MessageWriter> writer_;
};

constexpr Told kOurs{.protocol = kProtocol};

TEST_F(FilterTest, WhatHasOurProtocolPasses) {
  SetFilter({kOurs});
  for (const uint16_t type : {RTM_NEWROUTE, RTM_DELROUTE}) {
    EXPECT_TRUE(Passes({.protocol = kProtocol, .type = type, .flags = 0}));
    EXPECT_FALSE(Passes({.protocol = RTPROT_BGP, .type = type, .flags = 0}));
  }
}

TEST_F(FilterTest, WhatTookOurPlacePasses) {
  SetFilter({kOurs, {.dst = "fd00::/64", .table = 1000, .protocol = kProtocol}});
  EXPECT_TRUE(Passes({}));
  EXPECT_TRUE(Passes({.dst = "fd00::/64", .table = 1000}));
  EXPECT_FALSE(Passes({.flags = 0}));
  EXPECT_FALSE(Passes({.dst = "10.2.0.0/16"}));
  EXPECT_FALSE(Passes({.dst = "10.0.255.0/24"}));
  EXPECT_FALSE(Passes({.table = 100}));
  EXPECT_FALSE(Passes({.dst = "fd01::/64", .table = 1000}));
  EXPECT_FALSE(Passes({.dst = "0.0.0.0/0"}));
  EXPECT_FALSE(Passes({.dst = "::/0", .table = 1000}));
  EXPECT_FALSE(Passes({.type = RTM_DELROUTE}));
}

TEST_F(FilterTest, ADefaultRouteIsOneToo) {
  SetFilter({{.dst = "0.0.0.0/0", .protocol = kProtocol}});
  EXPECT_TRUE(Passes({.dst = "0.0.0.0/0"}));
  EXPECT_FALSE(Passes({.dst = "10.0.0.0/8"}));
  EXPECT_FALSE(Passes({.dst = "::/0"}));
}

TEST_F(FilterTest, ThousandsOfRoutesFit) {
  std::vector<Told> ours;
  std::vector<std::string> texts;
  for (int i = 0; i < 5000; ++i) {
    texts.push_back(Prefix(IpAddress::Any(Family::kIpv4), 32).ToString());
    texts.back() = "10." + std::to_string(i / 250) + "." + std::to_string(i % 250) + ".1/32";
  }
  for (const std::string& text : texts) {
    ours.push_back({.dst = text.c_str(), .table = RT_TABLE_MAIN, .protocol = kProtocol});
  }
  ours.push_back({.dst = "192.168.7.0/24", .protocol = kProtocol});
  SetFilter(ours);
  for (const std::string& text : texts) EXPECT_TRUE(Passes({.dst = text.c_str()})) << text;
  EXPECT_TRUE(Passes({.dst = "192.168.7.0/24"}));
  EXPECT_FALSE(Passes({.dst = "192.168.8.0/24"}));
  EXPECT_FALSE(Passes({.dst = "172.16.0.0/12"}));
  EXPECT_FALSE(Passes({.dst = "9.0.0.0/8"}));
}

TEST_F(FilterTest, ManyTablesFit) {
  std::vector<Told> ours;
  for (uint32_t table = 1; table < 250; ++table) {
    ours.push_back({.table = table, .protocol = static_cast<uint8_t>(table < 200 ? table : 1)});
  }
  SetFilter(ours);
  EXPECT_TRUE(Passes({.table = 249, .protocol = 250}));
  EXPECT_TRUE(Passes({.protocol = 199, .type = RTM_DELROUTE}));
  EXPECT_FALSE(Passes({.protocol = 200, .type = RTM_DELROUTE}));
}

TEST_F(FilterTest, WithoutRoutesNonePasses) {
  SetFilter({});
  EXPECT_FALSE(Passes({}));
  EXPECT_FALSE(Passes({.protocol = kProtocol, .type = RTM_DELROUTE}));
}

TEST_F(FilterTest, AllElsePasses) {
  SetFilter({kOurs});
  for (const uint16_t type :
       {RTM_NEWLINK, RTM_DELLINK, RTM_NEWADDR, RTM_DELADDR, RTM_NEWRULE, RTM_DELRULE}) {
    out().Begin(type, 0, ifinfomsg{});
    EXPECT_TRUE(PassesMessage(type, 0)) << type;
  }
}

}  // namespace
}  // namespace wgnet::kernel
