// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/ssh_connection.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

namespace wgnet {
namespace {

TEST(SshConnectionTest, IsReadFromItsVariable) {
  const auto v4 = SshConnection::Parse("203.0.113.9 51234 192.0.2.1 22");
  ASSERT_TRUE(v4);
  EXPECT_EQ(v4->client.ToString(), "203.0.113.9");
  EXPECT_EQ(v4->server.ToString(), "192.0.2.1");
  const auto v6 = SshConnection::Parse("2001:db8::9 51234 2001:db8::1 22");
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->server.ToString(), "2001:db8::1");
}

TEST(SshConnectionTest, OtherTextsAreNone) {
  for (const char* text : {"", " ", "203.0.113.9", "203.0.113.9 1 x 22", "203.0.113.9 1 ::1 22",
                           "UNKNOWN 65535 UNKNOWN 65535", "fe80::1%eth0 1 fe80::2%eth0 22"}) {
    EXPECT_FALSE(SshConnection::Parse(text)) << text;
  }
}

// As under sudo(8): the shell has the variable, and what it runs has not.
TEST(SshConnectionTest, AParentsIsFound) {
  const auto run = [](const char* variable) {
    const std::string command =
        std::string("env ") + variable + " sh -c 'env -u SSH_CONNECTION \"$0\" " +
        "--gtest_also_run_disabled_tests --gtest_filter=*DISABLED_IsLoggedIn; exit $?' " +
        "/proc/" + std::to_string(getpid()) + "/exe >/dev/null";
    return system(command.c_str());
  };
  EXPECT_EQ(run("SSH_CONNECTION='203.0.113.9 51234 192.0.2.1 22'"), 0);
  EXPECT_NE(run("SSH_CONNECTION=none"), 0);
}

// The test before runs it.
TEST(SshConnectionTest, DISABLED_IsLoggedIn) {
  const auto found = FindSshConnection();
  ASSERT_TRUE(found);
  EXPECT_EQ(found->client.ToString(), "203.0.113.9");
}

}  // namespace
}  // namespace wgnet
