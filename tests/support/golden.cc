// SPDX-License-Identifier: MIT OR Apache-2.0
#include "tests/support/golden.h"

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <vector>

namespace wgnet::testing {
namespace {

constexpr size_t kMostLines = 20;

std::vector<std::string> LinesOf(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// What is left of both behind their common beginning and before their common end.
std::string DifferenceOf(std::vector<std::string> golden, std::vector<std::string> now) {
  size_t at = 0;
  while (at < golden.size() && at < now.size() && golden[at] == now[at]) ++at;
  while (golden.size() > at && now.size() > at && golden.back() == now.back()) {
    golden.pop_back();
    now.pop_back();
  }
  std::string text = "from line " + std::to_string(at + 1) + " on:\n";
  for (size_t i = at; i < golden.size() && i < at + kMostLines; ++i) text += "-" + golden[i] + "\n";
  for (size_t i = at; i < now.size() && i < at + kMostLines; ++i) text += "+" + now[i] + "\n";
  return text;
}

}  // namespace

std::string CompareWithGolden(const std::string& path, const std::string& text) {
  const char* update = std::getenv("WGNET_UPDATE_GOLDENS");
  if (update != nullptr && std::string(update) == "1") {
    std::ofstream(path) << text;
    return path + " was written; run again without WGNET_UPDATE_GOLDENS";
  }
  std::ifstream in(path);
  if (!in) return path + " is missing; WGNET_UPDATE_GOLDENS=1 writes it";
  std::ostringstream golden;
  golden << in.rdbuf();
  if (golden.str() == text) return "";
  return path + " " + DifferenceOf(LinesOf(golden.str()), LinesOf(text));
}

}  // namespace wgnet::testing
