/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/followers.h"

#include "sys/unix_socket.h"

#include <catch2/catch.hpp>
#include <sys/socket.h>

using namespace faith;
using namespace faith::daemon;

namespace {

struct Pair {
    Pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
        REQUIRE(sys::set_timeouts(theirs.get(), sys::Millis(50)));
    }
    sys::UniqueFd ours, theirs;
};

nlohmann::json event(int number, std::size_t bytes = 0) {
    return {{"number", number}, {"padding", std::string(bytes, 'x')}};
}

} // namespace

TEST_CASE("followers: each gets every event, a line each") {
    Followers followers;
    Pair one, two;
    followers.add(std::move(one.ours));
    followers.add(std::move(two.ours));
    for (int i = 0; i < 3; i++)
        followers.tell(event(i));
    for (const int fd : {one.theirs.get(), two.theirs.get()}) {
        sys::LineReader lines(fd, 1 << 20);
        for (int i = 0; i < 3; i++) {
            const Result<std::string> line = lines.next();
            REQUIRE(line);
            CHECK(nlohmann::json::parse(*line)["number"] == i);
        }
    }
}

TEST_CASE("followers: one that does not read loses whole lines and is told how many") {
    Followers followers;
    Pair slow;
    followers.add(std::move(slow.ours));
    constexpr int events = 2000;
    for (int i = 0; i < events; i++)
        followers.tell(event(i, 1000));
    CHECK(followers.count() == 1);
    sys::LineReader lines(slow.theirs.get(), 1 << 20);
    int seen = 0;
    std::uint64_t lost = 0;
    int last = -1;
    while (seen + static_cast<int>(lost) < events + 1) {
        if (seen + static_cast<int>(lost) == events)
            break;
        const Result<std::string> line = lines.next();
        if (!line) { /* what it read made room: the next event brings what is owed */
            followers.tell(event(events));
            continue;
        }
        const nlohmann::json told = nlohmann::json::parse(*line);
        if (told.contains("lost")) {
            lost += told["lost"].get<std::uint64_t>();
            continue;
        }
        CHECK(told["number"].get<int>() > last);
        last = told["number"].get<int>();
        if (last < events)
            seen++;
    }
    CHECK(lost > 0);
    CHECK(seen > 0);
    CHECK(seen + static_cast<int>(lost) == events);
}

TEST_CASE("followers: one that went away is forgotten") {
    Followers followers;
    Pair gone, stays;
    followers.add(std::move(gone.ours));
    followers.add(std::move(stays.ours));
    gone.theirs.reset();
    followers.tell(event(1));
    CHECK(followers.count() == 1);
}

TEST_CASE("followers: so many are enough, and so many events are remembered") {
    Followers followers;
    for (std::size_t i = 0; i < Followers::most; i++) {
        CHECK_FALSE(followers.full());
        followers.add(sys::UniqueFd());
    }
    CHECK(followers.full());
    Followers memory;
    for (std::size_t i = 0; i <= Followers::remembered; i++)
        memory.tell(event(static_cast<int>(i)));
    CHECK(memory.recent().size() == Followers::remembered);
    CHECK(memory.recent().front()["number"] == 1);
}
