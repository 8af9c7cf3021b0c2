// SPDX-License-Identifier: MIT OR Apache-2.0
// The table of docs/ownership.md, beside what the library does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <vector>

#include "src/plan/garbage.h"
#include "tests/support/object_cases.h"

namespace wgnet::plan {
namespace {

using ::testing::HasSubstr;

struct Row {
  std::string mark;
  std::string without_record;
};

// The rows of the table, by kind.
std::map<std::string, Row> ReadTable() {
  std::ifstream file(WGNET_SOURCE_DIR "/docs/ownership.md");
  std::map<std::string, Row> rows;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("| `")) continue;
    std::istringstream in(line);
    std::vector<std::string> cells;
    for (std::string cell; std::getline(in, cell, '|');) cells.push_back(cell);
    if (cells.size() != 5) continue;
    const std::string kind = cells[1].substr(2, cells[1].rfind('`') - 2);
    rows[kind] = {cells[3], cells[4]};
  }
  return rows;
}

kernel::Object Marked(kernel::Object object) {
  if (auto* link = std::get_if<kernel::Link>(&object)) link->group = kernel::kLinkGroup;
  if (auto* address = std::get_if<kernel::Address>(&object)) address->protocol = kernel::kProtocol;
  if (auto* route = std::get_if<kernel::Route>(&object)) route->protocol = kernel::kProtocol;
  if (auto* rule = std::get_if<kernel::Rule>(&object)) rule->protocol = kernel::kProtocol;
  if (auto* table = std::get_if<kernel::NftTable>(&object)) table->comment = "wgnet:owner";
  return object;
}

template <size_t... Kind>
std::vector<kernel::Object> AllKinds(std::index_sequence<Kind...>) {
  return {kernel::Object(std::in_place_index<Kind>)...};
}

TEST(OwnershipTable, HasEveryKindAndWhatCleaningUpDoesWithIt) {
  auto rows = ReadTable();
  for (const kernel::Object& object :
       AllKinds(std::make_index_sequence<std::variant_size_v<kernel::Object>>())) {
    const std::string kind(kernel::KindOf(object));
    ASSERT_TRUE(rows.contains(kind)) << kind;
    const bool removed = rows[kind].without_record.find("`gc` removes it") != std::string::npos;
    EXPECT_EQ(IsMarked(Marked(object)), removed) << kind;
    EXPECT_FALSE(IsMarked(object)) << kind;
    rows.erase(kind);
  }
  EXPECT_TRUE(rows.empty()) << rows.begin()->first;
}

TEST(OwnershipTable, SaysTheMarks) {
  const auto rows = ReadTable();
  EXPECT_THAT(rows.at("link").mark, HasSubstr(std::to_string(kernel::kLinkGroup)));
  for (const char* kind : {"address", "route", "rule"}) {
    EXPECT_THAT(rows.at(kind).mark, HasSubstr(std::to_string(kernel::kProtocol))) << kind;
  }
}

}  // namespace
}  // namespace wgnet::plan
