// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/reader.h"

#include <linux/wireguard.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "src/base/try.h"
#include "src/netlink/generic_family.h"
#include "src/plan/kernel_error.h"

namespace wgnet::plan {
namespace {

using kernel::Object;
using netlink::Bus;
using netlink::Bytes;
using netlink::Message;
using netlink::ReadOutcome;

constexpr int kMostRetries = 8;
constexpr size_t kRequestSize = 4096;
constexpr size_t kMostExpressions = 4096;  // bytes of one of our rules

// What a kernel answers when the thing that a dump is filtered by is not there.
bool MeansNothing(int error_number) {
  return error_number == ENOENT || error_number == ENODEV || error_number == EAFNOSUPPORT;
}

template <class T>
void ReserveList(std::optional<std::vector<T>>& list, size_t size) {
  if (!list) list.emplace();
  list->reserve(size);
}

template <size_t... I>
void FillScratch(Object* scratch, std::index_sequence<I...>) {
  ((scratch[I] = Object(std::in_place_index<I>)), ...);
}

}  // namespace

// One reading of a scope.
class Reader::Pass {
 public:
  Pass(Reader& reader, ObjectVisitor& visitor) : reader_(reader), visitor_(visitor) {}

  bool interrupted() const { return interrupted_; }
  bool failed() const { return outcome_.error_number != 0; }
  Error TakeError(std::string_view what) const { return ReadError(outcome_, what); }

  void Links() {
    Dump<kernel::Link>(Bus::kRoute, RTM_GETLINK, ifinfomsg{}, kernel::PutNoStatistics);
  }

  void Addresses(uint32_t link) {
    ifaddrmsg header{};
    header.ifa_index = link;
    Dump<kernel::Address>(Bus::kRoute, RTM_GETADDR, header, Nothing);
  }

  void Routes(Family family, const kernel::Route& filter) {
    const auto all = [](const auto&) { return true; };
    rtmsg header{};
    netlink::EncodeHeader(filter, header, all);
    header.rtm_family = netlink::ToAf(family);
    const auto put = [&](netlink::MessageWriter& out) {
      netlink::EncodeAttributes(filter, out, all);
    };
    Dump<kernel::Route>(Bus::kRoute, RTM_GETROUTE, header, put,
                        [&](const kernel::Route& route) { return route.dst->family() == family; });
  }

  void Rules(Family family) {
    fib_rule_hdr header{};
    header.family = netlink::ToAf(family);
    Dump<kernel::Rule>(Bus::kRoute, RTM_GETRULE, header, Nothing,
                       [&](const kernel::Rule& rule) { return rule.family == family; });
  }

  void Device(uint32_t link, uint16_t family, bool kernel_order) {
    if (family == 0) return;
    kernel::DeviceDump& dump = reader_.device_dump_;
    dump.Begin([this](const kernel::WgDevice& device) { Visit(device); },
               [this, kernel_order](kernel::WgPeer& peer) {
                 if (!kernel_order) kernel::NormalizeAllowedIps(*peer.allowed_ips);
                 Visit(peer);
               });
    kernel::WgDevice wanted;
    wanted.dev = kernel::LinkRef{link, {}};
    Request(family, NLM_F_DUMP, kernel::kGetDevice, [&](netlink::MessageWriter& out) {
      netlink::EncodeAttributes(wanted, out, [](const auto&) { return true; });
    });
    Send(Bus::kGeneric, [&](const Message& message) { return dump.Feed(message); });
    if (outcome_.error_number == EOPNOTSUPP) outcome_.error_number = 0;  // another kind of link
    if (!failed()) dump.Finish();
  }

  template <class T>
  void NftObjects(kernel::nft::TableFamily family) {
    nfgenmsg header{};
    header.nfgen_family = static_cast<uint8_t>(family);
    Dump<T>(Bus::kNetfilter, kernel::NftMessage(netlink::Schema<T>::kNftGet), header, Nothing);
  }

  void NftTable(const Scope::NftTableName& table) {
    const auto ours = [&](const auto& object) {
      return object.family == table.family && object.table == table.name;
    };
    NftDump<kernel::NftTable>(table, [&](const kernel::NftTable& object) {
      return object.family == table.family && object.name == table.name;
    });
    if (!failed()) NftDump<kernel::NftChain>(table, ours);
    if (!failed()) NftSets(table, ours);
    kernel::NftRule filter;
    filter.family = table.family;
    filter.table = table.name;
    if (!failed()) NftRules(filter, ours);
  }

