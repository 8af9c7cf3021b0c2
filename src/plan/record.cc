// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/record.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <type_traits>

namespace wgnet::plan {
namespace {

constexpr std::string_view kMagic = "wgnetrec";
constexpr uint32_t kVersion = 1;
constexpr size_t kChecksumSize = 32;
constexpr size_t kHeaderSize = 8 + 4 + kChecksumSize;

// ---- values, by their C++ type; numbers in host order, since a record never leaves the host ----

class ByteWriter {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void Put(const T& value) { bytes_.append(reinterpret_cast<const char*>(&value), sizeof value); }
  void Put(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    bytes_ += text;
  }
  void Put(const std::string& text) { Put(std::string_view(text)); }
  template <size_t Most>
  void Put(const FixedString<Most>& text) {
    Put(text.view());
  }
  void Put(const IpAddress& address) {
    const auto bytes = address.bytes();
    Put(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  }
  void Put(const Prefix& prefix) {
    Put(prefix.address());
    Put(static_cast<uint8_t>(prefix.length()));
  }
  void Put(const PublicKey& key) {
    bytes_.append(reinterpret_cast<const char*>(key.bytes().data()), PublicKey::kSize);
  }
  void Put(const kernel::LinkRef& link) {
    Put(link.index);
    Put(link.name);
  }
  void Put(const kernel::SocketAddress& endpoint) {
    Put(endpoint.address);
    Put(endpoint.port);
    Put(endpoint.scope_id);
  }
  void Put(const kernel::AddressRange& range) {
    Put(range.first);
    Put(range.last);
  }
  void Put(const kernel::NftHook& hook) {
    Put(hook.number.value_or(0));
    Put(hook.priority.value_or(0));
  }
  void Put(const kernel::SysctlSetting& setting) {
    Put(setting.name);
    Put(setting.value);
  }
  // What the kernel cannot tell of it.
  void Put(const kernel::NftRule& rule) {
    Put(rule.comment.value_or(FixedString<128>()));
    Put(rule.text.text);
    Put(rule.text.expressible);
  }
  void Put(const Claim& claim) {
    Put(claim.setting);
    Put(claim.original);
    Put(claim.footprint);
  }
  void Put(const Allocation& allocation) {
    Put(allocation.name);
    Put(allocation.value);
  }
  void Put(const DnsBackend& backend) { Put(DnsBackendName(backend)); }
  void Put(const DomainName& domain) { Put(domain.ToString()); }
  void Put(const EndpointName& name) {
    Put(name.link);
    Put(name.peer);
    Put(name.endpoint);
  }
  void Put(const kernel::Object& object);
  template <class T>
  void Put(const std::vector<T>& list) {
    Put(static_cast<uint32_t>(list.size()));
    for (const T& item : list) Put(item);
  }

  std::string Take() { return std::move(bytes_); }

 private:
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : bytes_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void Get(T& value) {
    const std::string_view bytes = Take(sizeof value);
    if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
  }
  std::string_view Text() {
    uint32_t size = 0;
    Get(size);
    return Take(size);
  }
  void Get(std::string& text) { text = Text(); }
  template <size_t Most>
  void Get(FixedString<Most>& text) {
    const std::string_view read = Text();
    ok_ = ok_ && read.size() <= Most;
    text = FixedString<Most>(read);
  }
  void Get(IpAddress& address) {
    const std::string_view read = Text();
    ok_ = ok_ && (read.size() == 4 || read.size() == 16);
    address = IpAddress(std::span(reinterpret_cast<const uint8_t*>(read.data()), read.size()));
  }
  void Get(Prefix& prefix) {
    IpAddress address;
    uint8_t length = 0;
    Get(address);
    Get(length);
    prefix = Prefix(address, length);
  }
  void Get(PublicKey& key) {
    const std::string_view read = Take(PublicKey::kSize);
    if (!ok_) return;
    key = PublicKey(std::span<const uint8_t, PublicKey::kSize>(
        reinterpret_cast<const uint8_t*>(read.data()), PublicKey::kSize));
  }
  void Get(kernel::LinkRef& link) {
    Get(link.index);
    Get(link.name);
  }
  void Get(kernel::SocketAddress& endpoint) {
    Get(endpoint.address);
    Get(endpoint.port);
    Get(endpoint.scope_id);
  }
  void Get(kernel::AddressRange& range) {
    Get(range.first);
    Get(range.last);
  }
  void Get(kernel::NftHook& hook) {
    Get(hook.number.emplace());
    Get(hook.priority.emplace());
  }
  void Get(kernel::SysctlSetting& setting) {
    Get(setting.name);
    Get(setting.value);
  }
  void Get(kernel::NftRule& rule) {
    Get(rule.comment.emplace());
    Get(rule.text.text);
    Get(rule.text.expressible);
  }
  void Get(Claim& claim) {
    Get(claim.setting);
    Get(claim.original);
    Get(claim.footprint);
  }
  void Get(Allocation& allocation) {
    Get(allocation.name);
    Get(allocation.value);
  }
  void Get(DnsBackend& backend) { GetParsed(ParseDnsBackend(Text()), backend); }
  void Get(DomainName& domain) { GetParsed(DomainName::Parse(Text()), domain); }
  void Get(EndpointName& name) {
    Get(name.link);
    Get(name.peer);
    Get(name.endpoint);
  }
  void Get(kernel::Object& object);
  template <class T>
  void Get(std::vector<T>& list) {
    uint32_t count = 0;
    Get(count);
    for (uint32_t i = 0; i < count && ok_; ++i) Get(list.emplace_back());
  }

 private:
  template <class T>
  void GetParsed(Result<T> parsed, T& value) {
    ok_ = ok_ && parsed.ok();
    if (parsed) value = *std::move(parsed);
  }
  std::string_view Take(size_t size) {
    if (size > bytes_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view taken = bytes_.substr(0, size);
    bytes_.remove_prefix(size);
    return taken;
  }

  std::string_view bytes_;
  bool ok_ = true;
};

// ---- objects: their kind, then each stated row under its JSON name ----

// Keys never get into a record.
template <class Value>
inline constexpr bool kRecordable = true;
template <>
inline constexpr bool kRecordable<SecretKey> = false;
template <>
inline constexpr bool kRecordable<kernel::HandshakeTime> = false;
template <>
inline constexpr bool kRecordable<std::vector<std::byte>> = false;

template <class Object, class Visit>
void ForEachRecorded(Visit&& visit) {
  netlink::ForEachRow<Object>([&]<class Wire>(const netlink::Row<Object, Wire>& row) {
    if constexpr (kRecordable<typename Wire::Value>) {
      if (row.role != netlink::Role::kObserved) visit(row);
    }
  });
}

void ByteWriter::Put(const kernel::Object& object) {
  std::visit(
      [&]<class T>(const T& typed) {
        Put(netlink::Schema<T>::kName);
        uint32_t count = 0;
        ForEachRecorded<T>([&](const auto& row) { count += (typed.*row.member).has_value(); });
        Put(count);
        ForEachRecorded<T>([&](const auto& row) {
          if (!(typed.*row.member)) return;
          ByteWriter value;
          value.Put(*(typed.*row.member));
          Put(row.json);
          Put(value.Take());
        });
      },
      object);
}

template <class T>
void GetRow(std::string_view name, std::string_view bytes, T& object, bool& ok) {
  ForEachRecorded<T>([&](const auto& row) {
    if (row.json != name) return;
    ByteReader value(bytes);
    value.Get((object.*row.member).emplace());
    ok = ok && value.ok();
  });
}

// Makes an empty object of the kind; false for one that is not known.
template <size_t... I>
bool MakeObject(std::string_view kind, kernel::Object& object, std::index_sequence<I...>) {
  return ((netlink::Schema<std::variant_alternative_t<I, kernel::Object>>::kName == kind
               ? (object.emplace<I>(), true)
               : false) ||
          ...);
}

void ByteReader::Get(kernel::Object& object) {
  const std::string_view kind = Text();
  uint32_t count = 0;
  Get(count);
  ok_ = ok_ &&
        MakeObject(kind, object, std::make_index_sequence<std::variant_size_v<kernel::Object>>());
  for (uint32_t i = 0; i < count && ok_; ++i) {
    const std::string_view name = Text();
    const std::string_view value = Text();
    std::visit([&](auto& typed) { GetRow(name, value, typed, ok_); }, object);
  }
}

std::string Checksum(std::string_view body) {
  std::string sum(kChecksumSize, '\0');
  crypto_generichash(reinterpret_cast<uint8_t*>(sum.data()), sum.size(),
                     reinterpret_cast<const uint8_t*>(body.data()), body.size(), nullptr, 0);
  return sum;
}

// A new link may get the number of one that is gone; it has not its tags. An administrator may have
// changed one of those.
bool IsTheSame(const kernel::Link& recorded, const kernel::Link& link) {
  return link.index == recorded.index && link.kind == recorded.kind &&
         (link.group == recorded.group || link.alias == recorded.alias);
}

// systemd-resolved forgets a link that goes; files and other programs do not.
bool OutlivesItsLink(const kernel::Object& object) {
  const auto* setting = std::get_if<kernel::DnsSetting>(&object);
  return setting != nullptr && setting->backend != DnsBackend::kResolved;
}

Error Damaged(std::string why) {
  return {.code = ErrorCode::kState, .message = "the record is damaged: " + std::move(why)};
}

}  // namespace

Record WithoutLost(Record record, std::span<const kernel::Link> links) {
  std::vector<uint32_t> lost;
  for (const kernel::Object& object : record.objects) {
    const auto* recorded = std::get_if<kernel::Link>(&object);
    if (recorded == nullptr) continue;
    const bool kept = std::any_of(links.begin(), links.end(), [&](const kernel::Link& link) {
      return IsTheSame(*recorded, link);
    });
    if (!kept) lost.push_back(*recorded->index);
  }
  const auto is_lost = [&](uint32_t index) {
    return std::find(lost.begin(), lost.end(), index) != lost.end();
  };
  std::erase_if(record.objects, [&](const kernel::Object& object) {
    const auto* link = std::get_if<kernel::Link>(&object);
    const kernel::LinkRef* dev = kernel::LinkOf(object);
    if ((link == nullptr && dev == nullptr) || OutlivesItsLink(object)) return false;
    const uint32_t index = link != nullptr ? *link->index : dev->index;
    return is_lost(index);
  });
  std::erase_if(record.names, [&](const EndpointName& name) { return is_lost(name.link); });
  return record;
}

const Claim* Record::FindClaim(const kernel::SysctlName& name) const {
  const auto found = std::find_if(claims.begin(), claims.end(),
                                  [&](const Claim& claim) { return claim.setting.name == name; });
  return found == claims.end() ? nullptr : &*found;
}

std::optional<uint32_t> Record::FindAllocation(std::string_view name) const {
  for (const Allocation& allocation : allocations) {
    if (allocation.name == name) return allocation.value;
  }
  return std::nullopt;
}

std::string EncodeRecord(const Record& record) {
  ByteWriter body;
  body.Put(record.owner);
  body.Put(record.objects);
  body.Put(record.claims);
  body.Put(record.allocations);
  body.Put(record.names);
  return SealRecord(body.Take());
}

std::string SealRecord(std::string_view body) {
  std::string file(kMagic);
  file.append(reinterpret_cast<const char*>(&kVersion), sizeof kVersion);
  return file + Checksum(body) + std::string(body);
}

Result<Record> DecodeRecord(std::string_view bytes) {
  uint32_t version = 0;
  if (bytes.size() < kHeaderSize || !bytes.starts_with(kMagic)) return Damaged("no header");
  std::memcpy(&version, bytes.data() + kMagic.size(), sizeof version);
  if (version != kVersion) {
    return Damaged("its version is " + std::to_string(version) + ", not " +
                   std::to_string(kVersion));
  }
  const std::string_view body = bytes.substr(kHeaderSize);
  if (bytes.substr(kHeaderSize - kChecksumSize, kChecksumSize) != Checksum(body)) {
    return Damaged("its checksum is wrong");
  }
  Record record;
  ByteReader in(body);
  in.Get(record.owner);
  in.Get(record.objects);
  in.Get(record.claims);
  in.Get(record.allocations);
  if (!in.at_end()) in.Get(record.names);  // records of before have none
  if (!in.ok()) return Damaged("it ends too early");
  return record;
}

}  // namespace wgnet::plan
