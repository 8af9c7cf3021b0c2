// SPDX-License-Identifier: MIT OR Apache-2.0
// Files on disk: where they are, who may read them, and the names of routing tables.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "src/conf/route_tables.h"
#include "wgnet/conf.h"

namespace wgnet {
namespace {

namespace fs = std::filesystem;

using Grammar = ConfFile::Grammar;
using Location = ConfFile::Location;

class ConfReadTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "wgnet-conf-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { fs::remove_all(directory_); }

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }

  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) const {
    const std::string path = Path(name);
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path, std::ios::binary) << text;
    EXPECT_EQ(chmod(path.c_str(), mode), 0);
    return path;
  }

  fs::path directory_;
};

TEST_F(ConfReadTest, ReadsAFile) {
  const std::string text = "[Interface]\r\nListenPort = 51820\n# end";
  const std::string path = Write("wg0.conf", text);
  const auto file = ConfFile::Read(path);
  ASSERT_TRUE(file.ok()) << file.error();
  EXPECT_EQ(file->ToString(), text);
  EXPECT_EQ(file->name(), path);
  EXPECT_EQ(file->ToNode("wg0")->interfaces()[0].listen_port(), 51820);
  EXPECT_TRUE(file->warnings().empty());
}

TEST_F(ConfReadTest, ErrorsNameThePath) {
  const std::string path = Write("wg0.conf", "[Interface]\nListenPort = x\n");
  const auto file = ConfFile::Read(path);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().where, path + ":2:14");
}

TEST_F(ConfReadTest, TheGrammarIsTheCallers) {
  const std::string path = Write("wg0.conf", "[Interface]\nMTU = 1420\n");
  EXPECT_TRUE(ConfFile::Read(path).ok());
  EXPECT_FALSE(ConfFile::Read(path, Grammar::kWg).ok());
}

TEST_F(ConfReadTest, ReadsAPipe) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const std::string text = "[Interface]\nFwMark = 1\n";
  ASSERT_EQ(write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(ends[1]);
  const auto file = ConfFile::Read("/dev/fd/" + std::to_string(ends[0]));
  close(ends[0]);
  ASSERT_TRUE(file.ok()) << file.error();
  EXPECT_EQ(file->ToString(), text);
  EXPECT_TRUE(file->warnings().empty());
}

TEST_F(ConfReadTest, DevNullIsAnEmptyFile) {
  const auto file = ConfFile::Read("/dev/null", Grammar::kWg);
  ASSERT_TRUE(file.ok()) << file.error();
  EXPECT_TRUE(file->lines().empty());
}

void ExpectUnreadable(const std::string& path, int error_number) {
  const auto file = ConfFile::Read(path);
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.error().code, ErrorCode::kIo);
  EXPECT_EQ(file.error().where, path);
  EXPECT_EQ(file.error().error_number, error_number);
  EXPECT_FALSE(file.error().hint.empty());
}

TEST_F(ConfReadTest, WhatIsNoFile) {
  ExpectUnreadable(Path("absent.conf"), ENOENT);
  ExpectUnreadable(directory_.string(), EISDIR);
  ExpectUnreadable(Write("wg0.conf", "") + "/wg1.conf", ENOTDIR);
  ExpectUnreadable("", ENOENT);
}

TEST_F(ConfReadTest, AtMost16MiB) {
  std::string text;
  for (int i = 0; i < 16; ++i) text += "#" + std::string((1 << 20) - 2, 'x') + "\n";
  EXPECT_TRUE(ConfFile::Read(Write("wg0.conf", text)).ok());
  ExpectUnreadable(Write("wg1.conf", text + "\n"), 0);
  ExpectUnreadable("/dev/zero", 0);
}

struct Access {
  mode_t file;
  mode_t directory;
  bool warns;
};

TEST_F(ConfReadTest, WarnsOfWorldAccess) {
  const Access rows[] = {{0600, 0755, false}, {0640, 0755, false}, {0644, 0755, true},
                         {0644, 0700, false}, {0644, 0750, false}, {0601, 0711, true},
                         {0604, 0711, false}, {0602, 0702, true}};
  for (const Access& row : rows) {
    SCOPED_TRACE(::testing::Message() << std::oct << row.file << " " << row.directory);
    const std::string path = Write("etc/wg0.conf", "[Interface]\n", row.file);
    ASSERT_EQ(chmod(Path("etc").c_str(), row.directory), 0);
    const auto file = ConfFile::Read(path);
    ASSERT_TRUE(file.ok()) << file.error();
    const std::string warning =
        path + ": the file holds keys, and is world accessible: chmod 600 it";
    EXPECT_EQ(file->warnings(), row.warns ? std::vector{warning} : std::vector<std::string>());
    EXPECT_TRUE(ConfFile::Read(path, Grammar::kWg)->warnings().empty());
  }
}

