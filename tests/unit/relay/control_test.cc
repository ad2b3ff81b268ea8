/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/control.h"

#include "rig.h"

#include <catch2/catch.hpp>

using namespace rig;
using peers::Seen;

namespace {

/* A listener on 127.0.0.1, and who came to it. */
struct Waiting {
    peers::NoSigpipe no_sigpipe;
    sys::FakeClock clock;
    std::unique_ptr<sys::EventLoop> loop = *sys::EventLoop::create(clock);
    Stats stats;
    Expectations expectations{clock};
    sys::ReservedPorts reserved{clock};
    ControlTools tools{.loop = *loop,
                       .clock = clock,
                       .stats = stats,
                       .scratch = {},
                       .expectations = expectations,
                       .reserved = reserved};
    std::uint16_t welcome_port = 0; /* of the one who is let in */
    std::vector<sys::UniqueFd> guests;
    Awaited awaited;
    std::uint16_t port = 0;

    bool open() {
        Result<sys::UniqueFd> listener =
            sys::listen4({.address = Ip4{.value = 0x7f000001}, .port = 0});
        REQUIRE(listener);
        port = peers::port_of(listener->get());
        return awaited.open(
            tools, *std::move(listener),
            {.admitted = [this](const sys::Endpoint4 &peer) { return peer.port == welcome_port; },
             .stranger = FGW_FTP_STRANGER,
             .welcome = [this](sys::Accepted4 it) { guests.push_back(std::move(it.fd)); }});
    }
    void settle() {
        for (int i = 0; i < 5; ++i)
            REQUIRE(loop->turn(Millis{0}));
    }
};

} // namespace

TEST_CASE("control: strangers are reset and counted, the guest is let in, and the door is shut") {
    Waiting waiting;
    REQUIRE(waiting.open());
    const peers::UniqueFd stranger = peers::connect4(waiting.port);
    waiting.settle();
    CHECK(peers::pull(stranger.get()) == Seen::Reset);
    CHECK(waiting.stats.reasons[FGW_FTP_STRANGER].get() == 1);
    CHECK(waiting.guests.empty());

    const peers::UniqueFd guest = peers::connect4(waiting.port);
    waiting.welcome_port = peers::port_of(guest.get());
    waiting.settle();
    CHECK(waiting.guests.size() == 1);
    CHECK(peers::pull(guest.get()) == Seen::More);

    int error = 0;
    const sys::UniqueFd late = sys::open_tcp4(error);
    const sys::Connect outcome =
        sys::connect4(late.get(), {}, {.address = Ip4{.value = 0x7f000001}, .port = waiting.port});
    CHECK((outcome == sys::Connect::Refused || sys::take_error(late.get()) == ECONNREFUSED));
}

TEST_CASE("control: closed it resets who came and was not looked at yet") {
    Waiting waiting;
    REQUIRE(waiting.open());
    const peers::UniqueFd early = peers::connect4(waiting.port);
    waiting.awaited.close();
    waiting.settle();
    CHECK(peers::pull(early.get()) == Seen::Reset);
    CHECK(waiting.guests.empty());
    waiting.awaited.close(); /* twice is once */
    REQUIRE(waiting.open());
}

TEST_CASE("control: a descriptor that is kept for others is not taken") {
    Waiting waiting;
    waiting.tools.ceiling = 0;
    CHECK_FALSE(waiting.open());
}