  void NftRules() {
    kernel::NftRule filter;
    filter.family = kernel::nft::TableFamily{};
    NftRules(filter, [](const kernel::NftRule&) { return true; });
  }

  void Sysctl(const kernel::SysctlName& name) {
    char path[kernel::SysctlName::kMost + 1] = {};
    std::memcpy(path, name.view().data(), name.view().size());
    auto& transport = reader_.client_.transport();
    const int handle = transport.OpenSetting(path, false);
    if (handle < 0) return;  // not on this kernel, or the link is gone
    char value[kernel::SysctlText::kMost];
    const ssize_t size = transport.ReadSetting(handle, value);
    transport.CloseSetting(handle);
    if (size < 0) return;
    auto& sysctl = Scratch<kernel::Sysctl>();
    netlink::Reset(sysctl);
    sysctl.name = name;
    sysctl.value = kernel::SysctlText(std::string_view(value, static_cast<size_t>(size)));
    Visit(sysctl);
  }

  // Only the resolver's own part is read; whose it is, and how firmly, is what was asked with.
  Status Dns(const kernel::DnsSetting& wanted) {
    DnsSystem* const system = reader_.client_.transport().dns();
    if (system == nullptr) return {};
    WGNET_ASSIGN_OR_RETURN(auto found, system->Read(kernel::PlaceOf(wanted)));
    if (!found) return {};
    kernel::DnsSetting setting = wanted;
    setting.servers = std::move(found->servers);
    setting.domains = std::move(found->domains);
    if (found->exclusive) setting.exclusive = found->exclusive;
    setting.order = found->order;
    Visit(setting);
    return {};
  }

 private:
  static void Nothing(netlink::MessageWriter&) {}

  template <class T>
  T& Scratch() {
    for (Object& object : reader_.scratch_) {
      if (auto* typed = std::get_if<T>(&object)) return *typed;
    }
    std::abort();  // scratch_ holds every kind
  }

  // Only an object of the scratch may be visited; a decoded copy is put there first.
  template <class T>
  void Visit(const T& object) {
    auto& scratch = Scratch<T>();
    if (&scratch != &object) scratch = object;
    for (const Object& slot : reader_.scratch_) {
      if (std::holds_alternative<T>(slot)) visitor_.Visit(slot);
    }
  }

  template <class Header, class Put>
  void Request(uint16_t type, uint16_t flags, const Header& header, const Put& put) {
    reader_.request_.Clear();
    netlink::MessageWriter out(reader_.request_, reader_.client_.sequence());
    out.Begin(type, flags, header);
    put(out);
  }

  template <class Feed>
  void Send(Bus bus, const Feed& feed) {
    outcome_ = reader_.client_.Read(bus, reader_.request_.bytes(), feed);
    interrupted_ = interrupted_ || outcome_.interrupted || outcome_.error_number == EINTR;
    if (MeansNothing(outcome_.error_number)) outcome_.error_number = 0;
  }

  template <class T, class Header, class Put>
  void Dump(Bus bus, uint16_t type, const Header& header, const Put& put) {
    Dump<T>(bus, type, header, put, [](const T&) { return true; });
  }

  template <class T, class Header, class Put, class Wanted>
  void Dump(Bus bus, uint16_t type, const Header& header, const Put& put, const Wanted& wanted) {
    Request(type, NLM_F_DUMP, header, put);
    auto& object = Scratch<T>();
    Send(bus, [&](const Message& message) {
      if (!netlink::DecodeMessage(message, reader_.extra_, object)) return false;
      if (wanted(object)) Visit(object);
      return true;
    });
  }

  template <class T, class Wanted>
  void NftDump(const Scope::NftTableName& table, const Wanted& wanted) {
    nfgenmsg header{};
    header.nfgen_family = static_cast<uint8_t>(table.family);
    Dump<T>(Bus::kNetfilter, kernel::NftMessage(netlink::Schema<T>::kNftGet), header, Nothing,
            wanted);
  }

