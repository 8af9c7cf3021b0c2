// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/conf/edit.h"

#include "src/conf/ascii.h"
#include "src/conf/key_table.h"

namespace wgnet::conf {
namespace {

using Line = ConfFile::Line;
using LineKind = ConfFile::LineKind;

// Past what a string keeps in itself, which may be on the stack.
SecretString Join(std::initializer_list<std::string_view> parts) {
  SecretString text;
  size_t size = 64;
  for (const std::string_view part : parts) size += part.size();
  text.reserve(size);
  for (const std::string_view part : parts) text.append(part);
  return text;
}

// Calls visit(value) for what stands between commas.
void ForEachValue(std::string_view list, const std::function<void(std::string_view)>& visit) {
  while (true) {
    const size_t comma = list.find(',');
    const std::string_view value = Trim(list.substr(0, comma));
    if (!value.empty()) visit(value);
    if (comma == list.npos) return;
    list.remove_prefix(comma + 1);
  }
}

}  // namespace

Edit::Edit(const ConfFile& file) : file_(file), entries_(file.lines().size()) {}

std::vector<Scope> Edit::Blocks() const {
  const auto lines = file_.lines();
  std::vector<Scope> blocks;
  size_t next = 0;
  for (const ConfFile::Section& section : file_.sections()) {
    const bool last = &section == &file_.sections().back();
    const auto first = static_cast<size_t>(section.lines.data() - lines.data());
    size_t end = first + section.lines.size();
    while (!last && end > next && lines[end - 1].kind == LineKind::kComment) --end;
    Scope& block = blocks.emplace_back();
    for (; next < end; ++next) block.push_back(next);
  }
  return blocks;
}

bool Edit::HasKey(size_t line, std::string_view key) const {
  if (entries_[line].gone || file_.lines()[line].kind != LineKind::kKey) return false;
  const KeyRow* row = FindKey(file_.lines()[line].key);
  return row != nullptr && row->name == key;
}

void Edit::SetValue(const Scope& scope, std::string_view key, std::optional<SecretString> value) {
  std::optional<size_t> last;
  for (const size_t line : scope) {
    if (!HasKey(line, key)) continue;
    last = line;
    if (!value) entries_[line].gone = true;
  }
  if (!value) return;
  if (last) {
    Rewrite(*last, *value);
  } else {
    InsertBehindKeys(scope, Join({key, " = ", *value}));
  }
}

void Edit::SetValues(const Scope& scope, std::string_view key,
                     const std::function<bool(std::string_view)>& keeps, std::string_view missing) {
  for (const size_t line : scope) {
    if (!HasKey(line, key)) continue;
    SecretString kept;
    bool all = true;
    ForEachValue(file_.lines()[line].value, [&](std::string_view value) {
      if (!keeps(value)) {
        all = false;
        return;
      }
      if (!kept.empty()) kept.append(", ");
      kept.append(value);
    });
    if (kept.empty() && !all) {
      entries_[line].gone = true;
    } else if (!all) {
      Rewrite(line, kept);
    }
  }
  if (!missing.empty()) InsertBehindKeys(scope, Join({key, " = ", missing}));
}

void Edit::Drop(const Scope& scope) {
  for (const size_t line : scope) entries_[line].gone = true;
}

void Edit::Append(SecretString line) { appended_.push_back(std::move(line)); }

void Edit::Rewrite(size_t line, std::string_view value) {
  const Line& old = file_.lines()[line];
  const size_t at = static_cast<size_t>(old.value.data() - old.text.data());
  entries_[line].text =
      Join({old.text.substr(0, at), value, old.text.substr(at + old.value.size())});
}

void Edit::InsertBehindKeys(const Scope& scope, SecretString line) {
  size_t place = scope.front();
  for (const size_t each : scope) {
    const LineKind kind = file_.lines()[each].kind;
    if (kind == LineKind::kKey || kind == LineKind::kSection) place = each;
  }
  entries_[place].after.push_back(std::move(line));
}

SecretString Edit::Finish() const {
  const auto lines = file_.lines();
  const std::string_view end =
      lines.empty() || lines.front().end.empty() ? "\n" : lines.front().end;
  SecretString text;
  text.reserve(file_.text().size() + 4096);
  const auto add = [&](std::string_view line, std::string_view line_end) {
    if (!text.empty() && text.back() != '\n') text.append(end);
    text.append(line).append(line_end);
  };
  for (size_t i = 0; i < lines.size(); ++i) {
    const Entry& entry = entries_[i];
    if (!entry.gone) add(entry.text ? std::string_view(*entry.text) : lines[i].text, lines[i].end);
    for (const SecretString& line : entry.after) add(line, end);
  }
  for (const SecretString& line : appended_) add(line, end);
  return text;
}

}  // namespace wgnet::conf
