// SPDX-License-Identifier: MIT OR Apache-2.0
// What the resolver of this machine knows of a link. It is no kernel object, but is planned, done
// and taken back as one.
#ifndef WGNET_KERNEL_DNS_SETTING_H_
#define WGNET_KERNEL_DNS_SETTING_H_

#include <optional>
#include <string>
#include <vector>

#include "src/base/dns_system.h"
#include "src/kernel/rtnetlink.h"

namespace wgnet::kernel {

struct DnsSetting {
  std::optional<DnsBackend> backend;
  std::optional<std::string> path;   // of the file; "" where there is none
  std::optional<std::string> label;  // what the link is called there
  std::optional<LinkRef> dev;
  std::optional<std::vector<IpAddress>> servers;
  std::optional<std::vector<DomainName>> domains;
  std::optional<bool> exclusive;
  std::optional<bool> required;
  std::optional<uint32_t> order;  // among the links of a file
};

DnsPlace PlaceOf(const DnsSetting& setting);
DnsConfig ConfigOf(const DnsSetting& setting);

struct DnsBackendWire {
  using Value = DnsBackend;
  static std::string Text(DnsBackend backend) { return std::string(DnsBackendName(backend)); }
};
struct PlainText {
  using Value = std::string;
  static std::string Text(const std::string& text) { return text; }
};
struct YesOrNo {
  using Value = bool;
  static std::string Text(bool value) { return value ? "true" : "false"; }
};
template <class Item>
struct TextList : netlink::ListWire {
  using Value = std::vector<Item>;
  static std::string Text(const Value& items) {
    std::string text;
    for (const Item& item : items) text += (text.empty() ? "" : " ") + item.ToString();
    return text;
  }
  static void WriteJson(const Value& items, JsonWriter& out) {
    out.Array([&] {
      for (const Item& item : items) out.String(item.ToString());
    });
  }
};

Commands CommandsOf(const Edit<DnsSetting>& edit, const netlink::SecretWord& secret);

}  // namespace wgnet::kernel

template <>
struct wgnet::netlink::Schema<wgnet::kernel::DnsSetting> {
  using Setting = kernel::DnsSetting;
  static constexpr std::string_view kName = "dns";
  static constexpr kernel::Bus kBus = kernel::Bus::kDns;
  static constexpr bool kChangeWhole = true;
  static constexpr bool kDeleteWhole = false;
  static constexpr auto kRows = std::tuple{
      Attr<Context<kernel::DnsBackendWire>>(kNoAttribute, "backend", kNoWord, &Setting::backend,
                                            Role::kKey),
      Attr<Context<kernel::PlainText>>(kNoAttribute, "path", kNoWord, &Setting::path, Role::kKey),
      Attr<Context<kernel::PlainText>>(kNoAttribute, "label", kNoWord, &Setting::label, Role::kKey),
      Attr<Context<kernel::LinkIndex>>(kNoAttribute, "dev", kNoWord, &Setting::dev, Role::kInitial),
      Attr<Context<kernel::TextList<IpAddress>>>(kNoAttribute, "servers", kNoWord,
                                                 &Setting::servers),
      Attr<Context<kernel::TextList<DomainName>>>(kNoAttribute, "domains", kNoWord,
                                                  &Setting::domains),
      Attr<Context<kernel::YesOrNo>>(kNoAttribute, "exclusive", kNoWord, &Setting::exclusive),
      Attr<Context<kernel::YesOrNo>>(kNoAttribute, "required", kNoWord, &Setting::required,
                                     Role::kInitial),
      Attr<Context<netlink::U32>>(kNoAttribute, "order", kNoWord, &Setting::order, Role::kInitial)};
};

#endif  // WGNET_KERNEL_DNS_SETTING_H_
