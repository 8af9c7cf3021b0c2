// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/dns/resolv_conf.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <utility>

namespace wgnet::dns {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kMark = "# wgnet ";
constexpr std::string_view kExclusive = "exclusive";
constexpr std::string_view kOrder = "order";
constexpr std::string_view kBegin =
    "# wgnet begin: from here to the end mark, lines are not kept\n";
constexpr std::string_view kEnd = "# wgnet end\n";
constexpr std::string_view kMade = "# wgnet made this file\n";
constexpr std::string_view kLink = "# wgnet link ";
constexpr std::string_view kOff = "# wgnet off: ";

// The first word, which is taken off.
std::string_view TakeWord(std::string_view& text) {
  const size_t begin = std::min(text.find_first_not_of(kBlanks), text.size());
  text.remove_prefix(begin);
  const std::string_view word = text.substr(0, text.find_first_of(kBlanks));
  text.remove_prefix(word.size());
  return word;
}

// The first line with its end, which is taken off.
std::string_view TakeLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end == text.npos ? end : end + 1);
  text.remove_prefix(line.size());
  return line;
}

void ForEachLine(std::string_view text, const std::function<void(std::string_view)>& visit) {
  while (!text.empty()) visit(TakeLine(text));
}

void AddServer(std::string_view word, DnsConfig& config) {
  if (auto server = IpAddress::Parse(word)) config.servers.push_back(*server);
}

void AddDomains(std::string_view words, DnsConfig& config) {
  for (auto word = TakeWord(words); !word.empty(); word = TakeWord(words)) {
    if (auto domain = DomainName::Parse(word)) config.domains.push_back(*std::move(domain));
  }
}

// One line of resolv.conf(5).
void ReadLine(std::string_view line, DnsConfig& config) {
  const std::string_view keyword = TakeWord(line);
  if (keyword == "nameserver") AddServer(TakeWord(line), config);
  if (keyword != "search" && keyword != "domain") return;
  config.domains.clear();
  AddDomains(line, config);
}

bool IsKeyword(std::string_view line, std::initializer_list<std::string_view> keywords) {
  const std::string_view keyword = TakeWord(line);
  return std::find(keywords.begin(), keywords.end(), keyword) != keywords.end();
}

template <class T>
void AppendOnce(std::vector<T>& to, const std::vector<T>& from) {
  for (const T& value : from) {
    if (std::find(to.begin(), to.end(), value) == to.end()) to.push_back(value);
  }
}

void ReadOrder(std::string_view word, DnsConfig& config) {
  uint32_t order = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), order);
  if (error == std::errc() && end == word.data() + word.size()) config.order = order;
}

bool IsExclusive(const FileLink& link) { return link.config.exclusive.value_or(false); }

// What the links and the rest of the file come to. One that is exclusive leaves only others that
// are so.
DnsConfig Together(const std::vector<FileLink>& links, const DnsConfig& rest) {
  DnsConfig all;
  all.exclusive = std::any_of(links.begin(), links.end(), IsExclusive);
  for (const FileLink& link : links) {
    AppendOnce(all.domains, link.config.domains);
    if (IsExclusive(link) == all.exclusive) AppendOnce(all.servers, link.config.servers);
  }
  if (all.exclusive == false && !all.domains.empty()) AppendOnce(all.domains, rest.domains);
  return all;
}

// Where wgnet's block begins and ends. If somebody took its end away, it ends with wgnet's
// comments.
std::pair<size_t, size_t> FindBlock(std::string_view text) {
  size_t begin = text.find(kBegin);
  while (begin != text.npos && begin != 0 && text[begin - 1] != '\n') {
    begin = text.find(kBegin, begin + 1);
  }
  if (begin == text.npos) return {text.size(), text.size()};
  const size_t end = text.find(kEnd, begin);
  if (end != text.npos) return {begin, end + kEnd.size()};
  std::string_view after = text.substr(begin);
  while (after.starts_with(kMark)) TakeLine(after);
  return {begin, text.size() - after.size()};
}

std::string LinkLine(const FileLink& link) {
  std::string line = std::string(kLink) + link.netns_id + " " + link.link;
  line += " " + std::string(kOrder) + " " + std::to_string(*link.config.order);
  if (IsExclusive(link)) line += " " + std::string(kExclusive);
  for (const IpAddress& server : link.config.servers) line += " nameserver " + server.ToString();
  for (const DomainName& domain : link.config.domains) line += " search " + domain.ToString();
  return line + "\n";
}

}  // namespace

