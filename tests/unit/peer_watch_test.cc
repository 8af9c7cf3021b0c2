// SPDX-License-Identifier: MIT OR Apache-2.0
// Peers that come up, go down and move, by clocks that the test moves.
#include "src/plan/peer_watch.h"

#include <gtest/gtest.h>

#include "tests/support/world.h"

namespace wgnet::plan {
namespace {

using std::chrono::seconds;
using Kind = Event::Kind;
using Wall = std::chrono::system_clock::time_point;

constexpr int64_t kWallStart = 1'700'000'000;

class PeerWatchTest : public ::testing::Test {
 protected:
  PeerWatchTest() {
    recorded_.dev = kernel::LinkRef{7, FixedString<IFNAMSIZ - 1>("wg0")};
    recorded_.public_key = wgnet::testing::TestKey("peer").Public();
  }

  // What the peer is like at a second of the test, with its last handshake at another.
  std::vector<Kind> See(int second, std::optional<int> handshake,
                        const char* endpoint = "192.0.2.1") {
    SeenPeer peer{&recorded_, std::nullopt, {}};
    if (handshake) peer.last_handshake = {kWallStart + *handshake, 0};
    if (endpoint != nullptr) {
      peer.endpoint = kernel::SocketAddress{*IpAddress::Parse(endpoint), 51820};
    }
    return SeeAll(second, std::vector{peer});
  }
  std::vector<Kind> SeeAll(int second, const std::vector<SeenPeer>& peers) {
    events_.clear();
    watch_.See(peers, Moment(seconds(1000 + second)),
               Wall(seconds(kWallStart + second + wall_jump_)), events_);
    std::vector<Kind> kinds;
    for (const Event& event : events_) {
      EXPECT_EQ(event.interface, "wg0");
      EXPECT_EQ(event.peer, *recorded_.public_key);
      kinds.push_back(event.kind);
    }
    return kinds;
  }

  using Kinds = std::vector<Kind>;
  kernel::WgPeer recorded_;
  PeerWatch watch_{seconds(180)};
  std::vector<Event> events_;
  int wall_jump_ = 0;
};

TEST_F(PeerWatchTest, APeerThatWasNeverHeardIsDownWithoutAWord) {
  EXPECT_EQ(See(0, std::nullopt), Kinds());
  EXPECT_EQ(See(500, std::nullopt), Kinds());
}

TEST_F(PeerWatchTest, ComesUpWithAHandshakeAndGoesDownWithoutOne) {
  EXPECT_EQ(See(0, std::nullopt), Kinds());
  EXPECT_EQ(See(5, 3), Kinds{Kind::kPeerUp});
  EXPECT_EQ(events_[0].endpoint->ToString(), "192.0.2.1:51820");
  EXPECT_EQ(See(125, 123), Kinds());
  EXPECT_EQ(See(302, 123), Kinds());
  EXPECT_EQ(See(303, 123), Kinds{Kind::kPeerDown});
  EXPECT_EQ(See(310, 123), Kinds());
  EXPECT_EQ(See(315, 312), Kinds{Kind::kPeerUp});
}

TEST_F(PeerWatchTest, TellsOfThoseThatAreUpAtTheStart) {
  EXPECT_EQ(See(0, -179), Kinds{Kind::kPeerUp});
  EXPECT_EQ(See(1, -179), Kinds{Kind::kPeerDown});
}

TEST_F(PeerWatchTest, ThoseThatWereDownAtTheStartStayDown) { EXPECT_EQ(See(0, -180), Kinds()); }

TEST_F(PeerWatchTest, AClockThatIsSetChangesNothing) {
  EXPECT_EQ(See(0, -10), Kinds{Kind::kPeerUp});
  wall_jump_ = 100'000;
  EXPECT_EQ(See(5, -10), Kinds());
  EXPECT_EQ(See(10, 100'007), Kinds());
  wall_jump_ = -100'000;
  EXPECT_EQ(See(15, 100'007), Kinds());
  EXPECT_EQ(See(20, -100'000 + 18), Kinds());
  EXPECT_EQ(See(197, -100'000 + 18), Kinds());
  EXPECT_EQ(See(201, -100'000 + 18), Kinds{Kind::kPeerDown});
}

TEST_F(PeerWatchTest, TellsWhereAPeerHasMoved) {
  EXPECT_EQ(See(0, -1), Kinds{Kind::kPeerUp});
  EXPECT_EQ(See(5, -1, "2001:db8::1"), Kinds{Kind::kPeerMoved});
  EXPECT_EQ(events_[0].previous->ToString(), "192.0.2.1:51820");
  EXPECT_EQ(events_[0].endpoint->ToString(), "[2001:db8::1]:51820");
  EXPECT_EQ(See(10, -1, "2001:db8::1"), Kinds());
}

TEST_F(PeerWatchTest, LearningAnEndpointIsNoMove) {
  EXPECT_EQ(See(0, std::nullopt, nullptr), Kinds());
  EXPECT_EQ(See(5, 3), Kinds{Kind::kPeerUp});
}

TEST_F(PeerWatchTest, APeerThatIsRemovedIsDown) {
  EXPECT_EQ(See(0, -1), Kinds{Kind::kPeerUp});
  EXPECT_EQ(SeeAll(5, {}), Kinds{Kind::kPeerDown});
  EXPECT_EQ(SeeAll(10, {}), Kinds());
  EXPECT_EQ(See(15, -1), Kinds{Kind::kPeerUp});
}

}  // namespace
}  // namespace wgnet::plan
