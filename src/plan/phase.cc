// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/phase.h"

namespace wgnet::plan {

Phase AddPhase(const kernel::Object& object) {
  struct Visitor {
    Phase operator()(const kernel::Link&) const { return Phase::kLink; }
    Phase operator()(const kernel::WgDevice&) const { return Phase::kDevice; }
    Phase operator()(const kernel::WgPeer&) const { return Phase::kPeer; }
    Phase operator()(const kernel::Address&) const { return Phase::kAddress; }
    Phase operator()(const kernel::Route&) const { return Phase::kRoute; }
    Phase operator()(const kernel::Rule&) const { return Phase::kRule; }
    Phase operator()(const kernel::Sysctl&) const { return Phase::kSetting; }
    Phase operator()(const kernel::DnsSetting&) const { return Phase::kDns; }
    Phase operator()(const kernel::NftTable&) const { return Phase::kNftAdd; }
    Phase operator()(const kernel::NftChain&) const { return Phase::kNftAdd; }
    Phase operator()(const kernel::NftSet&) const { return Phase::kNftAdd; }
    Phase operator()(const kernel::NftElement&) const { return Phase::kNftAdd; }
  };
  return std::visit(Visitor(), object);
}

Phase RemovalPhase(const kernel::Object& object) {
  switch (AddPhase(object)) {
    case Phase::kNftAdd:
      return Phase::kNftRemoval;
    case Phase::kDevice:
      return Phase::kDeviceRemoval;
    case Phase::kLink:
      return Phase::kLinkRemoval;
    case Phase::kPeer:
      return Phase::kPeerRemoval;
    case Phase::kAddress:
      return Phase::kAddressRemoval;
    case Phase::kRoute:
      return Phase::kRouteRemoval;
    case Phase::kRule:
      return Phase::kRuleRemoval;
    case Phase::kDns:
      return Phase::kDnsRemoval;
    default:
      return Phase::kSettingRemoval;
  }
}

}  // namespace wgnet::plan
