// SPDX-License-Identifier: MIT OR Apache-2.0
// Includes go one way: base <- netlink <- kernel <- plan <- api <- {capi, bindings, examples};
// conf, dns, wireguard and topology stand beside plan.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>

namespace {

namespace fs = std::filesystem;

// The layers that a layer may include, besides itself and public headers.
const std::map<std::string, std::set<std::string>> kAllowed = {
    {"src/base", {}},
    {"src/netlink", {"src/base"}},
    {"src/kernel", {"src/base", "src/netlink"}},
    {"src/plan", {"src/base", "src/netlink", "src/kernel"}},
    {"src/conf", {"src/base"}},
    {"src/dns", {"src/base"}},
    {"src/wireguard", {"src/base", "src/netlink", "src/kernel"}},
    {"src/topology", {"src/base"}},
    {"src/api",
     {"src/base", "src/netlink", "src/kernel", "src/plan", "src/conf", "src/dns", "src/wireguard",
      "src/topology"}},
    {"capi", {}},
    {"bindings/python", {}},
    {"examples", {}},
    {"include/wgnet", {}},
};

// Libraries that one place only may know.
const std::map<std::string, std::string> kLibraries = {
    {R"(libmnl/)", "src/netlink/"},
    {R"(libnftnl/)", "src/kernel/nft_"},
};

std::string LayerOf(const std::string& path) {
  for (const auto& [layer, allowed] : kAllowed) {
    if (path.starts_with(layer + "/")) return layer;
  }
  return "";
}

struct Include {
  std::string file;
  int line;
  std::string target;
  bool quoted;
};

std::vector<Include> IncludesOf(const fs::path& root, const std::string& file) {
  static const std::regex kInclude(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> includes;
  std::ifstream in(root / file);
  std::string text;
  for (int line = 1; std::getline(in, text); ++line) {
    std::smatch match;
    if (std::regex_search(text, match, kInclude)) {
      includes.push_back({file, line, match[2], match[1] == "\""});
    }
  }
  return includes;
}

std::vector<Include> AllIncludes() {
  const fs::path root = WGNET_SOURCE_DIR;
  std::vector<Include> all;
  for (const char* top : {"include", "src", "capi", "bindings", "examples"}) {
    if (!fs::exists(root / top)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / top)) {
      const std::string extension = entry.path().extension();
      if (extension != ".h" && extension != ".cc" && extension != ".c") continue;
      const auto includes = IncludesOf(root, fs::relative(entry.path(), root));
      all.insert(all.end(), includes.begin(), includes.end());
    }
  }
  return all;
}

std::string At(const Include& include) {
  return include.file + ":" + std::to_string(include.line) + " includes " + include.target;
}

TEST(IncludeDirection, EveryArrowPointsDown) {
  const auto includes = AllIncludes();
  ASSERT_GT(includes.size(), 200u);
  for (const Include& include : includes) {
    if (!include.quoted) continue;
    const std::string from = LayerOf(include.file);
    const std::string to = LayerOf(include.target);
    if (to.empty() || to == from) continue;
    EXPECT_TRUE(kAllowed.at(from).contains(to)) << At(include);
  }
}

TEST(IncludeDirection, PublicHeadersIncludeTheStandardLibraryOnly) {
  for (const Include& include : AllIncludes()) {
    if (!include.file.starts_with("include/")) continue;
    if (include.quoted) {
      EXPECT_TRUE(include.target.starts_with("wgnet/")) << At(include);
    } else {
      EXPECT_EQ(include.target.find_first_of("./"), std::string::npos) << At(include);
    }
  }
}

TEST(IncludeDirection, LibrariesHaveOnePlace) {
  for (const Include& include : AllIncludes()) {
    for (const auto& [library, place] : kLibraries) {
      if (!include.target.starts_with(library)) continue;
      EXPECT_TRUE(include.file.starts_with(place)) << At(include);
    }
  }
}

}  // namespace
