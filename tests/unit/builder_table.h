// SPDX-License-Identifier: MIT OR Apache-2.0
// Checks that are the same for every builder, over tables of cases.
#ifndef WGNET_TESTS_UNIT_BUILDER_TABLE_H_
#define WGNET_TESTS_UNIT_BUILDER_TABLE_H_

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "wgnet/error.h"

namespace wgnet::testing {

template <class Builder>
std::vector<std::string> OptionNames() {
  std::vector<std::string> names;
  Builder builder;
  Builder::VisitOptions(
      builder, [&](std::string_view name, auto, const auto&) { names.emplace_back(name); });
  return names;
}

/// A builder to which a setter was given something wrong.
template <class Builder>
struct Mistake {
  Builder builder;
  std::string where;
  std::string message;  // a part of it
};

template <class Builder>
void ExpectMistakes(const std::vector<Mistake<Builder>>& mistakes) {
  for (const auto& [builder, where, message] : mistakes) {
    SCOPED_TRACE(where + ": " + message);
    ASSERT_TRUE(builder.error());
    EXPECT_EQ(builder.error()->code, ErrorCode::kInvalidArgument);
    EXPECT_EQ(builder.error()->where, where);
    EXPECT_NE(builder.error()->message.find(message), std::string::npos) << *builder.error();
    EXPECT_FALSE(builder.error()->hint.empty());
  }
}

/// A builder that differs from the bare one in one option.
template <class Builder>
struct Option {
  std::string name;
  Builder builder;
};

/// The table has every option, each of them shows in comparing, and a copy is equal.
template <class Builder>
void ExpectEveryOptionCompares(const Builder& bare, const std::vector<Option<Builder>>& options) {
  std::vector<std::string> names;
  for (size_t i = 0; i < options.size(); ++i) {
    SCOPED_TRACE(options[i].name);
    names.push_back(options[i].name);
    EXPECT_FALSE(options[i].builder.error());
    EXPECT_FALSE(options[i].builder == bare);
    EXPECT_EQ(options[i].builder, Builder(options[i].builder));
    for (size_t j = 0; j < i; ++j) EXPECT_FALSE(options[i].builder == options[j].builder) << j;
  }
  EXPECT_EQ(names, OptionNames<Builder>());
}

}  // namespace wgnet::testing

#endif  // WGNET_TESTS_UNIT_BUILDER_TABLE_H_
