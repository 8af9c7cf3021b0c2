// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/monitor.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "src/netlink/message.h"

namespace wgnet::testing {
namespace {

constexpr int kQuietMs = 50;
constexpr int kReceiveBuffer = 16 << 20;

const std::vector<int> kRouteGroups = {
    RTNLGRP_LINK,         RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
    RTNLGRP_IPV6_ROUTE,   RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,   RTNLGRP_IPV4_NETCONF,
    RTNLGRP_IPV6_NETCONF, RTNLGRP_IPV6_IFINFO, RTNLGRP_NEXTHOP,     RTNLGRP_IPV6_PREFIX};

// Types come in fours: new, delete, get, set.
std::string RouteKind(const netlink::Message& message) {
  static const std::pair<int, const char*> kNames[] = {
      {RTM_NEWLINK, "link"},    {RTM_NEWADDR, "address"},    {RTM_NEWROUTE, "route"},
      {RTM_NEWRULE, "rule"},    {RTM_NEWNETCONF, "netconf"}, {RTM_NEWNEXTHOP, "nexthop"},
      {RTM_NEWPREFIX, "prefix"}};
  std::string name = fmt::format("type-{}", message.header.nlmsg_type);
  for (const auto& [type, word] : kNames) {
    if (message.header.nlmsg_type / 4 == type / 4) name = word;
  }
  if (message.payload.empty()) return name;
  const auto family = static_cast<int>(message.payload.front());
  return name + (family == AF_INET ? "-v4" : family == AF_INET6 ? "-v6" : "");
}

std::string NftKind(const netlink::Message& message) {
  return fmt::format("nft-{}", message.header.nlmsg_type & 0xff);
}

void Read(int fd, std::string (*kind)(const netlink::Message&), std::vector<std::string>& events) {
  static std::array<std::byte, 1 << 17> buffer;
  const ssize_t size = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
  if (size < 0) {
    events.push_back(fmt::format("lost {}", std::strerror(errno)));
    return;
  }
  netlink::ForEachMessage(netlink::Bytes(buffer).first(static_cast<size_t>(size)),
                          [&](const netlink::Message& message) {
                            std::string line = kind(message);
                            line += (message.header.nlmsg_type & 1) == 0 ? " " : " (deleted) ";
                            for (const std::byte b : message.payload) {
                              line += fmt::format("{:02x}", static_cast<int>(b));
                            }
                            events.push_back(std::move(line));
                            return true;
                          });
}

}  // namespace

Monitor::Monitor() {
  Listen(route_, NETLINK_ROUTE, kRouteGroups);
  Listen(netfilter_, NETLINK_NETFILTER, {NFNLGRP_NFTABLES});
}

Monitor::~Monitor() {
  close(route_);
  close(netfilter_);
}

void Monitor::Listen(int& fd, int protocol, const std::vector<int>& groups) {
  fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
  const sockaddr_nl any{.nl_family = AF_NETLINK, .nl_pad = 0, .nl_pid = 0, .nl_groups = 0};
  if (bind(fd, reinterpret_cast<const sockaddr*>(&any), sizeof any) != 0) error_ = "bind";
  setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &kReceiveBuffer, sizeof kReceiveBuffer);
  for (const int group : groups) {
    if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
      error_ = fmt::format("group {}: {}", group, std::strerror(errno));
    }
  }
}

std::vector<std::string> Monitor::Events() {
  std::vector<std::string> events;
  pollfd ready[] = {{route_, POLLIN, 0}, {netfilter_, POLLIN, 0}};
  while (poll(ready, 2, kQuietMs) > 0) {
    if (ready[0].revents != 0) Read(route_, RouteKind, events);
    if (ready[1].revents != 0) Read(netfilter_, NftKind, events);
  }
  return events;
}

std::set<std::string> KindsOf(const std::vector<std::string>& events) {
  std::set<std::string> kinds;
  for (const std::string& event : events) kinds.insert(event.substr(0, event.find(' ')));
  return kinds;
}

uint32_t NftGeneration() {
  struct {
    nlmsghdr header;
    nfgenmsg family;
  } request{};
  request.header.nlmsg_len = sizeof request;
  request.header.nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETGEN;
  request.header.nlmsg_flags = NLM_F_REQUEST;
  const int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  std::array<std::byte, 4096> reply;
  send(fd, &request, sizeof request, 0);
  const ssize_t size = recv(fd, reply.data(), reply.size(), 0);
  close(fd);
  uint32_t generation = 0;
  netlink::ForEachMessage(
      netlink::Bytes(reply).first(static_cast<size_t>(std::max<ssize_t>(size, 0))),
      [&](const netlink::Message& message) {
        nfgenmsg header;
        netlink::Bytes attributes;
        if (!message.Split(header, attributes)) return false;
        netlink::ForEachAttribute(attributes, [&](uint16_t type, netlink::Bytes payload) {
          if (type == NFTA_GEN_ID) netlink::ReadExact(payload, generation);
        });
        return true;
      });
  return ntohl(generation);
}

}  // namespace wgnet::testing
