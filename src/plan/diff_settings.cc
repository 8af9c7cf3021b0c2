// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/diff_settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "src/base/try.h"

namespace wgnet::plan {
namespace {

class SettingsDiffer {
 public:
  SettingsDiffer(const Desired& desired, const Snapshot& snapshot, const Record& own,
                 std::span<const Record> others, Difference& difference)
      : desired_(desired),
        snapshot_(snapshot),
        own_(own),
        others_(others),
        difference_(difference) {}

  Status Run() {
    for (const auto& wanted : desired_.settings) WGNET_RETURN_IF_ERROR(Compare(wanted));
    for (size_t i = own_.claims.size(); i-- > 0;) ReleaseUnwanted(own_.claims[i]);
    return {};
  }

 private:
  static kernel::Sysctl SysctlOf(const kernel::SysctlSetting& setting) {
    kernel::Sysctl sysctl;
    sysctl.name = setting.name;
    sysctl.value = setting.value;
    return sysctl;
  }

  const kernel::Sysctl* FindSetting(const kernel::SysctlName& name) const {
    kernel::Sysctl key;
    key.name = name;
    const kernel::Object* found = snapshot_.Find(key);
    return found == nullptr ? nullptr : std::get_if<kernel::Sysctl>(found);
  }

  const Claim* FindClaimOfOthers(const kernel::SysctlName& name) const {
    for (const Record& other : others_) {
      if (const Claim* claim = other.FindClaim(name)) return claim;
    }
    return nullptr;
  }

  void PushChange(kernel::Sysctl before, kernel::Sysctl after, Phase phase) {
    difference_.ops.push_back({.verb = kernel::Verb::kChange,
                               .object = std::move(after),
                               .before = std::move(before),
                               .phase = phase});
  }

  Status Compare(const Desired::Setting& wanted) {
    const kernel::Sysctl* found = FindSetting(wanted.setting.name);
    if (found == nullptr) {
      return Error{
          .code = ErrorCode::kNotSupported,
          .message = fmt::format("this kernel has no setting {}", wanted.setting.name.view()),
          .hint = "it may be of a part that this kernel was built without"};
    }
    Claim claim{wanted.setting, *found->value, FootprintOf(wanted)};
    if (const Claim* known = own_.FindClaim(wanted.setting.name)) {
      claim.original = known->original;
      claim.footprint = known->footprint;
    } else if (const Claim* theirs = FindClaimOfOthers(wanted.setting.name)) {
      claim.original = theirs->original;
      claim.footprint = theirs->footprint;
    }
    if (found->value != wanted.setting.value) {
      kernel::Sysctl before = *found;
      before.footprint = FootprintOf(wanted);
      PushChange(before, SysctlOf(wanted.setting), ClaimPhase(wanted.setting.name, false));
    }
    difference_.record.claims.push_back(std::move(claim));
    return {};
  }

  std::vector<kernel::SysctlSetting> FootprintOf(const Desired::Setting& wanted) const {
    std::vector<kernel::SysctlSetting> footprint;
    for (const auto& name : wanted.footprint) {
      if (const kernel::Sysctl* moved = FindSetting(name)) {
        footprint.push_back({name, *moved->value});
      }
    }
    return footprint;
  }

  static Phase ClaimPhase(const kernel::SysctlName& name, bool removal) {
    const bool by_kernel = name.view() == "net/ipv4/conf/all/send_redirects";
    if (removal) return by_kernel ? Phase::kFootprintRemoval : Phase::kSettingRemoval;
    return by_kernel ? Phase::kFootprint : Phase::kSetting;
  }

  // The last owner puts the original back, if nobody else has changed the setting meanwhile.
  void ReleaseUnwanted(const Claim& claim) {
    const auto& name = claim.setting.name;
    const bool wanted =
        std::any_of(desired_.settings.begin(), desired_.settings.end(),
                    [&](const Desired::Setting& setting) { return setting.setting.name == name; });
    const kernel::Sysctl* found = FindSetting(name);
    if (wanted || found == nullptr || FindClaimOfOthers(name) != nullptr) return;
    if (found->value == claim.original) return;
    if (found->value != claim.setting.value) {
      difference_.warnings.push_back(fmt::format("{} is {}, which is not wgnet's value, and stays",
                                                 name.view(), found->value->view()));
      return;
    }
    Release(claim, *found);
  }

  // What the setting has moved goes back with it, but for what somebody has changed since.
  void Release(const Claim& claim, const kernel::Sysctl& found) {
    kernel::Sysctl original = SysctlOf({claim.setting.name, claim.original});
    original.footprint.emplace();
    kernel::Sysctl before = found;
    before.footprint.emplace();
    for (const kernel::SysctlSetting& moved : claim.footprint) {
      const kernel::Sysctl* now = FindSetting(moved.name);
      if (now == nullptr) continue;
      const bool untouched = now->value == claim.setting.value;
      original.footprint->push_back({moved.name, untouched ? moved.value : *now->value});
      before.footprint->push_back({moved.name, *now->value});
    }
    PushChange(before, original, ClaimPhase(claim.setting.name, true));
  }

  const Desired& desired_;
  const Snapshot& snapshot_;
  const Record& own_;
  std::span<const Record> others_;
  Difference& difference_;
};

}  // namespace

Status DiffSettings(const Desired& desired, const Snapshot& snapshot, const Record& own,
                    std::span<const Record> others, Difference& difference) {
  return SettingsDiffer(desired, snapshot, own, others, difference).Run();
}

}  // namespace wgnet::plan
