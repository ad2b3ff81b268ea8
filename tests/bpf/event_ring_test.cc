/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a program tells of a denial, as the reader gets it. */
#include "datapath/event_ring.h"

#include "loaded.h"
#include "tests/support/packet.h"
#include "tests/support/prog_run.h"

#include <poll.h>

#include <cstring>

using namespace faith;
using namespace faith::test;

namespace {

Bytes syn() { return Packet().eth().ip6().tcp().bytes(); }

bool readable(int fd) {
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&waiting, 1, 0) == 1;
}

} // namespace

TEST_CASE("event_ring: a denial is told once, with its rule, hook and addresses") {
    Loaded loaded{{FGW_PROG_XDP}};
    loaded.capture("2001:db8:f::/96");
    loaded.rules("::/0 permit 10.0.0.0/8\n::/0 deny 192.0.2.1");
    /* On lo the guard cannot answer, so denials are told here only when they are silent. */
    fgw_config silent = Loaded::config(0);
    silent.deny = FGW_DENY_SILENT;
    loaded.configure(silent);

    std::vector<fgw_event> told;
    const auto ring = datapath::open_event_ring(
        loaded.maps().events, [&](const fgw_event &event) { told.push_back(event); });
    REQUIRE(ring);
    CHECK_FALSE(readable(ring->fd()));
    REQUIRE(ring->consume());
    CHECK(told.empty());

    REQUIRE(run_on_packet(loaded.object().xdp_program(), syn()));
    CHECK(readable(ring->fd()));
    REQUIRE(ring->consume());
    REQUIRE(told.size() == 1);
    CHECK(told[0].reason == FGW_ACL_DENY);
    const auto rule = loaded.maps().acl.find(told[0].verdict & FGW_VERDICT_SLOT);
    REQUIRE(rule);
    REQUIRE(*rule);
    CHECK((*rule)->line == 2);
    CHECK(told[0].hook == FGW_HOOK_XDP);
    CHECK(told[0].generation == 2);
    const Ip6 destination = *parse_ip6("2001:db8:f::c000:201");
    CHECK(std::memcmp(told[0].destination, destination.bytes.data(), 16) == 0);
    CHECK(Ip4::from_bytes(told[0].target) == *parse_ip4("192.0.2.1"));

    REQUIRE(ring->consume());
    CHECK(told.size() == 1);
    CHECK_FALSE(readable(ring->fd()));
}

TEST_CASE("event_ring: more events than the rate allows are counted as lost") {
    Loaded loaded{{FGW_PROG_XDP}};
    loaded.capture("2001:db8:f::/96");
    loaded.rules("::/0 deny 0.0.0.0/0");
    fgw_config silent = Loaded::config(0);
    silent.deny = FGW_DENY_SILENT;
    loaded.configure(silent);
    std::size_t told = 0;
    const auto ring =
        datapath::open_event_ring(loaded.maps().events, [&](const fgw_event &) { ++told; });
    REQUIRE(ring);
    constexpr int packets = 20'000;
    REQUIRE(run_on_packet(loaded.object().xdp_program(), syn(), packets));
    REQUIRE(ring->consume());
    const auto lost = loaded.maps().events_lost.sums(1);
    REQUIRE(lost);
    CHECK(told > 0);
    CHECK((*lost)[0] > 0);
    CHECK(told + (*lost)[0] == packets);
}

TEST_CASE("event_ring: what is no ring is an error") {
    Loaded loaded{{FGW_PROG_XDP}};
    CHECK_FALSE(datapath::open_event_ring(loaded.maps().config.fd(), [](const fgw_event &) {}));
}
