// SPDX-License-Identifier: MIT OR Apache-2.0
// Changes and how they are answered, with a scripted transport in the kernel's place; and answers
// that no kernel gives.
#include <array>
#include <random>

#include "tests/unit/client_script.h"

namespace wgnet::netlink {
namespace {

class ClientChangeTest : public ClientTest {};

TEST_F(ClientChangeTest, OnlyTheLastMessageAsksForAnAcknowledgement) {
  transport_.Answering({Ack(3)});
  const BatchOutcome outcome = Change(3);
  EXPECT_TRUE(outcome.acknowledged);
  EXPECT_FALSE(outcome.lost);
  EXPECT_EQ(outcome.errors, 0);
  std::vector<uint16_t> flags;
  ForEachMessage(transport_.sent().at(0), [&](const Message& message) {
    flags.push_back(message.header.nlmsg_flags);
    return true;
  });
  EXPECT_EQ(flags,
            (std::vector<uint16_t>{NLM_F_REQUEST, NLM_F_REQUEST, NLM_F_REQUEST | NLM_F_ACK}));
}

TEST_F(ClientChangeTest, EveryFailedMessageIsReportedOnce) {
  transport_.Answering({Ack(1, EEXIST), Ack(2, EPERM) + Ack(4)});
  const BatchOutcome outcome = Change(4);
  EXPECT_TRUE(outcome.acknowledged);
  EXPECT_EQ(outcome.errors, 2);
  EXPECT_EQ(errors_, "1:17 2:1 ");
}

TEST_F(ClientChangeTest, AnErrorOfTheLastMessageAcknowledgesToo) {
  transport_.Answering({Ack(2, EEXIST)});
  const BatchOutcome outcome = Change(2);
  EXPECT_TRUE(outcome.acknowledged);
  EXPECT_EQ(errors_, "2:17 ");
}

TEST_F(ClientChangeTest, RepliesInAnyOrderAreUnderstood) {
  transport_.Answering({Ack(3), Ack(2, EPERM), Ack(1, EEXIST)});
  const BatchOutcome outcome = Change(3);
  EXPECT_TRUE(outcome.acknowledged);
  EXPECT_EQ(errors_, "2:1 1:17 ");
}

TEST_F(ClientChangeTest, WithoutAnAcknowledgementNothingIsKnown) {
  transport_.Answering({Ack(1, EPERM)});
  const BatchOutcome outcome = Change(2);
  EXPECT_FALSE(outcome.acknowledged);
  EXPECT_FALSE(outcome.lost);
  EXPECT_EQ(errors_, "1:1 ");
}

TEST_F(ClientChangeTest, LostRepliesMakeTheOutcomeUnknownAndTheRestIsRead) {
  transport_.Answering({Ack(1, EPERM), ENOBUFS, Ack(2, EEXIST)});
  const BatchOutcome outcome = Change(3);
  EXPECT_TRUE(outcome.lost);
  EXPECT_FALSE(outcome.acknowledged);
  EXPECT_EQ(errors_, "1:1 2:17 ");
  EXPECT_TRUE(transport_.drained());
}

TEST_F(ClientChangeTest, LostRepliesDoNotHideAnAcknowledgement) {
  transport_.Answering({ENOBUFS, Ack(1)});
  const BatchOutcome outcome = Change();
  EXPECT_TRUE(outcome.lost);
  EXPECT_TRUE(outcome.acknowledged);
}

TEST_F(ClientChangeTest, ADoubleAcknowledgementIsStillOne) {
  transport_.Answering({Ack(1) + Ack(1), Ack(1)});
  const BatchOutcome outcome = Change();
  EXPECT_TRUE(outcome.acknowledged);
  EXPECT_EQ(outcome.errors, 0);
}

TEST_F(ClientChangeTest, EchoesAndNotificationsAreNoErrors) {
  transport_.Answering({Data(1, 1), Done(1), Ack(1)});
  EXPECT_TRUE(Change().acknowledged);
  EXPECT_EQ(errors_, "");
}

TEST_F(ClientChangeTest, AMalformedReplyMakesTheOutcomeUnknown) {
  for (const Datagram& answer :
       {Datagram(5), Reply(NLMSG_ERROR, 0, 1), Reply(NLMSG_ERROR, 0, 1, Datagram(19)), Ack(1, 5000),
        Ack(1, -1)}) {
    ScriptedTransport transport;
    Client client(transport);
    transport.Answering({answer});
    Datagram request = BytesOf(nlmsghdr{NLMSG_HDRLEN, 0x12, NLM_F_REQUEST, 1, 0});
    const iovec part{request.data(), request.size()};
    const auto outcome =
        client.Change(Bus::kRoute, {&part, 1}, *reinterpret_cast<nlmsghdr*>(request.data()),
                      [](const KernelError&) {});
    EXPECT_TRUE(outcome.lost) << answer.size();
    EXPECT_FALSE(outcome.acknowledged);
  }
}

TEST_F(ClientChangeTest, PartsAreSentInOneGo) {
  Datagram first = Request(0);
  Datagram second = Request(0);
  const std::array<iovec, 2> parts = {iovec{first.data(), first.size()},
                                      iovec{second.data(), second.size()}};
  transport_.Answering({Ack(2)});
  const auto outcome =
      client_.Change(Bus::kNetfilter, parts, *reinterpret_cast<nlmsghdr*>(second.data()),
                     [](const KernelError&) {});
  EXPECT_TRUE(outcome.acknowledged);
  ASSERT_EQ(transport_.sent().size(), 1u);
  EXPECT_EQ(transport_.sent()[0].size(), 2u * NLMSG_HDRLEN);
  EXPECT_EQ(transport_.buses(), std::vector{Bus::kNetfilter});
}

// ---- whatever comes ----

Datagram RandomReply(std::mt19937& random) {
  switch (random() % 6) {
    case 0:
      return Data(1 + random() % 3, static_cast<uint8_t>(random()));
    case 1:
      return Done(1 + random() % 3, static_cast<int32_t>(random()));
    case 2:
      return Ack(1 + random() % 3, static_cast<int>(random() % 200),
                 static_cast<uint16_t>(random()));
    case 3:
      return ExplainedError(1 + random() % 3, random() % 2 == 0);
    default: {
      Datagram garbage(random() % 80);
      for (std::byte& byte : garbage) byte = static_cast<std::byte>(random());
      return garbage;
    }
  }
}

std::vector<ScriptedTransport::Answer> RandomAnswers(std::mt19937& random) {
  std::vector<ScriptedTransport::Answer> answers;
  const size_t count = random() % 6;
  for (size_t i = 0; i < count; ++i) {
    Datagram datagram = RandomReply(random);
    if (random() % 3 == 0) datagram = datagram + RandomReply(random);
    if (random() % 3 == 0) datagram.resize(random() % (datagram.size() + 1));
    if (random() % 4 == 0 && !datagram.empty()) {
      datagram[random() % datagram.size()] = static_cast<std::byte>(random());
    }
    if (random() % 10 == 0) {
      answers.emplace_back(ENOBUFS);
    } else {
      answers.emplace_back(std::move(datagram));
    }
  }
  return answers;
}

TEST_F(ClientChangeTest, NoAnswerHangsOrCrashes) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    client_.sequence() = 1;
    transport_.Answering(RandomAnswers(random));
    const bool reads = random() % 2 == 0;
    if (reads) {
      Read(random() % 2 == 0 ? NLM_F_DUMP : 0);
    } else {
      Change(1 + random() % 3);
      EXPECT_TRUE(transport_.drained());
    }
  }
}

}  // namespace
}  // namespace wgnet::netlink