  template <class Wanted>
  void NftSets(const Scope::NftTableName& table, const Wanted& wanted) {
    reader_.sets_.clear();
    NftDump<kernel::NftSet>(table, [&](const kernel::NftSet& set) {
      const bool ours = wanted(set);
      if (ours && kernel::HoldsAddressRanges(set)) reader_.sets_.push_back(*set.name);
      return ours;
    });
    for (const auto& set : reader_.sets_) {
      if (!failed()) NftElements(table, set);
    }
  }

  void NftElements(const Scope::NftTableName& table, const kernel::NftName& set) {
    auto& element = Scratch<kernel::NftElement>();
    netlink::Reset(element);
    element.family = table.family;
    element.table = table.name;
    element.set = set;
    nfgenmsg header{};
    const auto all = [](const auto&) { return true; };
    netlink::EncodeHeader(element, header, all);
    Request(kernel::NftMessage(NFT_MSG_GETSETELEM), NLM_F_DUMP, header,
            [&](netlink::MessageWriter& out) { netlink::EncodeAttributes(element, out, all); });
    reader_.boundaries_.clear();
    Send(Bus::kNetfilter, [&](const Message& message) {
      return kernel::ReadBoundaries(message, reader_.boundaries_);
    });
    kernel::JoinBoundaries(reader_.boundaries_, [&](const kernel::AddressRange& range) {
      element.range = range;
      Visit(element);
    });
  }

  template <class Wanted>
  void NftRules(const kernel::NftRule& filter, const Wanted& wanted) {
    nfgenmsg header{};
    const auto all = [](const auto&) { return true; };
    netlink::EncodeHeader(filter, header, all);
    Request(kernel::NftMessage(NFT_MSG_GETRULE), NLM_F_DUMP, header,
            [&](netlink::MessageWriter& out) { netlink::EncodeAttributes(filter, out, all); });
    Send(Bus::kNetfilter, [&](const Message& message) {
      if (!netlink::DecodeMessage(message, reader_.extra_, reader_.rule_)) return false;
      if (wanted(reader_.rule_)) visitor_.VisitRule(reader_.rule_);
      return true;
    });
  }

