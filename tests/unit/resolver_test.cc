// SPDX-License-Identifier: MIT OR Apache-2.0
// The machine's own look-ups, without a name server: by numbers and /etc/hosts.
#include "wgnet/resolver.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace wgnet {
namespace {

using ::testing::Contains;
using Kind = HostAnswer::Kind;

TEST(SystemResolverTest, NumbersAreWhatTheyAreToLibc) {
  const std::string hosts[] = {"10.1", "0x7f.1", "192.0.2.7"};
  const auto answers =
      SystemResolver()->LookUp(hosts, std::chrono::steady_clock::now() + std::chrono::seconds(20));
  ASSERT_EQ(answers.size(), 3u);
  const char* kAddresses[] = {"10.0.0.1", "127.0.0.1", "192.0.2.7"};
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(answers[i].kind, Kind::kFound) << hosts[i];
    EXPECT_EQ(answers[i].addresses.at(0).ToString(), kAddresses[i]);
  }
}

TEST(SystemResolverTest, HostsOfTheMachineAreFound) {
  const std::string hosts[] = {"localhost"};
  const auto answers =
      SystemResolver()->LookUp(hosts, std::chrono::steady_clock::now() + std::chrono::seconds(20));
  ASSERT_EQ(answers.size(), 1u);
  ASSERT_EQ(answers[0].kind, Kind::kFound) << answers[0].reason;
  EXPECT_THAT(answers[0].addresses, Contains(*IpAddress::Parse("127.0.0.1")));
}

TEST(SystemResolverTest, NothingIsAskedAfterTheDeadline) {
  const std::string hosts[] = {"no-such-name.invalid"};
  const auto answers = SystemResolver()->LookUp(hosts, Resolver::TimePoint());
  ASSERT_EQ(answers.size(), 1u);
  EXPECT_EQ(answers[0].kind, Kind::kTryAgain);
}

}  // namespace
}  // namespace wgnet
