/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whether a tunnel can have sent what an error quotes. What is done with it then needs root:
 * tests/netns/tunnel_errors_test.py. */
#include "daemon/tunnel_errors.h"

#include "tests/support/packet.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::daemon;
using faith::test::address6;
using faith::test::Packet;

namespace {

Tunnel west() {
    config::Stf stf;
    stf.uplink = "eth1";
    stf.address = *parse_prefix6("2002:c000:201::1/16");
    return make_tunnel(stf);
}

Tunnel site_of_6rd() {
    config::Stf stf;
    stf.uplink = "eth1";
    stf.sixrd = config::Sixrd{.prefix = *parse_prefix6("2001:db8::/32"),
                              .ipv4_mask_len = 8,
                              .border_relay = *parse_ip4("10.9.9.9"),
                              .ipv4 = *parse_ip4("10.1.2.3")};
    return make_tunnel(stf);
}

struct Quote {
    const char *source4 = "192.0.2.1";
    const char *destination4 = "198.51.100.1";
    const char *source6 = "2002:c000:201:1::2";
    const char *destination6 = "2002:c633:6401:1::2";
    std::uint8_t protocol = 41;
    std::size_t quoted = 1000; /* at most so many bytes of the inner packet */
    std::size_t missing = 0;   /* bytes of which the outer header does not know */
};

bool can(const Tunnel &tunnel, const Quote &quote) {
    const auto inner =
        Packet()
            .ip6({.source = address6(quote.source6), .destination = address6(quote.destination6)})
            .tcp()
            .payload(40)
            .bytes();
    const slowpath::Icmp4Error error{
        .quoted = {.length = 20,
                   .total = 20 + inner.size() - quote.missing,
                   .protocol = quote.protocol,
                   .source = *parse_ip4(quote.source4),
                   .destination = *parse_ip4(quote.destination4)},
        .inner = slowpath::Bytes(inner).first(std::min(quote.quoted, inner.size()))};
    return can_have_sent(tunnel, error);
}

} // namespace

TEST_CASE("tunnel_errors: what a tunnel sends is recognised, however much of it is quoted (R10)") {
    CHECK(can(west(), {}));
    for (const std::size_t bytes : {0U, 8U, 39U, 40U, 60U})
        CHECK(can(west(), {.quoted = bytes}));
    CHECK(can(west(), {.destination6 = "2001:db8::1"})); /* by a relay */
    CHECK(can(west(), {.source6 = "2001:db8::1"}));      /* as a relay */
    CHECK(can(site_of_6rd(), {.source4 = "10.1.2.3",
                              .destination4 = "10.5.5.5",
                              .source6 = "2001:db8:102:300::1",
                              .destination6 = "2001:db8:505:500::1"}));
    CHECK(can(site_of_6rd(), {.source4 = "10.1.2.3",
                              .destination4 = "10.9.9.9",
                              .source6 = "2001:db8:102:300::1",
                              .destination6 = "2003::1"}));
}

TEST_CASE("tunnel_errors: what a tunnel cannot have sent is not believed (R10)") {
    CHECK_FALSE(can(west(), {.source4 = "192.0.2.2"}));
    CHECK_FALSE(can(west(), {.destination4 = "192.0.2.1"}));
    CHECK_FALSE(can(west(), {.destination4 = "224.0.0.1"}));
    /* Not even by a relay, whose address nothing in the packet tells. */
    CHECK_FALSE(can(west(), {.destination4 = "192.0.2.1", .destination6 = "2001:db8::1"}));
    CHECK_FALSE(can(west(), {.destination4 = "224.0.0.1", .destination6 = "2001:db8::1"}));
    CHECK_FALSE(can(west(), {.destination4 = "198.51.100.2"})); /* not where that site is */
    CHECK_FALSE(can(west(), {.source6 = "2002:c000:202:1::2"}));
    CHECK_FALSE(can(west(), {.protocol = 4}));
    CHECK_FALSE(can(west(), {.missing = 1}));
    CHECK_FALSE(can(site_of_6rd(), {.source4 = "10.1.2.3",
                                    .destination4 = "10.5.5.6",
                                    .source6 = "2001:db8:102:300::1",
                                    .destination6 = "2001:db8:505:500::1"}));
    slowpath::Icmp4Error later{.quoted = {.length = 20,
                                          .total = 60,
                                          .offset = 8,
                                          .protocol = 41,
                                          .source = *parse_ip4("192.0.2.1"),
                                          .destination = *parse_ip4("198.51.100.1")},
                               .inner = {}};
    CHECK_FALSE(can_have_sent(west(), later));
    later.quoted.offset = 0;
    CHECK(can_have_sent(west(), later));
    const std::vector<std::uint8_t> no_ip6(60, 0x45);
    later.inner = no_ip6;
    CHECK_FALSE(can_have_sent(west(), later));
}
