// SPDX-License-Identifier: MIT OR Apache-2.0
// One example at least of each change of each kernel object, for the goldens.
#ifndef WGNET_TESTS_SUPPORT_OBJECT_CASES_H_
#define WGNET_TESTS_SUPPORT_OBJECT_CASES_H_

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "src/kernel/object.h"

namespace wgnet::testing {

inline IpAddress ParseIp(std::string_view text) { return *IpAddress::Parse(text); }
inline Prefix ParsePrefix(std::string_view text) { return *Prefix::Parse(text); }

/// A key whose bytes are `first`, `first` + 1, ...
template <class Key>
Key CountingKey(uint8_t first) {
  std::array<uint8_t, Key::kSize> bytes;
  for (uint8_t& byte : bytes) byte = first++;
  return Key(bytes);
}

/// An attribute as a dump gives it.
inline netlink::Extra RawAttribute(uint16_t type, std::vector<std::byte> payload) {
  netlink::Extra extra(NLA_HDRLEN + payload.size());
  const nlattr header{static_cast<uint16_t>(extra.size()), type};
  std::memcpy(extra.data(), &header, sizeof header);
  std::copy(payload.begin(), payload.end(), extra.begin() + NLA_HDRLEN);
  extra.resize(NLA_ALIGN(extra.size()));
  return extra;
}

struct ObjectCase {
  std::string name;
  kernel::Object object;
  kernel::Object before;  // the same as `object`, but for a change
};

/// What the goldens show of one verb of one kind: cases, or why there can be none.
struct VerbCases {
  std::vector<ObjectCase> cases;
  std::string no_meaning;
};

/// By kind and verb.
using ObjectCases = std::map<std::pair<std::string, kernel::Verb>, VerbCases>;

class CaseList {
 public:
  void Add(const std::string& name, const kernel::Object& object) {
    Put(kernel::Verb::kAdd, name, object, object);
  }
  void Change(const std::string& name, const kernel::Object& before, const kernel::Object& after) {
    Put(kernel::Verb::kChange, name, after, before);
  }
  void Delete(const std::string& name, const kernel::Object& object) {
    Put(kernel::Verb::kDelete, name, object, object);
  }
  void NoMeaning(const std::string& kind, kernel::Verb verb, const std::string& reason) {
    cases_[{kind, verb}].no_meaning = reason;
  }
  const ObjectCases& cases() const { return cases_; }

 private:
  void Put(kernel::Verb verb, const std::string& name, const kernel::Object& object,
           const kernel::Object& before) {
    cases_[{std::string(kernel::KindOf(object)), verb}].cases.push_back({name, object, before});
  }

  ObjectCases cases_;
};

inline kernel::LinkRef Wg0() { return {7, "wg0"}; }

/// Whoever adds a kind of object adds its three verbs to one of these.
void AddLinkCases(CaseList& list);
void AddAddressCases(CaseList& list);
void AddRouteCases(CaseList& list);
void AddRuleCases(CaseList& list);
void AddWireguardCases(CaseList& list);
void AddPeerCases(CaseList& list);
void AddNftCases(CaseList& list);
void AddSysctlCases(CaseList& list);
void AddDnsCases(CaseList& list);

/// All of them.
const ObjectCases& AllObjectCases();

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_SUPPORT_OBJECT_CASES_H_
