// SPDX-License-Identifier: MIT OR Apache-2.0
// Requests and their answers, with a scripted transport in the kernel's place.
#include <climits>

#include "tests/unit/client_script.h"

namespace wgnet::netlink {
namespace {

TEST_F(ClientTest, ADumpIsReadUntilDone) {
  transport_.Answering({Data(1, 1) + Data(1, 2), Data(1, 3), Done(1)});
  const Seen seen = Read();
  EXPECT_EQ(seen.outcome.error_number, 0);
  EXPECT_FALSE(seen.outcome.interrupted);
  EXPECT_EQ(seen.values, "123");
  EXPECT_EQ(transport_.sent().size(), 1u);
  EXPECT_EQ(transport_.buses(), std::vector{Bus::kRoute});
}

TEST_F(ClientTest, DoneMayStandBehindDataInOneDatagram) {
  transport_.Answering({Data(1, 1) + Done(1)});
  EXPECT_EQ(Read().values, "1");
}

TEST_F(ClientTest, ARequestThatIsNoDumpHasOneAnswer) {
  transport_.Answering({Data(1, 1, 0), Ack(1)});
  const Seen seen = Read(0);
  EXPECT_EQ(seen.outcome.error_number, 0);
  EXPECT_EQ(seen.values, "1");
  transport_.Answering({Data(2, 2, 0)});
  EXPECT_EQ(Read(0).values, "2") << "the acknowledgement that was left is no answer";
}

TEST_F(ClientTest, AnEmptyDumpIsNoError) {
  transport_.Answering({Done(1)});
  const Seen seen = Read();
  EXPECT_EQ(seen.outcome.error_number, 0);
  EXPECT_EQ(seen.values, "");
}

TEST_F(ClientTest, OnlyAnswersToThisRequestAreSeen) {
  transport_.Answering({Data(9, 9) + Data(1, 1), Done(9), Ack(9, EPERM), Data(1, 2), Done(1)});
  const Seen seen = Read();
  EXPECT_EQ(seen.outcome.error_number, 0);
  EXPECT_EQ(seen.values, "12");
}

TEST_F(ClientTest, WhatAnEarlierExchangeLeftIsDrained) {
  transport_.Leave(Data(1, 9));
  transport_.Leave(ENOBUFS);
  transport_.Leave(Ack(1, EPERM));
  transport_.Leave(Datagram(3));
  transport_.Answering({Data(1, 1), Done(1)});
  const Seen seen = Read();
  EXPECT_EQ(seen.outcome.error_number, 0);
  EXPECT_EQ(seen.values, "1");
}

TEST_F(ClientTest, AStaleErrorIsNotTakenForOneOfABatch) {
  transport_.Leave(Ack(1, EPERM));
  transport_.Answering({Ack(1)});
  const BatchOutcome outcome = Change();
  EXPECT_TRUE(outcome.acknowledged);
  EXPECT_EQ(outcome.errors, 0);
}

TEST_F(ClientTest, DoneCarriesTheDumpsError) {
  transport_.Answering({Data(1, 1), Done(1, -ENOENT)});
  const Seen seen = Read();
  EXPECT_EQ(seen.outcome.error_number, ENOENT);
  EXPECT_EQ(seen.values, "1");
}

TEST_F(ClientTest, DoneWithoutAResultIsSuccess) {
  transport_.Answering({Reply(NLMSG_DONE, NLM_F_MULTI, 1)});
  EXPECT_EQ(Read().outcome.error_number, 0);
}

TEST_F(ClientTest, AnInterruptedDumpSaysSoWhereverTheFlagStands) {
  for (const int at : {0, 1, 2}) {
    const uint32_t sequence = client_.sequence();
    const auto flags = [&](int message) -> uint16_t {
      return NLM_F_MULTI | (message == at ? NLM_F_DUMP_INTR : 0);
    };
    transport_.Answering(
        {Data(sequence, 1, flags(0)), Data(sequence, 2, flags(1)), Done(sequence, 0, flags(2))});
    const Seen seen = Read();
    EXPECT_TRUE(seen.outcome.interrupted) << at;
    EXPECT_EQ(seen.outcome.error_number, 0) << at;
    EXPECT_EQ(seen.values, "12") << at;
  }
}

TEST_F(ClientTest, AnErrorInsteadOfADumpIsItsOutcome) {
  transport_.Answering({Ack(1, EPERM)});
  const Seen seen = Read();
  EXPECT_EQ(seen.outcome.error_number, EPERM);
  EXPECT_EQ(seen.outcome.error.error_number, EPERM);
  EXPECT_EQ(seen.outcome.error.sequence, 1u);
  EXPECT_TRUE(seen.outcome.error.text.empty());
}

TEST_F(ClientTest, ErrorsComeWithTheKernelsTextAndOffset) {
  for (const bool capped : {true, false}) {
    transport_.Answering({ExplainedError(client_.sequence(), capped)});
    const Seen seen = Read();
    EXPECT_EQ(seen.outcome.error_number, EINVAL);
    EXPECT_EQ(seen.outcome.error.text.view(), "text") << capped;
    EXPECT_EQ(seen.outcome.error.offset, 28u) << capped;
  }
}

TEST_F(ClientTest, ASendThatFailsIsTheOutcome) {
  transport_.Answering({}, EPERM);
  EXPECT_EQ(Read().outcome.error_number, EPERM);
  transport_.Answering({}, EMSGSIZE);
  const BatchOutcome outcome = Change();
  EXPECT_EQ(outcome.send_error, EMSGSIZE);
  EXPECT_FALSE(outcome.acknowledged);
}

TEST_F(ClientTest, NoAnswerAtAllIsAnError) {
  EXPECT_EQ(Read().outcome.error_number, ENODATA);
  EXPECT_EQ(Read(0).outcome.error_number, ENODATA);
}

TEST_F(ClientTest, ADumpWithoutItsEndIsAnError) {
  transport_.Answering({Data(1, 1)});
  EXPECT_EQ(Read().outcome.error_number, ENODATA);
}

TEST_F(ClientTest, ADumpWhoseRepliesWereLostIsAnErrorAndTheNextOneIsNot) {
  transport_.Answering({Data(1, 1), ENOBUFS, Data(1, 2), Done(1)});
  EXPECT_EQ(Read().outcome.error_number, ENOBUFS);
  transport_.Answering({Data(2, 3), Done(2)});
  EXPECT_EQ(Read().values, "3");
}

TEST_F(ClientTest, TheVisitorsRefusalEndsADump) {
  transport_.Answering({Data(1, 1) + Data(1, 2) + Data(1, 3), Done(1)});
  const Seen seen = Read(NLM_F_DUMP, '2');
  EXPECT_EQ(seen.outcome.error_number, EBADMSG);
  EXPECT_EQ(seen.values, "12");
}

TEST_F(ClientTest, MalformedAnswersAreErrors) {
  auto cut = Data(1, 1);
  cut.resize(cut.size() - 1);
  for (const Datagram& answer : {cut, Datagram(1), Datagram(15), Reply(NLMSG_ERROR, 0, 1),
                                 Reply(NLMSG_ERROR, 0, 1, Datagram(19))}) {
    ScriptedTransport transport;
    Client client(transport);
    transport.Answering({answer});
    const auto request = BytesOf(nlmsghdr{NLMSG_HDRLEN, 0x12, NLM_F_REQUEST | NLM_F_DUMP, 1, 0});
    const auto outcome = client.Read(Bus::kRoute, request, [](const Message&) { return true; });
    EXPECT_EQ(outcome.error_number, EBADMSG) << testing::HexOf(answer);
  }
}

// Numbers that no errno has.
TEST_F(ClientTest, ErrorsThatAreNoErrnoAreMalformed) {
  for (const int32_t result : {1, INT_MAX, INT_MIN, -4096}) {
    transport_.Answering({Done(client_.sequence(), result)});
    EXPECT_EQ(Read().outcome.error_number, EBADMSG) << result;
    nlmsgerr body{};
    body.error = result;
    transport_.Answering({Reply(NLMSG_ERROR, NLM_F_CAPPED, client_.sequence(), BytesOf(body))});
    EXPECT_EQ(Read().outcome.error_number, EBADMSG) << result;
  }
}

// ---- errors ----

// The request's length inside an error says where the attributes begin; any length is safe.
TEST(ReadErrorTest, AnyLengthOfTheRequestIsSafe) {
  for (const uint32_t length :
       {0u, 1u, 15u, 16u, 17u, 60u, 61u, 1000u, 0x7fffffffu, 0xfffffffdu, 0xffffffffu}) {
    Datagram reply = ExplainedError(1, false);
    std::memcpy(reply.data() + sizeof(nlmsghdr) + offsetof(nlmsgerr, msg.nlmsg_len), &length,
                sizeof length);
    KernelError error;
    ForEachMessage(reply, [&](const Message& message) {
      EXPECT_TRUE(ReadError(message, error));
      return true;
    });
    EXPECT_EQ(error.error_number, EINVAL) << length;
  }
}

TEST(ReadErrorTest, AttributesAreReadOnlyWhereTheFlagSaysSo) {
  Datagram reply = ExplainedError(1, true);
  reply[offsetof(nlmsghdr, nlmsg_flags) + 1] = std::byte{NLM_F_CAPPED >> 8};
  KernelError error;
  ForEachMessage(reply, [&](const Message& message) { return ReadError(message, error); });
  EXPECT_EQ(error.error_number, EINVAL);
  EXPECT_TRUE(error.text.empty());
  EXPECT_EQ(error.offset, 0u);
}

TEST(ReadErrorTest, ATextLongerThanAnyOfTheKernelsIsLeftOut) {
  nlmsgerr body{};
  body.error = -EINVAL;
  Datagram attribute = testing::BytesOfHex("34 01 01 00");
  attribute.resize(0x134, std::byte{'a'});
  const Datagram reply =
      Reply(NLMSG_ERROR, NLM_F_ACK_TLVS | NLM_F_CAPPED, 1, BytesOf(body) + attribute);
  KernelError error;
  ForEachMessage(reply, [&](const Message& message) { return ReadError(message, error); });
  EXPECT_EQ(error.error_number, EINVAL);
  EXPECT_TRUE(error.text.empty());
}

}  // namespace
}  // namespace wgnet::netlink
