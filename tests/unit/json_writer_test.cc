// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/json_writer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

namespace wgnet {
namespace {

// One document with everything in it.
void WriteAll(JsonWriter& out) {
  out.Object([&] {
    out.Key("text").String("a \"b\"\n");
    out.Key("true").Bool(true);
    out.Key("false").Bool(false);
    out.Key("null").Null();
    out.Key("small").Number(INT64_MIN);
    out.Key("large").Number(UINT64_MAX);
    out.Key("byte").Number(uint8_t{200});
    out.Key("").Array([&] {
      out.Number(1);
      out.Array([] {});
      out.Object([] {});
      out.Object([&] { out.Key("x").String(""); });
    });
  });
}

TEST(JsonWriterTest, IndentsByTwo) {
  JsonWriter out;
  WriteAll(out);
  EXPECT_EQ(out.text(), R"({
  "text": "a \"b\"\n",
  "true": true,
  "false": false,
  "null": null,
  "small": -9223372036854775808,
  "large": 18446744073709551615,
  "byte": 200,
  "": [
    1,
    [],
    {},
    {
      "x": ""
    }
  ]
})");
}

TEST(JsonWriterTest, OrStaysOnOneLine) {
  JsonWriter out(false);
  WriteAll(out);
  EXPECT_EQ(out.text(), R"({"text":"a \"b\"\n","true":true,"false":false,"null":null,)"
                        R"("small":-9223372036854775808,"large":18446744073709551615,"byte":200,)"
                        R"("":[1,[],{},{"x":""}]})");
}

TEST(JsonWriterTest, ASingleValueIsADocument) {
  JsonWriter text;
  text.String("a");
  EXPECT_EQ(text.text(), "\"a\"");
  JsonWriter empty;
  empty.Object([] {});
  EXPECT_EQ(empty.text(), "{}");
}

nlohmann::ordered_json WriteRandom(std::mt19937& random, int depth, JsonWriter& out) {
  const auto kind = random() % (depth > 0 ? 6 : 4);
  if (kind == 0) {
    out.Null();
    return nullptr;
  }
  if (kind == 1) {
    const auto number = static_cast<int>(random());
    out.Number(number);
    return number;
  }
  if (kind == 2) {
    const std::string text = "\t" + std::to_string(random());
    out.String(text);
    return text;
  }
  if (kind == 3) {
    out.Bool(true);
    return true;
  }
  const size_t size = random() % 4;
  nlohmann::ordered_json json =
      kind == 4 ? nlohmann::ordered_json::array() : nlohmann::ordered_json::object();
  const auto write = [&] {
    for (size_t i = 0; i < size; ++i) {
      if (kind == 4) {
        json.push_back(WriteRandom(random, depth - 1, out));
      } else {
        const std::string key = "key \"" + std::to_string(i);
        out.Key(key);
        json[key] = WriteRandom(random, depth - 1, out);
      }
    }
  };
  kind == 4 ? out.Array(write) : out.Object(write);
  return json;
}

TEST(JsonWriterTest, AParserReadsBackWhatWasWritten) {
  std::mt19937 random(1);
  for (int i = 0; i < 500; ++i) {
    JsonWriter out(i % 2 == 0);
    const auto expected = WriteRandom(random, 5, out);
    EXPECT_EQ(nlohmann::ordered_json::parse(out.text(), nullptr, false), expected) << out.text();
  }
}

}  // namespace
}  // namespace wgnet
