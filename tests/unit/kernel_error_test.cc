// SPDX-License-Identifier: MIT OR Apache-2.0
// What an errno of the kernel means for each kind of object.
#include "src/plan/kernel_error.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <set>

namespace wgnet::plan {
namespace {

using kernel::Object;
using kernel::Verb;
using ::testing::HasSubstr;

struct Case {
  Object object;
  int error_number;
  ErrorCode code;
  std::string_view hint;  // a part of it
  Verb verb = Verb::kAdd;
};

Error ErrorOf(const Case& c) {
  netlink::KernelError kernel_error;
  kernel_error.error_number = c.error_number;
  kernel_error.text = "what the kernel says";
  return ChangeError(c.verb, c.object, kernel_error);
}

std::vector<Case> Cases() {
  using C = ErrorCode;
  return {
      {kernel::Link(), EOPNOTSUPP, C::kModuleMissing, "modprobe wireguard"},
      {kernel::Link(), EEXIST, C::kStale, "plan again"},
      {kernel::Link(), EADDRINUSE, C::kPortInUse, "choose another ListenPort"},
      {kernel::WgDevice(), EADDRINUSE, C::kPortInUse, "choose another ListenPort"},
      {kernel::WgPeer(), EADDRINUSE, C::kPortInUse, "choose another ListenPort"},
      {kernel::WgDevice(), ENOENT, C::kModuleMissing, "modprobe wireguard"},
      {kernel::Address(), EEXIST, C::kConflict, "somebody else"},
      {kernel::Address(), EACCES, C::kNotSupported, "disable_ipv6"},
      {kernel::Address(), EOPNOTSUPP, C::kNotSupported, "no IPv6"},
      {kernel::Route(), EEXIST, C::kConflict, "somebody else"},
      {kernel::Route(), EACCES, C::kNotSupported, "IPv6 is off"},
      {kernel::Route(), EAFNOSUPPORT, C::kNotSupported, "no IPv6"},
      {kernel::Rule(), EEXIST, C::kConflict, "same rule"},
      {kernel::Rule(), EAFNOSUPPORT, C::kNotSupported, "policy routing"},
      {kernel::NftTable(), EEXIST, C::kConflict, "somebody else"},
      {kernel::NftChain(), ERESTART, C::kStale, "plan again"},
      {kernel::NftSet(), EPROTONOSUPPORT, C::kModuleMissing, "nf_tables"},
      {kernel::NftElement(), EOPNOTSUPP, C::kNotSupported, "lacks an nftables feature"},
      {kernel::NftChain(), ENOENT, C::kNotSupported, "lacks an nftables feature"},
      {kernel::NftChain(), ENOENT, C::kKernel, "dmesg", Verb::kDelete},
      {kernel::Sysctl(), EROFS, C::kReadOnly, "--sysctl", Verb::kChange},
      {kernel::Sysctl(), EACCES, C::kReadOnly, "--sysctl", Verb::kChange},
      {kernel::Link(), EINVAL, C::kKernel, "dmesg"},
      {kernel::Route(), ENETUNREACH, C::kKernel, "dmesg"},
      {kernel::Sysctl(), EINVAL, C::kKernel, "dmesg", Verb::kChange},
  };
}

TEST(KernelErrorTest, AnErrnoHasAMeaningForItsObject) {
  for (const Case& c : Cases()) {
    SCOPED_TRACE(std::string(kernel::KindOf(c.object)) + " " + std::to_string(c.error_number));
    const Error error = ErrorOf(c);
    EXPECT_EQ(error.code, c.code) << error;
    EXPECT_THAT(error.hint, HasSubstr(std::string(c.hint)));
    EXPECT_EQ(error.error_number, c.error_number);
    EXPECT_EQ(error.kernel_message, "what the kernel says");
    EXPECT_FALSE(error.message.empty());
  }
}

TEST(KernelErrorTest, NoPermissionIsTheSameForEveryObject) {
  const Object kObjects[] = {kernel::Link(),       kernel::Address(),  kernel::Route(),
                             kernel::Rule(),       kernel::WgDevice(), kernel::WgPeer(),
                             kernel::NftTable(),   kernel::NftChain(), kernel::NftSet(),
                             kernel::NftElement(), kernel::Sysctl(),   kernel::DnsSetting()};
  std::set<size_t> kinds;
  for (const Object& object : kObjects) {
    kinds.insert(object.index());
    const Error error = ErrorOf({object, EPERM, ErrorCode::kPermission, ""});
    EXPECT_EQ(error.code, ErrorCode::kPermission) << kernel::KindOf(object);
    EXPECT_THAT(error.hint, HasSubstr("CAP_NET_ADMIN"));
  }
  EXPECT_EQ(kinds.size(), std::variant_size_v<Object>);
}

TEST(KernelErrorTest, AnyErrnoOfAnyObjectHasAHint) {
  for (int number = 1; number < 134; ++number) {
    for (const Object& object :
         {Object(kernel::Link()), Object(kernel::Address()), Object(kernel::WgPeer()),
          Object(kernel::NftChain()), Object(kernel::Sysctl())}) {
      const Error error = ErrorOf({object, number, ErrorCode::kKernel, ""});
      EXPECT_FALSE(error.hint.empty()) << number;
      EXPECT_FALSE(error.message.empty()) << number;
    }
  }
}

TEST(KernelErrorTest, AReadThatFailedSaysWhatWasRead) {
  struct Read {
    int error_number;
    ErrorCode code;
  };
  const Read kReads[] = {{EPERM, ErrorCode::kPermission},
                         {EPROTONOSUPPORT, ErrorCode::kModuleMissing},
                         {EOPNOTSUPP, ErrorCode::kModuleMissing},
                         {ENOBUFS, ErrorCode::kKernel}};
  for (const auto& [number, code] : kReads) {
    netlink::ReadOutcome outcome;
    outcome.error_number = number;
    const Error error = ReadError(outcome, "routes");
    EXPECT_EQ(error.code, code);
    EXPECT_THAT(error.message, HasSubstr("cannot read routes: "));
    EXPECT_FALSE(error.hint.empty());
    EXPECT_EQ(error.error_number, number);
  }
}

}  // namespace
}  // namespace wgnet::plan
