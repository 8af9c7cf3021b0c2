// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/kernel/nft.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cctype>

namespace wgnet::kernel {
namespace {

// NFTNL_UDATA_RULE_COMMENT and its kin in libnftnl/udata.h: type, length, text with its zero.
constexpr uint8_t kCommentType = 0;

void PutBatchLimit(uint16_t type, std::optional<uint32_t> generation, netlink::MessageWriter& out) {
  nfgenmsg header{};
  header.version = NFNETLINK_V0;
  header.res_id = htons(NFNL_SUBSYS_NFTABLES);
  out.Begin(type, 0, header);
  if (generation) netlink::BigU32::Put(out, NFNL_BATCH_GENID, *generation);
}

// `string` of nft's scanner.
bool IsIdentifier(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.';
  };
  return !name.empty() && letter(name[0]) && std::all_of(name.begin(), name.end(), [&](char c) {
    return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '/';
  });
}

}  // namespace

std::string NftFamily::Text(Value family) {
  switch (family) {
    case nft::TableFamily::kUnspecified:
      break;
    case nft::TableFamily::kInet:
      return "inet";
    case nft::TableFamily::kIpv4:
      return "ip";
    case nft::TableFamily::kIpv6:
      return "ip6";
  }
  return std::to_string(static_cast<int>(family));
}

void PutBatchBegin(std::optional<uint32_t> generation, netlink::MessageWriter& out) {
  PutBatchLimit(NFNL_MSG_BATCH_BEGIN, generation, out);
}

void PutBatchEnd(netlink::MessageWriter& out) {
  PutBatchLimit(NFNL_MSG_BATCH_END, std::nullopt, out);
}

bool ReadGeneration(const netlink::Message& message, uint32_t& generation) {
  nfgenmsg header;
  netlink::Bytes attributes;
  return message.Split(header, attributes) &&
         netlink::ForEachAttribute(attributes, [&](uint16_t type, netlink::Bytes payload) {
           if (type == NFTA_GEN_ID) netlink::BigU32::Get(payload, generation);
         });
}

void NftComment::Put(netlink::MessageWriter& out, uint16_t attribute, const Value& comment) {
  const std::string_view text = comment.view();
  std::byte data[2 + Value::kMost + 1] = {};
  data[0] = std::byte{kCommentType};
  data[1] = static_cast<std::byte>(text.size() + 1);
  std::transform(text.begin(), text.end(), data + 2, [](char c) { return std::byte(c); });
  out.Put(attribute, data, 2 + text.size() + 1);
}

bool NftComment::GetInto(netlink::Bytes payload, std::optional<Value>& comment) {
  while (payload.size() >= 2) {
    const auto type = static_cast<uint8_t>(payload[0]);
    const auto size = static_cast<size_t>(payload[1]);
    if (payload.size() < 2 + size) return true;  // not written by nft or by us
    if (type == kCommentType) {
      std::string_view text(reinterpret_cast<const char*>(payload.data()) + 2, size);
      text = text.substr(0, text.find('\0'));
      if (text.size() <= Value::kMost) comment = Value(text);
      return true;
    }
    payload = payload.subspan(2 + size);
  }
  return true;
}

NftCommand& NftCommand::Word(std::string_view text) {
  if (text.empty()) return *this;
  if (!text_.empty()) text_ += ' ';
  text_ += text;
  return *this;
}

NftCommand& NftCommand::Name(std::string_view name) {
  if (!name.empty() && !IsIdentifier(name)) NotExpressible("the name " + QuoteForMessage(name));
  return Word(name);
}

NftCommand& NftCommand::Quoted(std::string_view text) {
  const auto quoted = QuoteForNft(text);
  if (!quoted) return NotExpressible("the text " + QuoteForMessage(text));
  return Word(*quoted);
}

NftCommand& NftCommand::NotExpressible(std::string_view what) {
  if (not_expressible_.empty()) not_expressible_ = what;
  return *this;
}

// A command that nft would refuse, or take for something else, is printed as a comment.
std::string NftCommand::Finish() const {
  const std::string command = "nft " + QuoteForShell(text_);
  if (not_expressible_.empty()) return command;
  return "# not expressible: " + not_expressible_;
}

NftCommand NftCommandFor(std::string_view verb_and_noun, nft::TableFamily family,
                         std::string_view table, std::string_view name) {
  NftCommand command;
  command.Word(verb_and_noun).Word(NftFamily::Text(family)).Name(table).Name(name);
  return command;
}

}  // namespace wgnet::kernel
