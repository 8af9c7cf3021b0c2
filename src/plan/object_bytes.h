// SPDX-License-Identifier: MIT OR Apache-2.0
// Objects, and the values in them, as the bytes of a file of the state directory. Numbers stand in
// host order, since such a file never leaves the host.
#ifndef WGNET_PLAN_OBJECT_BYTES_H_
#define WGNET_PLAN_OBJECT_BYTES_H_

#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "src/base/secret_memory.h"
#include "src/kernel/object.h"
#include "wgnet/error.h"

namespace wgnet::plan {

/// What of an object gets in.
enum class Contents : uint8_t {
  kRecord,        // what the owner stated; of keys, that he did
  kWhole,         // all that making it again needs, but for keys
  kWholeAndKeys,  // those, too
};

class ByteWriter {
 public:
  /// Of the objects from here on.
  void SetContents(Contents contents) { contents_ = contents; }

  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void Put(const T& value) { bytes_.Append(&value, sizeof value); }
  void Put(std::string_view text) {
    Put(static_cast<uint32_t>(text.size()));
    bytes_.Append(text.data(), text.size());
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
  void Put(const PublicKey& key) { bytes_.Append(key.bytes().data(), PublicKey::kSize); }
  void Put(const SecretKey& key) { bytes_.Append(key.bytes().data(), SecretKey::kSize); }
  void Put(const std::vector<std::byte>& bytes) {
    Put(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
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
  // What the kernel cannot tell of it; and for one that has to be made again, what it told.
  void Put(const kernel::NftRule& rule) {
    Put(rule.comment.value_or(FixedString<128>()));
    Put(rule.text.text);
    Put(rule.text.expressible);
    if (contents_ == Contents::kRecord) return;
    Put(rule.raw.value_or(std::vector<std::byte>()));
    Put(rule.extra);
  }
  void Put(const DnsBackend& backend) { Put(DnsBackendName(backend)); }
  void Put(const DomainName& domain) { Put(domain.ToString()); }
  void Put(const kernel::Object& object);
  template <class T>
  void Put(const std::vector<T>& list) {
    Put(static_cast<uint32_t>(list.size()));
    for (const T& item : list) Put(item);
  }

  /// The size of what `put` writes, and then that.
  template <class PutValue>
  void PutSized(const PutValue& put) {
    const size_t at = bytes_.size();
    Put(uint32_t{0});
    put();
    const auto size = static_cast<uint32_t>(bytes_.size() - at - sizeof(uint32_t));
    std::memcpy(bytes_.data() + at, &size, sizeof size);
  }

  std::string_view text() const { return bytes_.text(); }

 private:
  Contents contents_ = Contents::kRecord;
  SecretBuffer bytes_;
};

class ByteReader {
 public:
  /// `contents` as it was written, or more.
  explicit ByteReader(std::string_view bytes, Contents contents = Contents::kRecord)
      : bytes_(bytes), contents_(contents) {}

  bool ok() const { return ok_; }
  bool at_end() const { return bytes_.empty(); }

  template <class T>
  requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void Get(T& value) {
    const std::string_view bytes = Take(sizeof value);
    if (ok_) std::memcpy(&value, bytes.data(), sizeof value);
  }
  void Get(bool& value) {
    uint8_t byte = 0;
    Get(byte);
    value = byte != 0;
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
  void Get(SecretKey& key) {
    const std::string_view read = Take(SecretKey::kSize);
    if (!ok_) return;
    key = SecretKey(std::span<const uint8_t, SecretKey::kSize>(
        reinterpret_cast<const uint8_t*>(read.data()), SecretKey::kSize));
  }
  void Get(std::vector<std::byte>& bytes) {
    const std::string_view read = Text();
    const auto* begin = reinterpret_cast<const std::byte*>(read.data());
    bytes.assign(begin, begin + read.size());
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
    if (contents_ == Contents::kRecord) return;
    Get(rule.raw.emplace());
    if (rule.raw->empty()) rule.raw.reset();
    Get(rule.extra);
  }
  void Get(DnsBackend& backend) { GetParsed(ParseDnsBackend(Text()), backend); }
  void Get(DomainName& domain) { GetParsed(DomainName::Parse(Text()), domain); }
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
  Contents contents_;
  bool ok_ = true;
};

/// A magic word and a version, a checksum of the body, and the body. To be put in front of it.
std::string SealOf(std::string_view magic, uint32_t version, std::string_view body);
/// The body behind such a seal; else an error that says what is wrong with `what`.
Result<std::string_view> Unseal(std::string_view what, std::string_view magic, uint32_t version,
                                std::string_view bytes);
Error Damaged(std::string_view what, std::string_view why);

}  // namespace wgnet::plan

#endif  // WGNET_PLAN_OBJECT_BYTES_H_
