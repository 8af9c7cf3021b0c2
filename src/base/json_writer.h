// SPDX-License-Identifier: MIT OR Apache-2.0
// JSON out, in the order of the calls, on one line or indented by two blanks.
#ifndef WGNET_BASE_JSON_WRITER_H_
#define WGNET_BASE_JSON_WRITER_H_

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>

namespace wgnet {

class JsonWriter {
 public:
  explicit JsonWriter(bool indented = true) : indented_(indented) {}

  /// What `body` writes stands inside { } or [ ].
  template <class Body>
  void Object(Body&& body) {
    Open('{');
    body();
    Close('}');
  }
  template <class Body>
  void Array(Body&& body) {
    Open('[');
    body();
    Close(']');
  }
  JsonWriter& Key(std::string_view key);
  void String(std::string_view text);
  void Bool(bool value) { Raw(value ? "true" : "false"); }
  template <std::integral T>
  void Number(T value) {
    Raw(std::to_string(value));
  }
  void Null() { Raw("null"); }

  const std::string& text() const { return text_; }

 private:
  void Raw(std::string_view token);
  void Separate();
  void NewLine();
  void Open(char bracket);
  void Close(char bracket);

  std::string text_;
  bool indented_;
  int depth_ = 0;
  bool first_ = true;  // nothing stands in this bracket yet
  bool after_key_ = false;
};

}  // namespace wgnet

#endif  // WGNET_BASE_JSON_WRITER_H_
