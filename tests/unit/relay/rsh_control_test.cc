/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What needs no reserved port; the second connection is in tests/netns/rsh_test.py. */
#include "relay/rsh_control.h"

#include "rig.h"

#include <catch2/catch.hpp>

using namespace rig;
using namespace std::string_literals;
using peers::Seen;

namespace {

struct RshRig {
    std::string complaints;
    Options options{.complain = [this](std::string_view text) { complaints += text; }};
    Rig rig{options};
    Rig::Ends ends;

    RshRig() {
        rig.dial.rsh = true;
        ends = rig.connect();
    }
    void say(std::string_view text) { REQUIRE(peers::push(ends.client.get(), text)); }
    /* Both are reset, and the server has heard nothing. */
    void ended(const std::string &why) {
        CHECK(rig.end_seen(ends.client.get()) == Seen::Reset);
        std::string heard;
        Seen seen = Seen::More;
        rig.until([&] { return (seen = peers::pull(ends.server.get(), heard)) != Seen::More; });
        CHECK(heard.empty());
        CHECK(complaints == "rsh of ::1 to 127.0.0.1 ended: " + why);
        CHECK(rig.count(FGW_RSH_HANGUP) == 1);
        CHECK(rig.live() == 0);
    }
};

const std::string words = "me\0you\0cat\0"s;

} // namespace

TEST_CASE("rsh_control: without a port the opening passes, and then both pumps do the work (D58)") {
    RshRig rsh;
    rsh.say("\0"s + words);
    std::string heard;
    rsh.rig.until([&] {
        return peers::pull(rsh.ends.server.get(), heard), heard.size() == 1 + words.size();
    });
    CHECK(heard == "\0"s + words);
    CHECK(rsh.rig.worker->stats().bytes_to_server.get() == 1 + words.size());
    const std::string data = peers::pattern(4 << 20, 3);
    CHECK(rsh.rig.carry(rsh.ends.client.get(), rsh.ends.server.get(), data) == data);
    CHECK(rsh.rig.worker->stats().bytes_spliced.get() > 0);
    CHECK(rsh.rig.carry(rsh.ends.server.get(), rsh.ends.client.get(), data) == data);
    CHECK(rsh.rig.worker->stats().bytes_to_server.get() == 1 + words.size() + data.size());
    REQUIRE(::shutdown(rsh.ends.client.get(), SHUT_WR) == 0);
    CHECK(rsh.rig.end_seen(rsh.ends.server.get()) == Seen::End);
    CHECK(rsh.rig.worker->sessions().at(0).bytes_to_server == 1 + words.size() + data.size());
}

TEST_CASE("rsh_control: the server may speak and end first (D58)") {
    RshRig rsh;
    CHECK(rsh.rig.carry(rsh.ends.server.get(), rsh.ends.client.get(), "\1not you\n") ==
          "\1not you\n");
    REQUIRE(::shutdown(rsh.ends.server.get(), SHUT_WR) == 0);
    CHECK(rsh.rig.end_seen(rsh.ends.client.get()) == Seen::End);
    CHECK(rsh.complaints.empty());
}

TEST_CASE("rsh_control: an urgent byte behind the opening is urgent (D38)") {
    RshRig rsh;
    peers::set_option(rsh.ends.server.get(), SOL_SOCKET, SO_OOBINLINE, 1);
    rsh.say("\0"s + words);
    std::string_view urgent = "!";
    REQUIRE(peers::push(rsh.ends.client.get(), urgent, MSG_OOB));
    peers::Heard heard;
    rsh.rig.until([&] {
        return peers::hear(rsh.ends.server.get(), heard), heard.text.size() == 2 + words.size();
    });
    CHECK(heard == peers::Heard{.text = "\0"s + words + "!", .urgent = {1 + words.size()}});
}

TEST_CASE("rsh_control: what makes no sense ends both, and the log says why (D58)") {
    {
        RshRig rsh;
        rsh.say("GET / HTTP/1.0\r\n");
        rsh.ended("its first words are no port");
    }
    {
        RshRig rsh;
        rsh.say("2000\0"s + words);
        rsh.ended("the port for its standard error is not a reserved one");
    }
    RshRig rsh;
    rsh.say("100");
    REQUIRE(::shutdown(rsh.ends.client.get(), SHUT_WR) == 0);
    rsh.ended("it ended before it said its port");
}

TEST_CASE("rsh_control: without permission for a port of its own it ends (D58)") {
    RshRig rsh;
    const peers::Unprivileged unprivileged;
    rsh.say("1000\0"s + words);
    rsh.ended("no port for its standard error: bind to 127.0.0.1: Permission denied");
    CHECK(rsh.rig.count(FGW_NO_RESERVED_PORT) == 1);
}
