/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "slowpath/reassembly.h"

#include "tests/support/effort.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iostream>

using namespace faith;
using namespace faith::slowpath;
using faith::test::Random;

namespace {

constexpr Millis start{1000};

Packet noise(std::size_t length) {
    Packet bytes(length);
    for (std::size_t i = 0; i < length; ++i)
        bytes[i] = static_cast<std::uint8_t>(i * 7 + i / 251);
    return bytes;
}

struct Piece {
    std::size_t offset = 0;
    std::size_t length = 0;
    bool more = false;
    std::uint8_t service = 0;
    std::uint16_t identification = 7;
    std::size_t options = 0;
};

/* A fragment of a packet with that payload. */
Packet cut(const Packet &payload, const Piece &piece) {
    Packet packet(20 + piece.options);
    packet[0] = static_cast<std::uint8_t>(0x45 + piece.options / 4);
    packet[1] = piece.service;
    write_be16(packet, 2, static_cast<std::uint16_t>(packet.size() + piece.length));
    write_be16(packet, 4, piece.identification);
    write_be16(packet, 6, static_cast<std::uint16_t>((piece.more ? 0x2000 : 0) | piece.offset / 8));
    packet[8] = 64;
    packet[9] = 41;
    packet[12] = 192, packet[14] = 2, packet[15] = 1;
    packet[16] = 192, packet[18] = 2, packet[19] = 2;
    write_be16(packet, 10, checksum(packet));
    const auto from = payload.begin() + static_cast<std::ptrdiff_t>(piece.offset);
    packet.insert(packet.end(), from, from + static_cast<std::ptrdiff_t>(piece.length));
    return packet;
}

/* What it must become. */
Packet whole(const Packet &payload, std::uint8_t service = 0, std::size_t options = 0) {
    Packet packet = cut(payload, {.length = 0, .service = service, .options = options});
    packet.insert(packet.end(), payload.begin(), payload.end());
    write_whole4(packet, service);
    return packet;
}

std::vector<Packet> in_pieces(const Packet &payload, std::size_t size) {
    std::vector<Packet> pieces;
    for (std::size_t at = 0; at < payload.size(); at += size)
        pieces.push_back(cut(payload, {.offset = at,
                                       .length = std::min(size, payload.size() - at),
                                       .more = at + size < payload.size()}));
    return pieces;
}

std::optional<Packet> add_all(Reassembly &reassembly, const std::vector<Packet> &pieces) {
    std::optional<Packet> last;
    for (const Packet &piece : pieces) {
        CHECK_FALSE(last);
        last = reassembly.add(1, piece, start);
    }
    return last;
}

} // namespace

TEST_CASE("reassembly: fragments in any order become the packet, byte for byte") {
    const Packet payload = noise(2500);
    std::vector<Packet> pieces = in_pieces(payload, 800);
    std::sort(pieces.begin(), pieces.end());
    do {
        Reassembly reassembly;
        const auto made = add_all(reassembly, pieces);
        REQUIRE(made);
        CHECK(*made == whole(payload));
        CHECK(reassembly.empty());
        CHECK(reassembly.bytes() == 0);
    } while (std::next_permutation(pieces.begin(), pieces.end()));
}

TEST_CASE("reassembly: the longest packet there is, and options of the first fragment") {
    const Packet longest = noise(65515);
    Reassembly reassembly;
    const auto made = add_all(reassembly, in_pieces(longest, 1480));
    REQUIRE(made);
    CHECK(*made == whole(longest));

    const Packet payload = noise(64);
    CHECK_FALSE(reassembly.add(1, cut(payload, {.length = 32, .more = true, .options = 8}), start));
    const auto with_options = reassembly.add(1, cut(payload, {.offset = 32, .length = 32}), start);
    REQUIRE(with_options);
    CHECK(*with_options == whole(payload, 0, 8));
}

TEST_CASE("reassembly: a fragment that came twice is one; padding behind it is not its own") {
    const Packet payload = noise(64);
    Reassembly reassembly;
    Packet first = cut(payload, {.length = 32, .more = true});
    first.resize(first.size() + 10); /* Ethernet pads */
    CHECK_FALSE(reassembly.add(1, first, start));
    CHECK_FALSE(reassembly.add(1, first, start));
    const auto made = reassembly.add(1, cut(payload, {.offset = 32, .length = 32}), start);
    REQUIRE(made);
    CHECK(*made == whole(payload));
    CHECK(reassembly.counts().bad == 0);
}

TEST_CASE("reassembly: a fragment that is shorter than it says leaves no trace") {
    const Packet payload = noise(64);
    Reassembly reassembly;
    Packet first = cut(payload, {.length = 32, .more = true});
    first.pop_back();
    CHECK_FALSE(reassembly.add(1, first, start));
    CHECK(reassembly.empty());
}