  Reader& reader_;
  ObjectVisitor& visitor_;
  ReadOutcome outcome_;
  bool interrupted_ = false;
};

Reader::Reader(netlink::Client& client, netlink::ExtraMode extra) : client_(client), extra_(extra) {
  request_.Reserve(kRequestSize);
  FillScratch(scratch_, std::make_index_sequence<std::variant_size_v<Object>>());
}

void Reader::Reserve(const Sizes& sizes) {
  device_dump_.Reserve(sizes.allowed_ips);
  for (Object& object : scratch_) {
    if (auto* peer = std::get_if<kernel::WgPeer>(&object)) {
      ReserveList(peer->allowed_ips, sizes.allowed_ips);
    }
    if (auto* set = std::get_if<kernel::NftSet>(&object)) {
      ReserveList(set->userdata, NFT_USERDATA_MAXLEN);
    }
  }
  ReserveList(rule_.raw, kMostExpressions);
  sets_.reserve(sets_.capacity() + sizes.sets);
  boundaries_.reserve(boundaries_.capacity() + 2 * sizes.elements + 1);
}

Status Reader::Read(const Scope& scope, ObjectVisitor& visitor) {
  if (!scope.devices.empty() && !wireguard_family_) {
    WGNET_ASSIGN_OR_RETURN(wireguard_family_, GenericFamily(WG_GENL_NAME));
  }
  for (int attempt = 0; attempt < kMostRetries; ++attempt) {
    visitor.Restart();
    bool interrupted = false;
    WGNET_RETURN_IF_ERROR(ReadOnce(scope, visitor, interrupted));
    if (!interrupted) return {};
  }
  return Error{.code = ErrorCode::kStale,
               .message = "the kernel's state changed faster than it could be read",
               .hint = "something changes it all the time; try again"};
}

Status Reader::ReadOnce(const Scope& scope, ObjectVisitor& visitor, bool& interrupted) {
  Pass pass(*this, visitor);
  const auto check = [&](std::string_view what) -> Status {
    if (pass.failed()) return pass.TakeError(what);
    return {};
  };
  constexpr Family kFamilies[] = {Family::kIpv4, Family::kIpv6};
  if (scope.links) pass.Links();
  WGNET_RETURN_IF_ERROR(check("links"));
  for (const uint32_t link : scope.address_links) {
    pass.Addresses(link);
    WGNET_RETURN_IF_ERROR(check("addresses"));
  }
  for (const uint32_t link : scope.route_links) {
    for (const Family family : kFamilies) {
      kernel::Route through;
      through.dev = kernel::LinkRef{link, {}};
      pass.Routes(family, through);
      WGNET_RETURN_IF_ERROR(check("routes"));
    }
  }
  for (const auto& table : scope.route_tables) {
    kernel::Route in_table;
    in_table.table = table.table;
    pass.Routes(table.family, in_table);
    WGNET_RETURN_IF_ERROR(check("routes"));
  }
  for (const Family family : kFamilies) {
    if (!scope.route_protocol) break;
    kernel::Route of_protocol;
    of_protocol.protocol = scope.route_protocol;
    pass.Routes(family, of_protocol);
    WGNET_RETURN_IF_ERROR(check("routes"));
  }
  for (const Family family : kFamilies) {
    if (scope.rules) pass.Rules(family);
    WGNET_RETURN_IF_ERROR(check("rules"));
  }
  for (const uint32_t link : scope.devices) {
    pass.Device(link, *wireguard_family_, scope.kernel_order);
    WGNET_RETURN_IF_ERROR(check("WireGuard devices"));
  }
  if (scope.base_chains) pass.NftObjects<kernel::NftChain>(kernel::nft::TableFamily{});
  WGNET_RETURN_IF_ERROR(check("nftables chains"));
  if (scope.tables) pass.NftObjects<kernel::NftTable>(kernel::nft::TableFamily{});
  WGNET_RETURN_IF_ERROR(check("nftables tables"));
  for (const auto& table : scope.nft_tables) {
    pass.NftTable(table);
    WGNET_RETURN_IF_ERROR(check("nftables"));
  }
  if (scope.nft_rules) pass.NftRules();
  WGNET_RETURN_IF_ERROR(check("nftables rules"));
  for (const auto& name : scope.sysctls) pass.Sysctl(name);
  for (const auto& setting : scope.dns) WGNET_RETURN_IF_ERROR(pass.Dns(setting));
  interrupted = pass.interrupted();
  return {};
}

Result<std::optional<kernel::Route>> Reader::Lookup(const IpAddress& address, uint32_t mark) {
  kernel::Route wanted;
  wanted.dst = Prefix(address);
  rtmsg header{};
  const auto all = [](const auto&) { return true; };
  netlink::EncodeHeader(wanted, header, all);
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  out.Begin(RTM_GETROUTE, 0, header);
  netlink::EncodeAttributes(wanted, out, all);
  kernel::PutLookupMark(mark, out);
  kernel::Route found;
  const auto outcome = client_.Read(Bus::kRoute, request_.bytes(), [&](const Message& message) {
    return netlink::DecodeMessage(message, netlink::ExtraMode::kKeep, found);
  });
  // No route, or one that refuses: ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL (blackhole).
  if (outcome.error_number == EBADMSG) return ReadError(outcome, "a route");
  if (outcome.error_number != 0) return std::optional<kernel::Route>();
  return std::optional(found);
}

Result<uint16_t> Reader::GenericFamily(std::string_view name) {
  uint16_t family = 0;
  const auto outcome = netlink::ReadGenericFamily(name, client_, request_, family);
  if (outcome.error_number == ENOENT) return uint16_t{0};
  if (outcome.error_number != 0) return ReadError(outcome, "generic netlink families");
  return family;
}

Result<uint32_t> Reader::NftGeneration() {
  request_.Clear();
  netlink::MessageWriter out(request_, client_.sequence());
  out.Begin(kernel::NftMessage(NFT_MSG_GETGEN), 0, nfgenmsg{});
  uint32_t generation = 0;
  const auto outcome = client_.Read(Bus::kNetfilter, request_.bytes(), [&](const Message& message) {
    return kernel::ReadGeneration(message, generation);
  });
  if (outcome.error_number != 0) return ReadError(outcome, "nftables");
  return generation;
}

}  // namespace wgnet::plan
