// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/key_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "src/base/text.h"
#include "src/base/try.h"
#include "src/conf/ascii.h"
#include "src/conf/finish.h"
#include "src/conf/value.h"

namespace wgnet::conf {
namespace {

using Grammar = ConfFile::Grammar;
using HookPhase = ConfFile::HookPhase;
using SectionKind = ConfFile::SectionKind;

// Hands on what was read of `part`, or says where and why it was not.
template <class T, class Set>
Status Assign(Draft& draft, const Value& value, std::string_view part, Result<T> read,
              const Set& set) {
  if (!read) {
    return draft.report.Rejected(value.line, value.row.name, part, std::move(read).error());
  }
  set(*std::move(read));
  return {};
}

template <class T, class Set>
Status Assign(Draft& draft, const Value& value, Result<T> read, const Set& set) {
  return Assign(draft, value, value.line.value, std::move(read), set);
}

// Calls `take(part)` for what stands between the separators, less white space, as long as it
// succeeds.
template <class IsSeparator, class Take>
Status ForEachPart(std::string_view list, const IsSeparator& is_separator, const Take& take) {
  while (true) {
    const auto end = std::find_if(list.begin(), list.end(), is_separator);
    const size_t size = static_cast<size_t>(end - list.begin());
    WGNET_RETURN_IF_ERROR(take(Trim(list.substr(0, size))));
    if (end == list.end()) return {};
    list.remove_prefix(size + 1);
  }
}

// As wg-quick(8) splits a list: any number of commas and blanks between the words.
template <class Take>
Status ForEachWord(const Value& value, const Take& take) {
  return ForEachPart(
      value.line.value, [](char c) { return c == ',' || IsSpace(c); },
      [&](std::string_view word) { return word.empty() ? Status() : take(word); });
}

// ---- [Interface], wg(8) ----

Status SetPrivateKey(Draft& draft, const Value& value) {
  return Assign(draft, value, SecretKey::Parse(value.text),
                [&](SecretKey key) { draft.meaning.interface.PrivateKey(std::move(key)); });
}

Status SetListenPort(Draft& draft, const Value& value) {
  return Assign(draft, value, ReadPort(value.text),
                [&](uint16_t port) { draft.meaning.interface.ListenPort(port); });
}

Status SetFwMark(Draft& draft, const Value& value) {
  return Assign(draft, value, ReadFwMark(value.text),
                [&](uint32_t mark) { draft.meaning.interface.FwMark(mark); });
}

// ---- [Interface], wg-quick(8) ----

Status AddAddresses(Draft& draft, const Value& value) {
  return ForEachWord(value, [&](std::string_view word) {
    return Assign(draft, value, word, ReadAddress(word), [&](Prefix address) {
      draft.addresses.push_back({address, value.line.PlaceOf(word)});
    });
  });
}

// wg-quick(8) has it so: digits and dots, or a colon in it.
bool IsDnsServer(std::string_view word) {
  return word.find(':') != word.npos ||
         std::all_of(word.begin(), word.end(), [](char c) { return IsDigit(c) || c == '.'; });
}

Status AddDnsServer(Draft& draft, const Value& value, std::string_view word) {
  return Assign(draft, value, word, IpAddress::Parse(word), [&](IpAddress server) {
    draft.meaning.dns.servers.push_back({server, value.line.PlaceOf(word)});
  });
}

Status AddSearchDomain(Draft& draft, const Value& value, std::string_view word) {
  return Assign(draft, value, word, DomainName::Parse(word), [&](DomainName domain) {
    draft.meaning.dns.search.push_back({std::move(domain), value.line.PlaceOf(word)});
  });
}

Status AddDns(Draft& draft, const Value& value) {
  return ForEachWord(value, [&](std::string_view word) {
    return IsDnsServer(word) ? AddDnsServer(draft, value, word)
                             : AddSearchDomain(draft, value, word);
  });
}

// An empty value takes back what an earlier line said, here and in Table.
Status SetMtu(Draft& draft, const Value& value) {
  draft.mtu.reset();
  if (value.text.empty()) return {};
  return Assign(draft, value, ReadMtu(value.text), [&](uint16_t mtu) {
    draft.mtu = {mtu, value.line.PlaceOf(value.line.value)};
  });
}

Status SetTable(Draft& draft, const Value& value) {
  draft.table.reset();
  if (value.text.empty()) return {};
  return Assign(draft, value, ReadTable(value.text),
                [&](RouteTable table) { draft.table = table; });
}

Status SetSaveConfig(Draft& draft, const Value& value) {
  return Assign(draft, value, ReadBool(value.text),
                [&](bool save) { draft.meaning.save_config = save; });
}

template <HookPhase phase>
Status AddHook(Draft& draft, const Value& value) {
  if (!value.text.empty()) draft.meaning.hooks.push_back({phase, value.text, value.line.number});
  return {};
}

// ---- [Peer] ----

Status SetPublicKey(Draft& draft, const Value& value) {
  auto key = PublicKey::Parse(value.text);
  if (key && *key == PublicKey() && draft.grammar == Grammar::kWgQuick) {
    key = Error{.message = "the key is all zero", .hint = "`wg pubkey` prints a public key"};
  }
  return Assign(draft, value, std::move(key), [&](PublicKey public_key) {
    draft.peers.back().peer.PublicKey(public_key);
    draft.peers.back().has_key = true;
  });
}

Status SetPresharedKey(Draft& draft, const Value& value) {
  return Assign(draft, value, SecretKey::Parse(value.text),
                [&](SecretKey key) { draft.peers.back().peer.PresharedKey(std::move(key)); });
}

Status SetEndpoint(Draft& draft, const Value& value) {
  return Assign(draft, value, ReadEndpoint(value.text),
                [&](Endpoint endpoint) { draft.peers.back().peer.Endpoint(std::move(endpoint)); });
}

Status SetKeepalive(Draft& draft, const Value& value) {
  return Assign(draft, value, ReadKeepalive(value.text),
                [&](uint16_t seconds) { draft.peers.back().peer.PersistentKeepalive(seconds); });
}

Status AddAllowedIp(Draft& draft, const Value& value, std::string_view part) {
  const Squeezed text(part);
  PeerDraft& peer = draft.peers.back();
  auto edit = ReadAllowedIp(text.view());
  if (edit && edit->remove && draft.grammar == Grammar::kWgQuick) edit = CannotTakeAway();
  return Assign(draft, value, part, std::move(edit), [&](AllowedIpEdit allowed) {
    const ConfFile::Place place = value.line.PlaceOf(part);
    const Prefix masked = allowed.prefix.Masked();
    if (allowed.prefix != masked) {
      draft.report.Warn(place, fmt::format("AllowedIPs: {} has host bits set and is taken as {}",
                                           allowed.prefix.ToString(), masked.ToString()));
    }
    if (IsMarked(text.view())) peer.replaces = false;
    peer.allowed_ips.push_back({{masked, allowed.remove}, place});
  });
}

Status AddAllowedIps(Draft& draft, const Value& value) {
  draft.peers.back().replaces = true;
  return ForEachPart(
      value.line.value, [](char c) { return c == ','; },
      [&](std::string_view part) { return AddAllowedIp(draft, value, part); });
}

// ---- the table ----

constexpr auto kInterface = SectionKind::kInterface;
constexpr auto kPeer = SectionKind::kPeer;
constexpr auto kWg = Grammar::kWg;
constexpr auto kWgQuick = Grammar::kWgQuick;
constexpr auto kLastHolds = Repeat::kLastHolds;
constexpr auto kAddsUp = Repeat::kAddsUp;
constexpr bool kKeepsHash = true;

constexpr KeyRow kKeys[] = {
    {"PrivateKey", kInterface, kWg, kLastHolds, SetPrivateKey},
    {"ListenPort", kInterface, kWg, kLastHolds, SetListenPort},
    {"FwMark", kInterface, kWg, kLastHolds, SetFwMark},
    {"Address", kInterface, kWgQuick, kAddsUp, AddAddresses},
    {"DNS", kInterface, kWgQuick, kAddsUp, AddDns},
    {"MTU", kInterface, kWgQuick, kLastHolds, SetMtu},
    {"Table", kInterface, kWgQuick, kLastHolds, SetTable},
    {"SaveConfig", kInterface, kWgQuick, kLastHolds, SetSaveConfig},
    {"PreUp", kInterface, kWgQuick, kAddsUp, AddHook<HookPhase::kPreUp>, kKeepsHash},
    {"PostUp", kInterface, kWgQuick, kAddsUp, AddHook<HookPhase::kPostUp>, kKeepsHash},
    {"PreDown", kInterface, kWgQuick, kAddsUp, AddHook<HookPhase::kPreDown>, kKeepsHash},
    {"PostDown", kInterface, kWgQuick, kAddsUp, AddHook<HookPhase::kPostDown>, kKeepsHash},
    {"PublicKey", kPeer, kWg, kLastHolds, SetPublicKey},
    {"PresharedKey", kPeer, kWg, kLastHolds, SetPresharedKey},
    {"AllowedIPs", kPeer, kWg, kAddsUp, AddAllowedIps},
    {"Endpoint", kPeer, kWg, kLastHolds, SetEndpoint},
    {"PersistentKeepalive", kPeer, kWg, kLastHolds, SetKeepalive},
};

bool IsWrittenAs(const KeyRow& row, std::string_view written) {
  if (row.grammar == kWgQuick) return EqualsIgnoreCase(written, row.name);
  return EqualsIgnoreCase(Squeezed(written).view(), row.name);
}

}  // namespace

std::span<const KeyRow> KeyTable() { return kKeys; }

const KeyRow* FindKey(std::string_view written) {
  for (const KeyRow& row : kKeys) {
    if (IsWrittenAs(row, written)) return &row;
  }
  return nullptr;
}

const KeyRow* NearestKey(std::string_view written, Grammar grammar, SectionKind section) {
  constexpr size_t kLongest = 32;  // no key is longer, so nothing longer is near
  if (written.size() > kLongest) return nullptr;
  const KeyRow* nearest = nullptr;
  int least = 0;
  for (const KeyRow& row : kKeys) {
    if (grammar == kWg && row.grammar != kWg) continue;
    const int distance = EditDistance(written, row.name);
    if (distance > 1 + static_cast<int>(row.name.size()) / 6) continue;
    if (nearest == nullptr || distance < least ||
        (distance == least && row.section == section && nearest->section != section)) {
      nearest = &row;
      least = distance;
    }
  }
  return nearest;
}

int EditDistance(std::string_view a, std::string_view b) {
  // Rows of the usual table for the first i-1, i and i+1 letters of `a`.
  std::vector<int> before(b.size() + 1);
  std::vector<int> last(b.size() + 1);
  std::vector<int> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = static_cast<int>(j);
  const auto same = [&](size_t i, size_t j) { return ToLower(a[i]) == ToLower(b[j]); };
  for (size_t i = 0; i < a.size(); ++i) {
    before.swap(last);
    last.swap(row);
    row[0] = static_cast<int>(i) + 1;
    for (size_t j = 0; j < b.size(); ++j) {
      row[j + 1] = std::min({last[j + 1] + 1, row[j] + 1, last[j] + (same(i, j) ? 0 : 1)});
      if (i > 0 && j > 0 && same(i, j - 1) && same(i - 1, j)) {
        row[j + 1] = std::min(row[j + 1], before[j - 1] + 1);
      }
    }
  }
  return row[b.size()];
}

}  // namespace wgnet::conf