DnsConfig ReadLines(std::string_view text) {
  DnsConfig config;
  ForEachLine(text, [&](std::string_view line) { ReadLine(line, config); });
  return config;
}

std::string LinesOf(const DnsConfig& config) {
  std::string text;
  for (const IpAddress& server : config.servers) text += "nameserver " + server.ToString() + "\n";
  if (config.domains.empty()) return text;
  text += "search";
  for (const DomainName& domain : config.domains) text += " " + domain.ToString();
  return text + "\n";
}

ResolvConf::ResolvConf(std::optional<std::string_view> text) : made_(!text) {
  if (!text) return;
  const auto [begin, end] = FindBlock(*text);
  ReadBlock(text->substr(begin, end - begin));
  for (const std::string_view part : {text->substr(0, begin), text->substr(end)}) {
    ForEachLine(part, [&](std::string_view line) {
      while (line.starts_with(kOff)) line.remove_prefix(kOff.size());
      if (line != kBegin) rest_ += line;
    });
  }
}

void ResolvConf::ReadBlock(std::string_view block) {
  ForEachLine(block, [&](std::string_view line) {
    if (line == kMade) made_ = true;
    if (line.starts_with(kLink)) ReadLink(line.substr(kLink.size()));
  });
  FillInOrder();
}

// The lines stand in their order, also those without a number.
void ResolvConf::FillInOrder() {
  uint32_t order = 0;
  for (auto link = links_.rbegin(); link != links_.rend(); ++link) {
    order = link->config.order.value_or(order + 1);
    link->config.order = order;
  }
}

void ResolvConf::ReadLink(std::string_view words) {
  FileLink link;
  link.netns_id = TakeWord(words);
  link.link = TakeWord(words);
  link.config.exclusive = false;
  for (auto word = TakeWord(words); !word.empty(); word = TakeWord(words)) {
    if (word == kExclusive) link.config.exclusive = true;
    if (word == kOrder) ReadOrder(TakeWord(words), link.config);
    if (word == "nameserver") AddServer(TakeWord(words), link.config);
    if (word == "search") AddDomains(TakeWord(words), link.config);
  }
  if (!link.link.empty()) links_.push_back(std::move(link));
}

const FileLink* ResolvConf::Find(std::string_view netns_id, std::string_view link) const {
  const auto found = std::find_if(links_.begin(), links_.end(), [&](const FileLink& each) {
    return each.netns_id == netns_id && each.link == link;
  });
  return found == links_.end() ? nullptr : &*found;
}

void ResolvConf::Set(FileLink link) {
  auto& order = link.config.order;
  const FileLink* const before = Find(link.netns_id, link.link);
  if (!order && before != nullptr) order = before->config.order;
  if (!order) order = links_.empty() ? 1 : *links_.front().config.order + 1;
  Remove(link.netns_id, link.link);
  const auto place = std::find_if(links_.begin(), links_.end(), [&](const FileLink& other) {
    return *other.config.order <= *order;
  });
  links_.insert(place, std::move(link));
}

void ResolvConf::Remove(std::string_view netns_id, std::string_view link) {
  std::erase_if(
      links_, [&](const FileLink& each) { return each.netns_id == netns_id && each.link == link; });
}

void ResolvConf::KeepOnly(std::string_view netns_id_prefix) {
  std::erase_if(links_, [&](const FileLink& each) {
    return !std::string_view(each.netns_id).starts_with(netns_id_prefix);
  });
}

std::optional<std::string> ResolvConf::Text() const {
  if (links_.empty()) return made_ && rest_.empty() ? std::nullopt : std::optional(rest_);
  const DnsConfig all = Together(links_, ReadLines(rest_));
  std::string text(kBegin);
  if (made_) text += kMade;
  for (const FileLink& link : links_) text += LinkLine(link);
  text += LinesOf(all);
  text += kEnd;
  ForEachLine(rest_, [&](std::string_view line) {
    const bool off =
        (*all.exclusive && IsKeyword(line, {"nameserver"})) ||
        ((*all.exclusive || !all.domains.empty()) && IsKeyword(line, {"search", "domain"}));
    if (off) text += kOff;
    text += line;
  });
  return text;
}

}  // namespace wgnet::dns
