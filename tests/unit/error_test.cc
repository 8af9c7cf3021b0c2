// SPDX-License-Identifier: MIT OR Apache-2.0
#include "wgnet/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

namespace wgnet {
namespace {

constexpr int kLastCode = static_cast<int>(ErrorCode::kDns);

// The kernel refused a route, and all was taken back.
Error Refused() {
  return {.code = ErrorCode::kKernel,
          .message = "Network is unreachable",
          .hint = "bring the link up",
          .step = 7,
          .steps = 12,
          .command = "ip route add 10.0.0.0/8 dev wg0",
          .error_number = ENETUNREACH,
          .rollback = RollbackReport{.undone = 6}};
}

TEST(ErrorCodeTest, EveryCodeHasANameOfItsOwn) {
  std::map<std::string_view, int> codes;
  for (int code = 1; code <= kLastCode; ++code) {
    const std::string_view name = ErrorCodeName(static_cast<ErrorCode>(code));
    EXPECT_NE(name, "unknown") << code;
    EXPECT_TRUE(codes.emplace(name, code).second) << name;
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), name.npos) << name;
  }
  EXPECT_EQ(ErrorCodeName(static_cast<ErrorCode>(0)), "unknown");
  EXPECT_EQ(ErrorCodeName(static_cast<ErrorCode>(kLastCode + 1)), "unknown");
}

// The numbers are an ABI.
TEST(ErrorCodeTest, NamesAndNumbersStay) {
  const std::vector<std::string_view> kNames = {"invalid-argument",
                                                "parse",
                                                "io",
                                                "not-found",
                                                "permission",
                                                "module-missing",
                                                "not-supported",
                                                "name-taken",
                                                "port-in-use",
                                                "conflict",
                                                "read-only",
                                                "busy",
                                                "stale",
                                                "kernel",
                                                "verify",
                                                "rollback-incomplete",
                                                "state",
                                                "unresolved",
                                                "no-memory",
                                                "hook",
                                                "dns"};
  ASSERT_EQ(kNames.size(), static_cast<size_t>(kLastCode));
  for (size_t i = 0; i < kNames.size(); ++i) {
    EXPECT_EQ(ErrorCodeName(static_cast<ErrorCode>(i + 1)), kNames[i]);
  }
}

TEST(ErrorTest, ToStringSaysWhichWhatAndWhy) {
  struct Case {
    Error error;
    const char* text;
  };
  Error leftover = Refused();
  leftover.hint.clear();
  leftover.rollback = RollbackReport{.undone = 5,
                                     .lossy = {"the session of: wg set wg0 peer X"},
                                     .leftovers = {{"ip link add dev wg0", "somebody else's"}}};
  Error kernel = Refused();
  kernel.hint.clear();
  kernel.rollback.reset();
  kernel.kernel_message = "Nexthop has invalid gateway";
  kernel.kernel_attribute = "gateway";
  const Case kCases[] = {
      {{.message = "a sentence"}, "a sentence"},
      {{.message = "not a port: 70000",
        .where = "Interface(\"wg0\").ListenPort",
        .hint = "0 to 65535"},
       "Interface(\"wg0\").ListenPort: not a port: 70000\n  hint: 0 to 65535"},
      {Refused(),
       "step 7/12: ip route add 10.0.0.0/8 dev wg0: Network is unreachable; rolled back, nothing "
       "left\n  hint: bring the link up"},
      {leftover,
       "step 7/12: ip route add 10.0.0.0/8 dev wg0: Network is unreachable; rolled back, but:\n"
       "  left: ip link add dev wg0: somebody else's\n"
       "  came back anew: the session of: wg set wg0 peer X"},
      {kernel,
       "step 7/12: ip route add 10.0.0.0/8 dev wg0: Network is unreachable (kernel: Nexthop has "
       "invalid gateway) (at gateway)"},
  };
  for (const auto& [error, text] : kCases) {
    EXPECT_EQ(error.ToString(), text);
    std::ostringstream out;
    out << error;
    EXPECT_EQ(out.str(), text);
  }
}

TEST(ErrorTest, ToJsonHasWhatIsKnownOnly) {
  EXPECT_EQ((Error{.code = ErrorCode::kBusy, .message = "process 7 is changing it"}.ToJson()), R"({
  "schema": "wgnet/1",
  "error": {
    "code": "busy",
    "message": "process 7 is changing it"
  }
})");
}

TEST(ErrorTest, ToJsonHasEverythingThatIsKnown) {
  Error error = Refused();
  error.where = "a.conf:3:1";
  error.kernel_message = "no";
  error.kernel_attribute = "dev";
  error.rollback = RollbackReport{.undone = 5, .lossy = {"a"}, .leftovers = {{"ip \"x\"", "b"}}};
  const auto json = nlohmann::json::parse(error.ToJson(), nullptr, false);
  const auto expected = nlohmann::json::parse(R"({"schema": "wgnet/1", "error": {
      "code": "kernel", "message": "Network is unreachable", "where": "a.conf:3:1",
      "hint": "bring the link up", "step": 7, "steps": 12,
      "command": "ip route add 10.0.0.0/8 dev wg0", "errno": 101, "kernel_message": "no",
      "kernel_attribute": "dev",
      "rollback": {"undone": 5, "complete": false, "lossy": ["a"],
                   "leftovers": [{"command": "ip \"x\"", "reason": "b"}]}}})");
  EXPECT_EQ(json, expected);
}

TEST(ErrorTest, ARollbackWithoutLeftoversIsComplete) {
  EXPECT_TRUE(RollbackReport{}.complete());
  EXPECT_TRUE((RollbackReport{.undone = 1, .lossy = {"a"}}).complete());
  EXPECT_FALSE((RollbackReport{.leftovers = {{"a", "b"}}}).complete());
}

TEST(ResultTest, HoldsAValueOrAnError) {
  const Result<std::string> good = std::string("value");
  const Result<std::string> bad = Refused();
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(*good, "value");
  EXPECT_EQ(good->size(), 5u);
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error(), Refused());
}

TEST(ResultTest, HandsItsValueOn) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  const std::unique_ptr<int> taken = *std::move(result);
  EXPECT_EQ(*taken, 7);
  Result<int> bad = Refused();
  EXPECT_EQ(std::move(bad).error(), Refused());
}

TEST(ResultTest, StatusIsSuccessUnlessItHoldsAnError) {
  EXPECT_TRUE(Status().ok());
  const Status bad = Refused();
  EXPECT_FALSE(bad.ok());
  EXPECT_EQ(bad.error(), Refused());
}

}  // namespace
}  // namespace wgnet
