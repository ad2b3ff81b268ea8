/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/local_service.h"

#include "local_peers.h"

#include <catch2/catch.hpp>

#include <sys/wait.h>

#include <cerrno>

using namespace faith;
using namespace std::chrono_literals;
using daemon::LocalService;

namespace {

const sys::Endpoint6 client{.address = *parse_ip6("2001:db8::2"), .port = 50'000};

struct Rig {
    sys::FakeClock clock;
    std::unique_ptr<sys::EventLoop> loop = *sys::EventLoop::create(clock);

    LocalService service(config::Local local) { return {*loop, clock, 21, local, 0}; }
    void until_idle(const LocalService &service) {
        for (int turns = 0; service.counts().running != 0; turns++) {
            REQUIRE(turns < 1000);
            REQUIRE(loop->turn(60s));
        }
    }
};

} // namespace

TEST_CASE(
    "local service: one process for each connection, with the client in its environment (D17)") {
    Rig rig;
    LocalService service = rig.service(shell_service("echo $REMOTE_ADDR $REMOTE_PORT; read a; "
                                                     "echo $a"));
    Connection first;
    Connection second;
    service.serve(first.take_theirs(), client);
    service.serve(second.take_theirs(), {.address = *parse_ip6("fe80::2"), .port = 7, .scope = 3});
    CHECK(service.counts().running == 2);
    second.say("two\n");
    first.say("one\n");
    CHECK(first.hear_all() == "2001:db8::2 50000\none\n");
    CHECK(second.hear_all() == "fe80::2%3 7\ntwo\n");
    rig.until_idle(service);
    CHECK(service.counts().started == 2);
    CHECK(service.counts().refused == 0);
}

TEST_CASE("local service: no process of ours is left as a zombie (D14)") {
    Rig rig;
    LocalService service = rig.service(shell_service("exit 3"));
    for (int i = 0; i < 5; i++)
        service.serve(Connection().take_theirs(), client);
    rig.until_idle(service);
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("local service: beyond local_max a connection is closed, until one has ended") {
    Rig rig;
    config::Local local = shell_service("read a; echo $a");
    local.most = 1;
    LocalService service = rig.service(local);
    Connection first;
    Connection second;
    service.serve(first.take_theirs(), client);
    service.serve(second.take_theirs(), client);
    CHECK(second.hear_all().empty());
    CHECK(service.counts().refused == 1);
    first.say("still here\n");
    CHECK(first.hear_all() == "still here\n");
    rig.until_idle(service);
    Connection third;
    service.serve(third.take_theirs(), client);
    third.say("me\n");
    CHECK(third.hear_all() == "me\n");
    rig.until_idle(service);
    CHECK(service.counts().started == 2);
}

TEST_CASE("local service: beyond local_rate a connection is closed, and a second later not") {
    Rig rig;
    config::Local local = shell_service("echo served");
    local.rate = 2;
    LocalService service = rig.service(local);
    const auto one = [&] {
        Connection connection;
        service.serve(connection.take_theirs(), client);
        return connection.hear_all();
    };
    CHECK(one() == "served\n");
    CHECK(one() == "served\n");
    CHECK(one().empty());
    service.change(local); /* a reload that changes nothing gives nothing back */
    CHECK(one().empty());
    rig.clock.advance(1s);
    CHECK(one() == "served\n");
    local.rate = 100;
    service.change(local);
    CHECK(one() == "served\n");
    CHECK(one() == "served\n");
    rig.until_idle(service);
    CHECK(service.counts().refused == 2);
}

TEST_CASE("local service: a program that is gone closes the connection, and one that is back "
          "serves again") {
    Rig rig;
    config::Local local = shell_service("echo served");
    local.path = "/nosuch/sh";
    LocalService service = rig.service(local);
    Connection lost;
    service.serve(lost.take_theirs(), client);
    CHECK(lost.hear_all().empty());
    CHECK(service.counts().refused == 1);
    CHECK(service.counts().running == 0);
    service.change(shell_service("echo served"));
    Connection good;
    service.serve(good.take_theirs(), client);
    CHECK(good.hear_all() == "served\n");
    rig.until_idle(service);
}

TEST_CASE("local service: a process outlives the service") {
    Rig rig;
    Connection connection;
    {
        LocalService service = rig.service(shell_service("read a; echo $a"));
        service.serve(connection.take_theirs(), client);
    }
    connection.say("alone\n");
    CHECK(connection.hear_all() == "alone\n");
    CHECK(::waitpid(-1, nullptr, 0) > 0);
}
