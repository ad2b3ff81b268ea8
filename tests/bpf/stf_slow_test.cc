/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the XDP program hands to user space: fragments that a tunnel claims, and ICMPv4 errors
 * about what it sent. What becomes of them is in tests/netns/fragments_test.py and
 * tunnel_errors_test.py.
 */
#include "stf.h"

#include "datapath/ring.h"
#include "faith/names.h"

#include <cstring>

using namespace faith;
using namespace faith::test;

namespace {

struct Tunnel : Loaded {
    explicit Tunnel(StfWorld with = stf_world()) : Loaded({FGW_PROG_XDP}) {
        become(std::move(with));
    }
    /* Loading programs takes longer than all else; what is written over is gone. */
    void become(StfWorld with) {
        world = with_devices(std::move(with));
        tunnel(world);
    }
    StfRun take(const Bytes &frame) const { return run_stf(*this, object().xdp_program(), frame); }
    StfWorld world;
};

void check_dropped(const Tunnel &tunnel, const Bytes &frame, fgw_reason reason) {
    const StfRun run = tunnel.take(frame);
    CHECK(run.counted == reason_name(reason) + " +1");
    CHECK(run.verdict == XDP_DROP);
    CHECK(difference(frame, run.output) == "");
}

void check_left_alone(const Tunnel &tunnel, const Bytes &frame, fgw_reason reason) {
    const StfRun run = tunnel.take(frame);
    CHECK(run.counted == reason_name(reason) + " +1");
    CHECK(run.verdict == XDP_PASS);
    CHECK(difference(frame, run.output) == "");
}

/* What the ring holds: packets, as they were after their Ethernet header. */
std::vector<Bytes> handed_over(const Tunnel &tunnel) {
    std::vector<Bytes> packets;
    const auto ring =
        datapath::Ring::open({.map = tunnel.maps().stf_slow, .name = "fragments"},
                             [&](std::span<const std::uint8_t> record) {
                                 fgw_slow_packet head{};
                                 REQUIRE(record.size() > sizeof head);
                                 std::memcpy(&head, record.data(), sizeof head);
                                 CHECK(head.ifindex == 1);
                                 REQUIRE(head.length <= record.size() - sizeof head);
                                 packets.emplace_back(record.begin() + sizeof head,
                                                      record.begin() + sizeof head + head.length);
                             });
    REQUIRE(ring);
    REQUIRE(ring->consume());
    return packets;
}

Bytes fragment_of(std::size_t payload, Packet::Ip4Header fields = {.offset_flags = 0x2000}) {
    fields.source = stf_good(StfWay::In).source4;
    fields.protocol = fields.protocol.value_or(41);
    return Packet().eth().ip4(fields).payload(payload).bytes();
}

} // namespace

TEST_CASE("stf_slow: a fragment is handed to user space whole, and consumed (R11, L8)") {
    const Tunnel tunnel;
    std::vector<Bytes> sent;
    for (const int offset_flags : {0x2000, 0x20b9, 0x00b9, 0x6000})
        for (const std::size_t payload : {8U, 1480U, 2020U, 2024U, 9000U, 16352U}) {
            sent.push_back(
                fragment_of(payload, {.offset_flags = static_cast<std::uint16_t>(offset_flags)}));
            check_dropped(tunnel, sent.back(), FGW_STF_FRAGMENT);
        }
    Bytes padded = fragment_of(8);
    padded.resize(60);
    check_dropped(tunnel, padded, FGW_STF_FRAGMENT);
    sent.push_back(cut(padded, 14 + 28));
    const std::vector<Bytes> came = handed_over(tunnel);
    REQUIRE(came.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i)
        CHECK(hex(came[i]) == hex(Bytes(sent[i].begin() + 14, sent[i].end())));
}

