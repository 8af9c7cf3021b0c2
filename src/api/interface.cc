// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/interface.h"

#include <linux/rtnetlink.h>

#include "src/api/setter.h"
#include "src/base/mtu.h"
#include "src/base/text.h"

namespace wgnet {

Result<RouteTable> RouteTable::Parse(std::string_view text) {
  if (text == "auto") return Auto();
  if (text == "off") return Off();
  if (text == "main") return Number(RT_TABLE_MAIN);
  if (text == "default") return Number(RT_TABLE_DEFAULT);
  if (text == "local") return Number(RT_TABLE_LOCAL);
  if (const auto number = ParseNumber(text, UINT32_MAX); number && *number > 0) {
    return Number(static_cast<uint32_t>(*number));
  }
  return Error{.code = ErrorCode::kParse,
               .message = "not a routing table: " + QuoteForMessage(text),
               .hint = "auto, off, or a number from 1 on"};
}

Result<MtuOverhead> MtuOverhead::Parse(std::string_view text) {
  for (const MtuOverhead overhead : {WgQuick(), Exact()}) {
    if (text == overhead.ToString()) return overhead;
  }
  return Error{.code = ErrorCode::kParse,
               .message = "not an MTU's overhead: " + QuoteForMessage(text),
               .hint = "wg-quick or exact"};
}

std::string MtuOverhead::ToString() const { return kind_ == Kind::kExact ? "exact" : "wg-quick"; }

std::string RouteTable::ToString() const {
  switch (kind_) {
    case Kind::kAuto:
      return "auto";
    case Kind::kOff:
      return "off";
    case Kind::kNumber:
      break;
  }
  return std::to_string(number_);
}

std::string Interface::Where(std::string_view setter) const {
  return "Interface(" + (name_.empty() ? "" : QuoteForMessage(name_)) + ")." + std::string(setter);
}

Interface& Interface::Name(std::string_view name) {
  SetParsed(CheckLinkName(name), error_, "Interface.Name",
            [&](std::string checked) { name_ = std::move(checked); });
  return *this;
}

Interface& Interface::PrivateKey(SecretKey key) {
  private_key_ = std::move(key);
  return *this;
}

Interface& Interface::PrivateKey(std::string_view base64) {
  SetParsed(SecretKey::Parse(base64), error_, Where("PrivateKey"),
            [&](SecretKey key) { PrivateKey(std::move(key)); });
  return *this;
}

Interface& Interface::ListenPort(int port) {
  if (port < 0 || port > UINT16_MAX) {
    Remember(error_, Invalid("not a port: " + std::to_string(port), "0 to 65535"),
             Where("ListenPort"));
  } else {
    listen_port_ = static_cast<uint16_t>(port);
  }
  return *this;
}

Interface& Interface::FwMark(uint32_t mark) {
  fwmark_ = mark;
  return *this;
}

Interface& Interface::Address(Prefix address) {
  addresses_.push_back(address);
  return *this;
}

Interface& Interface::Address(std::string_view address) {
  SetParsed(Prefix::Parse(address), error_, Where("Address"),
            [&](Prefix parsed) { Address(parsed); });
  return *this;
}

Interface& Interface::Mtu(int bytes) {
  if (bytes < kIpv4MinimumMtu || bytes > UINT16_MAX) {
    Remember(error_,
             Invalid("out of range: " + std::to_string(bytes),
                     "68 to 65535 bytes, and at least 1280 with an IPv6 address"),
             Where("Mtu"));
  } else {
    mtu_ = static_cast<uint16_t>(bytes);
  }
  return *this;
}

Interface& Interface::MtuOverhead(wgnet::MtuOverhead overhead) {
  mtu_overhead_ = overhead;
  return *this;
}

Interface& Interface::MtuOverhead(std::string_view overhead) {
  SetParsed(wgnet::MtuOverhead::Parse(overhead), error_, Where("MtuOverhead"),
            [&](wgnet::MtuOverhead parsed) { MtuOverhead(parsed); });
  return *this;
}

Interface& Interface::Table(RouteTable table) {
  if (table == RouteTable::Number(0)) {
    Remember(error_, Invalid("not a routing table: \"0\"", "auto, off, or a number from 1 on"),
             Where("Table"));
  } else {
    table_ = table;
  }
  return *this;
}

Interface& Interface::Table(std::string_view table) {
  SetParsed(RouteTable::Parse(table), error_, Where("Table"),
            [&](RouteTable parsed) { Table(parsed); });
  return *this;
}

Interface& Interface::AddPeer(Peer peer) {
  peers_.push_back(std::move(peer));
  return *this;
}

}  // namespace wgnet
