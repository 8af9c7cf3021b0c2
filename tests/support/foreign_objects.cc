// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/foreign_objects.h"

#include <fmt/format.h>
#include <net/if.h>

#include <sstream>

#include "src/plan/reader.h"

namespace wgnet::testing {

std::string WithoutFirstEnds(const std::string& state) {
  std::string rest;
  std::istringstream in(state);
  for (std::string line; std::getline(in, line);) {
    if (!line.ends_with(" 0c00010008000100000000000800030000000001")) rest += line + "\n";
  }
  return rest;
}

Node WithoutHub() {
  Node node;
  return node.Add(LargeNode().interfaces().back());
}

std::string AddForeignPeer(Host& host, const char* link) {
  netlink::Client client(host.transport());
  plan::Reader reader(client, netlink::ExtraMode::kDrop);
  const auto family = reader.GenericFamily("wireguard");
  if (!family) return family.error().ToString();
  kernel::WgPeer peer;
  peer.dev = kernel::LinkRef{if_nametoindex(link), FixedString<IFNAMSIZ - 1>(link)};
  peer.public_key = *PublicKey::Parse(kForeignPeer);
  peer.allowed_ips = {*Prefix::Parse("10.250.0.0/16"), *Prefix::Parse("fd7a::/64")};
  peer.keepalive = 17;
  const kernel::Edit<kernel::WgPeer> edit{kernel::Verb::kAdd, peer, peer};
  SecretBuffer bytes;
  netlink::MessageWriter out(bytes, client.sequence());
  kernel::GivenIps given;
  kernel::EncodePeers({&edit, 1}, kernel::Packing::kTogether, {*family}, given, out);
  const iovec part{bytes.data(), bytes.size()};
  std::string error;
  client.Change(netlink::Bus::kGeneric, {&part, 1}, *reinterpret_cast<nlmsghdr*>(bytes.data()),
                [&](const netlink::KernelError& e) {
                  error = fmt::format("foreign peer: errno {}", e.error_number);
                });
  return error;
}

}  // namespace wgnet::testing