TEST_F(ConfReadTest, WorldAccessIsThatOfTheLinksTarget) {
  const std::string target = Write("closed/wg0.conf", "[Interface]\n", 0644);
  ASSERT_EQ(chmod(Path("closed").c_str(), 0700), 0);
  ASSERT_EQ(chmod(directory_.c_str(), 0755), 0);
  fs::create_symlink(target, Path("wg0.conf"));
  EXPECT_TRUE(ConfFile::Read(Path("wg0.conf"))->warnings().empty());
  ASSERT_EQ(chmod(Path("closed").c_str(), 0755), 0);
  EXPECT_EQ(ConfFile::Read(Path("wg0.conf"))->warnings().size(), 1u);
}

struct Argument {
  std::string argument;
  std::optional<Location> want;
};

TEST(ConfLocateTest, AsWgQuickDoes) {
  const Argument rows[] = {
      {"wg0", Location{"/etc/wireguard/wg0.conf", "wg0"}},
      {"a-b_c=d+e.f", Location{"/etc/wireguard/a-b_c=d+e.f.conf", "a-b_c=d+e.f"}},
      {"123456789012345", Location{"/etc/wireguard/123456789012345.conf", "123456789012345"}},
      {"wg0.conf", Location{"/etc/wireguard/wg0.conf.conf", "wg0.conf"}},
      {"./wg0.conf", Location{"./wg0.conf", "wg0"}},
      {"/etc/wireguard/wg0.conf", Location{"/etc/wireguard/wg0.conf", "wg0"}},
      {"/a b/%/x.y.conf", Location{"/a b/%/x.y.conf", "x.y"}},
      {"123456789012345.conf", Location{"123456789012345.conf", "123456789012345"}},
      {"1234567890123456", std::nullopt},
      {"1234567890123456.conf", std::nullopt},
      {"/x/1234567890123456.conf", std::nullopt},
      {"./wg0.CONF", std::nullopt},
      {"./wg0", std::nullopt},
      {"./.conf", std::nullopt},
      {"dir/", std::nullopt},
      {"wg 0", std::nullopt},
      {"./wg%d.conf", std::nullopt},
      {"w\xc3\xa4g", std::nullopt},
      {"", std::nullopt},
      {".", std::nullopt},
      {"..", std::nullopt},
      {"/x/...conf", std::nullopt},
  };
  for (const Argument& row : rows) {
    SCOPED_TRACE(row.argument);
    const auto location = ConfFile::Locate(row.argument);
    ASSERT_EQ(location.ok(), row.want.has_value());
    if (row.want) {
      EXPECT_EQ(*location, *row.want);
    } else {
      EXPECT_EQ(location.error().code, ErrorCode::kInvalidArgument);
      EXPECT_FALSE(location.error().hint.empty());
    }
  }
}

TEST_F(ConfReadTest, RouteTableNames) {
  Write("etc/rt_tables",
        "# comment\n254\tmain\n 7 vpn # ours\n0x10 hex\n0 unspec\nx bad\n9\n12 last");
  Write("etc/rt_tables.d/b.conf", "20 drop-in\n21 twice\n");
  Write("etc/rt_tables.d/a.conf", "22 twice\n");
  Write("etc/rt_tables.d/ignored", "23 ignored\n");
  Write("usr/rt_tables", "30 vpn\n31 packaged\n");
  const std::vector<std::string> directories = {Path("etc"), Path("absent"), Path("usr")};
  const auto number = [&](std::string_view name) {
    return conf::RouteTableByName(name, directories);
  };
  EXPECT_EQ(number("main"), 254u);
  EXPECT_EQ(number("vpn"), 7u);
  EXPECT_EQ(number("hex"), 16u);
  EXPECT_EQ(number("last"), 12u);
  EXPECT_EQ(number("drop-in"), 20u);
  EXPECT_EQ(number("twice"), 22u);
  EXPECT_EQ(number("packaged"), 31u);
  for (const char* unknown : {"unspec", "bad", "comment", "#", "ignored", "ma", ""}) {
    EXPECT_EQ(number(unknown), std::nullopt) << unknown;
  }
}

}  // namespace
}  // namespace wgnet
