// SPDX-License-Identifier: MIT OR Apache-2.0
// What the objects of nftables have in common (linux/netfilter/nf_tables.h).
#ifndef WGNET_KERNEL_NFT_H_
#define WGNET_KERNEL_NFT_H_

#include <netinet/in.h>  // before the kernel's own in.h

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <optional>
#include <string>

#include "src/kernel/edit.h"
#include "src/kernel/nft_expression.h"

namespace wgnet::kernel {

using NftName = FixedString<NFT_TABLE_MAXNAMELEN - 1>;
using NftNameWire = netlink::String<NFT_TABLE_MAXNAMELEN - 1>;

constexpr uint16_t NftMessage(int type) {
  return static_cast<uint16_t>(NFNL_SUBSYS_NFTABLES << 8 | type);
}

struct NftFamily {
  using Value = nft::TableFamily;
  static void PutHeader(nfgenmsg& header, Value family) {
    header.nfgen_family = static_cast<uint8_t>(family);
    header.version = NFNETLINK_V0;
  }
  static void GetHeader(const nfgenmsg& header, std::optional<Value>& family) {
    family = static_cast<Value>(header.nfgen_family);
  }
  static std::string Text(Value family);
};

/// What opens and closes a batch; the kernel refuses one for a ruleset of another generation.
void PutBatchBegin(std::optional<uint32_t> generation, netlink::MessageWriter& out);
void PutBatchEnd(netlink::MessageWriter& out);
/// Reads the answer to NFT_MSG_GETGEN; false when it is malformed.
bool ReadGeneration(const netlink::Message& message, uint32_t& generation);

/// The comment in an object's userdata, where nft(8) keeps it.
struct NftComment {
  using Value = FixedString<128>;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const Value& comment);
  static bool GetInto(netlink::Bytes payload, std::optional<Value>& comment);
  static std::string Text(const Value& comment) { return comment.str(); }
};

/// A payload as it came.
struct Blob : netlink::ListWire {
  using Value = std::vector<std::byte>;
  static void Put(netlink::MessageWriter& out, uint16_t attribute, const Value& bytes) {
    out.Put(attribute, bytes.data(), bytes.size());
  }
  static bool Get(netlink::Bytes payload, Value& bytes) {
    bytes.insert(bytes.end(), payload.begin(), payload.end());
    return true;
  }
  static std::string Text(const Value&) { return "(raw)"; }
  static void WriteJson(const Value&, JsonWriter& out) { out.String("(raw)"); }
};

/// A command `nft 'TEXT'`.
class NftCommand {
 public:
  NftCommand& Word(std::string_view text);
  /// A table, chain or set; nft(8) cannot say every name that the kernel takes.
  NftCommand& Name(std::string_view name);
  NftCommand& Quoted(std::string_view text);
  NftCommand& NotExpressible(std::string_view what);
  std::string Finish() const;

 private:
  std::string text_;
  std::string not_expressible_;
};

/// "add table inet NAME", "delete chain inet TABLE NAME", ...
NftCommand NftCommandFor(std::string_view verb_and_noun, nft::TableFamily family,
                         std::string_view table, std::string_view name = "");

/// One message for one object. What a batch knows by a number too gets that of its message: a dump
/// has none, and an object that is put back needs one as well.
template <class Object>
void Encode(const Edit<Object>& edit, const EncodeContext&,
            netlink::MessageWriter& out) requires requires {
  netlink::Schema<Object>::kNftNew;
}
{
  using Schema = netlink::Schema<Object>;
  const auto wanted = WantedRows(edit);
  const bool adds = edit.verb == Verb::kAdd;
  nfgenmsg header{};
  netlink::EncodeHeader(edit.object, header, wanted);
  out.Begin(NftMessage(edit.verb == Verb::kDelete ? Schema::kNftDelete : Schema::kNftNew),
            adds ? NLM_F_CREATE | NLM_F_EXCL : 0, header);
  netlink::EncodeAttributes(edit.object, out, wanted);
  if constexpr (requires { Schema::kNftBatchId; }) {
    if (adds) netlink::BigU32::Put(out, Schema::kNftBatchId, out.message_sequence());
  }
  if constexpr (requires { edit.object.extra; }) {
    if (adds) out.PutRaw(edit.object.extra);
  }
}

}  // namespace wgnet::kernel

template <>
struct std::hash<wgnet::kernel::nft::TableFamily> {
  size_t operator()(wgnet::kernel::nft::TableFamily family) const noexcept {
    return static_cast<size_t>(family);
  }
};

#endif  // WGNET_KERNEL_NFT_H_
