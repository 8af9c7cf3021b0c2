// SPDX-License-Identifier: MIT OR Apache-2.0
#include "src/base/ssh_connection.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <cstdio>
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
std::optional<SshConnection> FindBelow(const std::string& variable) {
  const std::string command = "env SSH_CONNECTION='" + variable +
                              "' sh -c 'env -u SSH_CONNECTION sleep 60 >&- & echo $!; wait'";
  FILE* const shell = popen(command.c_str(), "r");
  pid_t child = 0;
  if (std::fscanf(shell, "%d", &child) != 1) ADD_FAILURE() << "no child";
  auto found = FindSshConnection(child);
  kill(child, SIGKILL);
  pclose(shell);
  return found;
}

TEST(SshConnectionTest, AParentsIsFound) {
  const auto found = FindBelow("203.0.113.9 51234 192.0.2.1 22");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->client.ToString(), "203.0.113.9");
  EXPECT_FALSE(FindBelow("none"));
}

}  // namespace
}  // namespace wgnet