TEST_CASE("stf_slow: a fragment that no tunnel claims passes, a broken one is not handed over "
          "(S7, S9)") {
    StfWorld world = stf_world();
    world.stf.peer_len = 16;
    Tunnel tunnel(world);
    check_left_alone(tunnel, fragment_of(1480), FGW_STF_NOT_PEER);
    check_left_alone(tunnel,
                     fragment_of(1480, {.offset_flags = 0x2000, .protocol = std::uint8_t{17}}),
                     FGW_PASS_NOT_IP6);
    tunnel.become(stf_world());
    check_dropped(tunnel,
                  fragment_of(80, {.offset_flags = 0x2000, .checksum = std::uint16_t{0x1234}}),
                  FGW_STF_IN_CHECKSUM);
    check_dropped(tunnel,
                  fragment_of(80, {.offset_flags = 0x2000, .total_length = std::uint16_t{200}}),
                  FGW_STF_IN_HEADER);
    CHECK(handed_over(tunnel).empty());
    /* Longer than any room. */
    check_dropped(tunnel, fragment_of(17'000), FGW_STF_IN_FRAGMENT);
    CHECK(handed_over(tunnel).empty());
}

TEST_CASE("stf_slow: an ICMPv4 error about a packet of ours is handed to user space, and passes "
          "untouched (R10)") {
    const Tunnel tunnel;
    const StfAddresses out = stf_good(StfWay::Out);
    const auto error = [&](std::uint8_t type, const Packet::Ip4Header &quoted,
                           Packet::Ip4Header fields = {}) {
        Packet inside = Packet().ip4(quoted).ip6();
        Bytes message = {type, 1, 0, 0, 0, 0, 0, 0};
        const Bytes quote = with_segment(inside).bytes();
        message.insert(message.end(), quote.begin(), quote.end());
        fields.protocol = std::uint8_t{1};
        return Packet().eth().ip4(fields).raw(message).bytes();
    };
    const Packet::Ip4Header ours = {
        .source = out.source4, .destination = out.destination4, .protocol = std::uint8_t{41}};
    std::vector<Bytes> sent;
    for (const std::uint8_t type : {std::uint8_t{3}, std::uint8_t{11}, std::uint8_t{12}})
        for (const std::size_t options : {0U, 40U}) {
            sent.push_back(error(type, ours, {.options = options}));
            check_left_alone(tunnel, sent.back(), FGW_STF_ICMP4);
        }
    const std::vector<Bytes> came = handed_over(tunnel);
    REQUIRE(came.size() == sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i)
        CHECK(hex(came[i]) == hex(Bytes(sent[i].begin() + 14, sent[i].end())));

    Packet::Ip4Header other = ours;
    other.protocol = std::uint8_t{17};
    check_left_alone(tunnel, error(3, other), FGW_PASS_NOT_IP6);
    other = ours;
    other.source = *parse_ip4("192.0.2.2");
    check_left_alone(tunnel, error(3, other), FGW_PASS_NOT_IP6);
    check_left_alone(tunnel, error(8, ours), FGW_PASS_NOT_IP6);
    check_left_alone(tunnel, error(3, ours, {.offset_flags = 0x2000}), FGW_PASS_NOT_IP6);
    check_left_alone(tunnel, cut(error(3, ours), 14 + 20 + 27), FGW_PASS_NOT_IP6);
    CHECK(handed_over(tunnel).empty());
    while (tunnel.take(fragment_of(1480)).counted == "STF_FRAGMENT +1") {
    }
    check_left_alone(tunnel, error(3, ours), FGW_STF_ICMP4_RATE);
}

TEST_CASE("stf_slow: without a reader the ring is full after so many, and fragments are dropped "
          "(L7)") {
    const Tunnel tunnel;
    const Bytes frame = fragment_of(1480);
    std::size_t taken = 0;
    while (tunnel.take(frame).counted == "STF_FRAGMENT +1")
        REQUIRE(++taken < 1000);
    CHECK(taken == FGW_SLOW_BYTES / 2056 - (FGW_SLOW_BYTES % 2056 == 0 ? 1 : 0));
    check_dropped(tunnel, frame, FGW_STF_IN_FRAGMENT);
    CHECK(handed_over(tunnel).size() == taken);
    check_dropped(tunnel, frame, FGW_STF_FRAGMENT);
}

TEST_CASE("stf_slow: so many fragments in a second are taken from one source, and from all") {
    const Tunnel tunnel;
    const Bytes frame = fragment_of(1480);
    const auto rates = tunnel.rates();
    fgw_rate_key source{
        .source = {0x20, 0x02, 198, 51, 100, 1}, .of = FGW_RATE_FRAGMENTS, .prefix_len = 64};
    const fgw_rate_key all{.source = {}, .of = FGW_RATE_FRAGMENTS_ALL, .prefix_len = 0};
    tunnel.drain(source);
    check_dropped(tunnel, frame, FGW_STF_FRAGMENT_RATE);
    REQUIRE(rates.put(source, {.full_at_ns = 0}));
    check_dropped(tunnel, frame, FGW_STF_FRAGMENT);
    tunnel.drain(all);
    check_dropped(tunnel, frame, FGW_STF_FRAGMENT_RATE);
    source.source[5] = 2; /* somebody else's bucket changes nothing */
    REQUIRE(rates.put(all, {.full_at_ns = 0}));
    tunnel.drain(source);
    check_dropped(tunnel, frame, FGW_STF_FRAGMENT);
    CHECK(handed_over(tunnel).size() == 2);
}
