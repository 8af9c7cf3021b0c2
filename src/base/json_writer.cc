// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/json_writer.h"

#include "src/base/text.h"

namespace wgnet {

JsonWriter& JsonWriter::Key(std::string_view key) {
  Separate();
  text_ += QuoteForJson(key);
  text_ += indented_ ? ": " : ":";
  after_key_ = true;
  return *this;
}

void JsonWriter::String(std::string_view text) { Raw(QuoteForJson(text)); }

void JsonWriter::Raw(std::string_view token) {
  Separate();
  text_ += token;
}

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (!first_) text_ += ',';
  first_ = false;
  if (depth_ > 0) NewLine();
}

void JsonWriter::NewLine() {
  if (!indented_) return;
  text_ += '\n';
  text_.append(static_cast<size_t>(depth_) * 2, ' ');
}

void JsonWriter::Open(char bracket) {
  Separate();
  text_ += bracket;
  ++depth_;
  first_ = true;
}

void JsonWriter::Close(char bracket) {
  --depth_;
  if (!first_) NewLine();
  text_ += bracket;
  first_ = false;
}

}  // namespace wgnet