TEST_CASE("reassembly: what overlaps or contradicts makes the packet void (RFC 5722, RFC 1858)") {
    const Packet payload = noise(65600);
    const auto refused = [&](const std::vector<Piece> &pieces) {
        Reassembly reassembly;
        for (const Piece &piece : pieces)
            CHECK_FALSE(reassembly.add(1, cut(payload, piece), start));
        CHECK(reassembly.counts().bad == 1);
        CHECK(reassembly.empty());
        CHECK(reassembly.bytes() == 0);
    };
    refused({{.length = 32, .more = true}, {.offset = 24, .length = 32}});
    refused({{.offset = 24, .length = 32}, {.length = 32, .more = true}});
    refused({{.length = 32, .more = true}, {.length = 24, .more = true}});
    refused({{.length = 32, .more = true}, {.length = 64, .more = true}});
    refused({{.offset = 32, .length = 8}, {.offset = 40, .length = 8, .more = true}});
    refused({{.offset = 40, .length = 8, .more = true}, {.offset = 32, .length = 8}});
    refused({{.offset = 32, .length = 8}, {.offset = 48, .length = 8}});
    refused({{.length = 12, .more = true}});
    refused({{.length = 0, .more = true}});
    refused({{.offset = 65512, .length = 8}});
    /* Whole with the header of its first fragment, which comes last, it would be too long. */
    refused({{.offset = 32760, .length = 32752}, {.length = 32760, .more = true, .options = 40}});
}

TEST_CASE("reassembly: packets are told apart by all that RFC 791 says, and by interface") {
    const Packet payload = noise(64);
    Reassembly reassembly;
    const Packet first = cut(payload, {.length = 32, .more = true});
    Packet last = cut(payload, {.offset = 32, .length = 32});
    CHECK_FALSE(reassembly.add(1, first, start));
    CHECK_FALSE(reassembly.add(2, last, start));
    for (const std::size_t at : {4U, 9U, 15U, 19U}) {
        Packet other = last;
        other[at] ^= 1;
        CHECK_FALSE(reassembly.add(1, other, start));
    }
    CHECK(reassembly.add(1, last, start));
}

TEST_CASE("reassembly: congestion marks are joined (RFC 3168 5.3)") {
    const Packet payload = noise(64);
    const auto join = [&](std::uint8_t first, std::uint8_t second) {
        Reassembly reassembly;
        reassembly.add(1, cut(payload, {.length = 32, .more = true, .service = first}), start);
        return reassembly.add(1, cut(payload, {.offset = 32, .length = 32, .service = second}),
                              start);
    };
    CHECK(*join(0xb8, 0xb8) == whole(payload, 0xb8));
    CHECK(*join(0xb9, 0xbb) == whole(payload, 0xbb));
    CHECK(*join(0xbb, 0xba) == whole(payload, 0xbb));
    CHECK(*join(0xba, 0xb9) == whole(payload, 0xba));
    CHECK_FALSE(join(0xb8, 0xbb));
    CHECK_FALSE(join(0xb9, 0xb8));
}

TEST_CASE("reassembly: what does not come in time is given up, and counted") {
    const Packet payload = noise(64);
    Reassembly reassembly;
    const Packet first = cut(payload, {.length = 32, .more = true});
    const Packet last = cut(payload, {.offset = 32, .length = 32});
    CHECK_FALSE(reassembly.add(1, first, start));
    reassembly.give_up_late(start + Millis(29'999));
    CHECK_FALSE(reassembly.empty());
    reassembly.give_up_late(start + Millis(30'000));
    CHECK(reassembly.empty());
    CHECK(reassembly.bytes() == 0);
    CHECK_FALSE(reassembly.add(1, last, start + Millis(30'001)));
    CHECK_FALSE(reassembly.add(1, first, start + Millis(60'001))); /* which gives up `last` */
    CHECK(reassembly.counts().late == 2);
}

TEST_CASE("reassembly: a flood costs no more than the limit, and the newest packets survive") {
    const Packet payload = noise(2000);
    Reassembly reassembly({.bytes = 100'000, .longest = Millis(30'000)});
    for (std::uint16_t number = 0; number < 10'000; ++number) {
        reassembly.add(1, cut(payload, {.length = 8, .more = true, .identification = number}),
                       start);
        CHECK(reassembly.bytes() <= 100'000);
    }
    CHECK(reassembly.counts().full > 9000);
    CHECK(reassembly.add(1, cut(payload, {.offset = 8, .length = 1992, .identification = 9'999}),
                         start));
    /* One packet that is larger than all room is given up, too. */
    Reassembly small({.bytes = 1000, .longest = Millis(30'000)});
    small.add(1, cut(payload, {.length = 1600, .more = true}), start);
    CHECK(small.empty());
    CHECK(small.counts().full == 1);
}

TEST_CASE("reassembly: any bytes are survived, and nothing but what was sent ever comes out") {
    Random random;
    std::cout << "reassembly: random fragments, " << random.seed() << "\n";
    INFO(random.seed());
    const Packet payload = noise(4000);
    const Packet good = whole(payload);
    Reassembly reassembly({.bytes = 50'000, .longest = Millis(1000)});
    Millis now = start;
    std::size_t made = 0;
    for (int round = 0; round < faith::test::effort(20'000); ++round) {
        std::size_t offset = random.between(0, 7) * 512;
        if (random.one_in(50))
            offset += 8;
        const std::size_t length = std::min<std::size_t>(512, payload.size() - offset);
        Packet piece =
            cut(payload, {.offset = offset,
                          .length = length,
                          .more = offset + length < payload.size(),
                          .identification = static_cast<std::uint16_t>(random.between(0, 9))});
        if (random.one_in(20))
            piece.resize(random.between(0, piece.size()));
        now += Millis(random.between(0, 3));
        const auto came = reassembly.add(1, piece, now);
        CHECK(reassembly.bytes() <= 50'000);
        if (!came)
            continue;
        ++made;
        Packet expected = good;
        std::copy_n(came->begin() + 4, 2, expected.begin() + 4); /* its number */
        write_whole4(expected, 0);
        REQUIRE(*came == expected);
    }
    CHECK(made > 0);
}
