// SPDX-License-Identifier: MIT OR Apache-2.0
// What a transaction tells of replies and of resolvers that no kernel and no machine of the other
// tests has.
#include "src/plan/transaction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/client_script.h"

namespace wgnet::plan {
namespace {

using netlink::Done;
using netlink::ExplainedError;
using ::testing::HasSubstr;

class TransactionTest : public ::testing::Test {
 protected:
  Error ErrorOf(const PlanData& plan) {
    Transaction transaction(plan, client_);
    if (const Status ready = transaction.Prepare(); !ready) return ready.error();
    auto record = StateDir::Pending::Nothing();
    auto journal = StateDir::OpenJournal::Nothing();
    const Status status = transaction.Run(record, journal);
    return status ? Error{.message = "no error"} : status.error();
  }

  netlink::ScriptedTransport transport_;
  netlink::Client client_{transport_};
};

TEST_F(TransactionTest, AResolverThatIsNotThereIsAnError) {
  kernel::DnsSetting setting;
  setting.backend = DnsBackend::kFile;
  setting.path = "/etc/resolv.conf";
  setting.label = "wg0";
  setting.dev = kernel::LinkRef{7, "wg0"};
  setting.servers = {{*IpAddress::Parse("10.9.0.53")}};
  setting.domains.emplace();
  setting.exclusive = false;
  setting.required = true;
  setting.order = 0;
  const Error error = ErrorOf({.ops = {{.verb = kernel::Verb::kAdd, .object = setting}}});
  EXPECT_EQ(error.code, ErrorCode::kDns) << error;
  EXPECT_THAT(error.message, HasSubstr("there is no resolver"));
  EXPECT_EQ(error.step, 1);
  ASSERT_TRUE(error.rollback);
  EXPECT_TRUE(error.rollback->complete());
}

// The kernel's error points at a byte of the first attribute, IFA_LOCAL.
TEST_F(TransactionTest, TheAttributeThatAnErrorPointsAtIsNamed) {
  kernel::Address address;
  address.dev = kernel::LinkRef{7, "wg0"};
  address.local = *Prefix::Parse("10.9.0.1/24");
  const uint32_t first = client_.sequence();
  transport_.Answering({Done(first)});
  transport_.Answering({ExplainedError(first + 1, true)});
  const Error error = ErrorOf({.ops = {{.verb = kernel::Verb::kAdd, .object = address}}});
  EXPECT_EQ(error.kernel_attribute, "local") << error;
  EXPECT_EQ(error.kernel_message, "text");
  EXPECT_EQ(error.error_number, EINVAL);
  ASSERT_TRUE(error.rollback);
  EXPECT_TRUE(error.rollback->complete());
}

}  // namespace
}  // namespace wgnet::plan
