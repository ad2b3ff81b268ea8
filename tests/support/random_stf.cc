/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "random_stf.h"

#include "prefix/site.h"

#include <algorithm>

namespace faith::test {

namespace {

Ip4 random_ip4(Random &random, const StfWorld &world) {
    static const char *const edges[] = {
        "0.0.0.0",     "0.255.255.255",  "1.0.0.0",         "9.255.255.255", "10.0.0.0",
        "10.9.9.9",    "10.255.255.255", "127.0.0.1",       "169.254.1.1",   "172.16.0.1",
        "172.32.0.0",  "192.168.1.1",    "192.88.99.1",     "224.0.0.1",     "239.255.255.255",
        "240.0.0.1",   "254.1.1.1",      "255.255.255.255", "203.0.113.255", "192.0.2.1",
        "203.0.113.9", "198.51.100.1",
    };
    const Ip4 own = Ip4::from_bytes(world.stf.address);
    switch (random.between(0, 5)) {
    case 0:
        return own;
    case 1:
        return Ip4::from_bytes(world.stf.border_relay);
    case 2:
        return Ip4{.value = own.value ^ (1U << random.between(0, 31))};
    case 3:
        return Ip4{.value = random.word()};
    default:
        return *parse_ip4(edges[random.between(0, std::size(edges) - 1)]);
    }
}

Ip6 random_ip6(Random &random, const StfWorld &world, Ip4 outer) {
    static const char *const edges[] = {
        "::",
        "::1",
        "::ffff:192.0.2.1",
        "0:ffff::1",
        "1::",
        "64:ff9b::1",
        "2001:db8::1",
        "2001:db9::1",
        "2003::1",
        "fdff::1",
        "fe7f:ff::1",
        "fe80::1",
        "fec0::1",
        "feff::1",
        "ff02::1",
        "2001:db8::5efe:192.0.2.1",
        "2001:db8:1::200:5efe:203.0.113.9",
        "2002:c000:201::5efe:192.0.2.1",
    };
    const Ip4 embedded = random.one_in(3) ? random_ip4(random, world) : outer;
    switch (random.between(0, 4)) {
    case 0:
        return prefix::host_in(prefix::site_prefix(prefix::six_to_four(), 0, embedded), 1);
    case 1:
        return address6(edges[random.between(0, std::size(edges) - 1)]);
    case 2: {
        Ip6 address;
        for (std::uint8_t &byte : address.bytes)
            byte = random.byte();
        return address;
    }
    default:
        return prefix::host_in(
            prefix::site_prefix(shared_of(world.stf), world.stf.v4_mask_len, embedded), 1);
    }
}

Ip6 in_site(const StfWorld &world, Ip4 site) {
    return prefix::host_in(prefix::site_prefix(shared_of(world.stf), world.stf.v4_mask_len, site),
                           1);
}

constexpr std::size_t network = 14, outer_bytes = 20, inner_bytes = 40;

/* A byte from `first` on; one that is thrown away when the frame ends before that. */
std::uint8_t &any_byte(Random &random, Bytes &frame, std::size_t first, std::size_t last) {
    static std::uint8_t nowhere;
    if (frame.size() <= first)
        return nowhere;
    return frame[random.between(first, std::min(last, frame.size() - 1))];
}

void write(Bytes &frame, std::size_t at, const auto &bytes) {
    if (at + bytes.size() <= frame.size())
        std::copy(bytes.begin(), bytes.end(), frame.begin() + static_cast<std::ptrdiff_t>(at));
}

/* A length that is right, wrong by a little, or anything. */
void write_length(Random &random, Bytes &frame, std::size_t at, std::size_t right) {
    const std::uint64_t length =
        random.one_in(4) ? random.between(0, 0xffff) : right + random.between(0, 16) - 8;
    write(frame, at,
          std::array{static_cast<std::uint8_t>(length >> 8), static_cast<std::uint8_t>(length)});
}

/* One more word of header, which every length may or may not know of. */
void add_option(Random &random, Bytes &frame) {
    if (frame.size() < network + outer_bytes)
        return;
    if (random.one_in(4))
        frame[network] = static_cast<std::uint8_t>(0x40 | random.between(0, 15));
    else
        ++frame[network];
    if (random.one_in(4))
        return;
    const std::size_t length =
        static_cast<std::size_t>(frame[network + 2] << 8 | frame[network + 3]) + 4;
    frame[network + 2] = static_cast<std::uint8_t>(length >> 8);
    frame[network + 3] = static_cast<std::uint8_t>(length);
    frame.insert(frame.begin() + network + outer_bytes, 4, std::uint8_t{1});
}

/* RFC 1071, byte by byte. */
void correct_checksum(Bytes &frame) {
    const std::size_t bytes = static_cast<std::size_t>(frame[network] & 15) * 4;
    if (frame.size() < network + std::max(bytes, outer_bytes))
        return;
    frame[network + 10] = frame[network + 11] = 0;
    std::uint32_t sum = 0;
    for (std::size_t i = 0; i < bytes; ++i)
        sum += static_cast<std::uint32_t>(frame[network + i]) << (i % 2 == 0 ? 8 : 0);
    while (sum > 0xffff)
        sum = (sum & 0xffff) + (sum >> 16);
    frame[network + 10] = static_cast<std::uint8_t>(~sum >> 8);
    frame[network + 11] = static_cast<std::uint8_t>(~sum);
}

void mutate_once(Random &random, const StfWorld &world, StfWay way, Bytes &frame) {
    const std::size_t inner = way == StfWay::In ? network + outer_bytes : network;
    const std::size_t headers_end = inner + inner_bytes - 1;
    switch (random.between(0, 9)) {
    case 0:
        any_byte(random, frame, network, headers_end) ^=
            static_cast<std::uint8_t>(1U << random.between(0, 7));
        break;
    case 1:
        any_byte(random, frame, network, headers_end) = random.byte();
        break;
    case 2:
        frame.resize(random.between(network, frame.size()));
        break;
    case 3:
        frame.resize(frame.size() + random.between(1, 40), random.byte());
        break;
    case 4:
        if (way == StfWay::In)
            add_option(random, frame);
        break;
    case 5:
        if (way == StfWay::In)
            write_length(random, frame, network + 2, frame.size() - network);
        break;
    case 6:
        write_length(random, frame, inner + 4, frame.size() - std::min(frame.size(), inner + 40));
        break;
    case 7:
        if (way == StfWay::In)
            write(frame, network + 12, random_ip4(random, world).bytes());
        break;
    case 8: /* traffic class, mark included */
        any_byte(random, frame, inner, inner + 1) ^=
            static_cast<std::uint8_t>(random.byte() & 0x3f);
        if (way == StfWay::In && frame.size() > network + 1)
            frame[network + 1] = random.byte();
        break;
    default:
        write(frame, inner + (random.one_in(2) ? 8 : 24),
              random_ip6(random, world, random_ip4(random, world)).bytes);
    }
}

} // namespace

Prefix6 shared_of(const fgw_stf &stf) {
    return {.address = Ip6{std::to_array(stf.prefix)}, .length = stf.prefix_len};
}

StfWorld random_world(Random &random) {
    StfWorld world{.stf = stf_of_6to4(),
                   .broadcast = {*parse_ip4("203.0.113.255"), *parse_ip4("10.255.255.255")},
                   .own = {*parse_ip4("192.0.2.1"), *parse_ip4("203.0.113.9")},
                   .sites = {}};
    if (random.one_in(2))
        world.sites.insert(*parse_ip4("192.0.2.1"));
    if (random.one_in(2)) {
        world.stf = stf_of_6rd();
        world.stf.v4_mask_len = static_cast<std::uint8_t>(random.between(0, 32));
        /* With all 32 bits and the longest prefix the embedded ones end the address. */
        const std::uint64_t longest = 96 + world.stf.v4_mask_len;
        world.stf.prefix_len = static_cast<std::uint8_t>(random.between(0, longest));
        Ip6 prefix = address6("2001:db8:1234:5678:9abc:def0:1234:5678");
        prefix = Prefix6{.address = prefix, .length = world.stf.prefix_len}.masked().address;
        std::copy(prefix.bytes.begin(), prefix.bytes.end(), world.stf.prefix);
        if (random.one_in(3))
            std::fill_n(world.stf.border_relay, 4, std::uint8_t{0});
        if (random.one_in(3)) {
            world.stf.flags |= FGW_STF_RELAYS;
            std::fill_n(world.stf.border_relay, 4, std::uint8_t{0});
        }
    }
    for (const fgw_stf_flag flag : {FGW_STF_PRIVATE_OUTER, FGW_STF_PRIVATE_6TO4})
        if (random.one_in(3))
            world.stf.flags ^= flag;
    world.stf.peer_len = static_cast<std::uint8_t>(random.between(0, 32));
    return world;
}
StfAddresses random_addresses(Random &random, const StfWorld &world) {
    StfAddresses p{.source4 = random_ip4(random, world),
                   .destination4 = random_ip4(random, world),
                   .source6 = {},
                   .destination6 = {}};
    p.source6 = random_ip6(random, world, p.source4);
    p.destination6 = random_ip6(random, world, p.destination4);
    return p;
}

StfWorld random_tunnel(Random &random) {
    StfWorld world = random_world(random);
    world.stf.ecn = static_cast<std::uint8_t>(random.between(0, 2));
    world.stf.ttl = random.byte();
    world.stf.mtu = static_cast<std::uint16_t>(random.between(0, 2000));
    if (!random.one_in(4))
        world.stf.mtu = 1280;
    if (!random.one_in(4))
        world.stf.peer_len = 0;
    /* A bad one is what no address embeds, so nothing else refuses it before. */
    if (Ip4::from_bytes(world.stf.border_relay).value != 0 && random.one_in(2)) {
        const auto relay = random_ip4(random, world).bytes();
        std::copy(relay.begin(), relay.end(), world.stf.border_relay);
    }
    if (random.one_in(8))
        world.stf.flags &= ~static_cast<std::uint32_t>(FGW_STF_INPUT);
    return world;
}

Bytes random_stf_frame(Random &random, const StfWorld &world, StfWay way) {
    const Ip4 own = Ip4::from_bytes(world.stf.address);
    const Ip4 relay = Ip4::from_bytes(world.stf.border_relay);
    Ip4 far{.value = own.value ^ static_cast<std::uint32_t>(random.between(1, 0x00ffffff))};
    if (relay.value != 0 && random.one_in(3))
        far = relay;
    const Ip4 from = way == StfWay::In ? far : own, to = way == StfWay::In ? own : far;
    Packet packet = Packet().eth();
    if (way == StfWay::In)
        packet.ip4({.source = from, .destination = to, .service = random.byte()});
    return packet
        .ip6({.source = random.one_in(6) ? random_ip6(random, world, from) : in_site(world, from),
              .destination = random.one_in(6) ? random_ip6(random, world, to) : in_site(world, to),
              .traffic_class = random.byte()})
        .tcp()
        .payload(random.between(0, 40))
        .bytes();
}

Bytes mutated(Random &random, const StfWorld &world, StfWay way, Bytes frame) {
    for (std::uint64_t left = random.between(0, 3); left > 0; --left)
        mutate_once(random, world, way, frame);
    if (way == StfWay::In && frame.size() > network && !random.one_in(8))
        correct_checksum(frame);
    return frame;
}

} // namespace faith::test
