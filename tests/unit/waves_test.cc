// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/plan/waves.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client_script.h"

namespace wgnet::plan {
namespace {

using ::testing::HasSubstr;

// An attribute's length has 16 bits (struct nlattr).
TEST(WavesTest, AnAttributeThatIsTooLongNamesItsStep) {
  netlink::ScriptedTransport transport;
  netlink::Client client(transport);
  kernel::NftSet set;
  set.family = kernel::nft::TableFamily::kInet;
  set.table = "wgnet";
  set.name = "hosts";
  const Op first{.verb = kernel::Verb::kAdd, .object = set};
  set.userdata = std::vector<std::byte>(70000);
  const Op second{.verb = kernel::Verb::kAdd, .object = set};
  const auto waves = Waves::Encode({first, second}, std::nullopt, {}, client);
  ASSERT_FALSE(waves.ok());
  EXPECT_EQ(waves.error().code, ErrorCode::kNotSupported);
  EXPECT_THAT(waves.error().message, HasSubstr("step 2 does not fit into a message"));
  EXPECT_FALSE(waves.error().hint.empty());
  EXPECT_TRUE(transport.sent().empty());
}

}  // namespace
}  // namespace wgnet::plan
