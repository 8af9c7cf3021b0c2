// Tests that end in every possible way, for the self-test of the guest runner.
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

TEST(Ends, Well) {}
TEST(Ends, InFailure) { EXPECT_EQ(1, 2) << "one is not two"; }
TEST(Ends, InSkip) { GTEST_SKIP() << "for no reason"; }
TEST(Ends, Early) { std::exit(0); }
TEST(Ends, DISABLED_Never) { FAIL(); }

TEST(Ends, InCrash) {
  std::fputs("about to crash\n", stderr);
  raise(SIGSEGV);
}

// A daemon that only SIGKILL ends, and that holds the output open.
TEST(Ends, InHang) {
  std::fputs("about to hang\n", stderr);
  if (fork() == 0) {
    setsid();
    signal(SIGTERM, SIG_IGN);
  }
  while (true) pause();
}

TEST(Ends, InPanic) {
  std::fputs("about to panic\n", stderr);
  EXPECT_EQ(std::system("echo c >/proc/sysrq-trigger"), 0);
}

template <class T>
struct Typed : testing::Test {};
using Types = testing::Types<int, char>;
TYPED_TEST_SUITE(Typed, Types);
TYPED_TEST(Typed, Case) {}

struct Named : testing::TestWithParam<const char*> {};
TEST_P(Named, Case) {}
INSTANTIATE_TEST_SUITE_P(With, Named, testing::Values("a # b", "two.\n  Lines", "Ends."));
