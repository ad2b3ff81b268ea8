/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/local_services.h"

#include "local_peers.h"
#include "tests/unit/relay/peers.h"

#include <catch2/catch.hpp>

#include <cerrno>

using namespace faith;
using namespace std::chrono_literals;
using daemon::LocalServices;
using Services = std::vector<config::Service>;

namespace {

/* A port that was free a moment ago. */
std::uint16_t free_port() {
    const sys::UniqueFd listener = *sys::listen6();
    return peers::port_of(listener.get());
}

config::Service service_on(std::uint16_t port, const std::string &command) {
    config::Service service{.port = port, .idle_timeout = {}};
    service.local = shell_service(command);
    return service;
}

struct Rig {
    sys::FakeClock clock;
    std::unique_ptr<sys::EventLoop> loop = *sys::EventLoop::create(clock);
    bool own = true;
    LocalServices services{*loop, clock,
                           [this](const sys::Endpoint6 &end) -> Result<bool> {
                               CHECK(end.address.is_loopback());
                               return own;
                           },
                           0};

    void serve(const Services &wanted) {
        Result<LocalServices::Opened> opened = services.open(wanted);
        REQUIRE(opened);
        services.commit(*std::move(opened), wanted);
    }
    LocalServices::Report of(std::uint16_t port) const {
        for (const LocalServices::Report &report : services.report())
            if (report.port == port)
                return report;
        return {};
    }
    /* What a client hears that connects, while the loop runs. */
    std::string ask(std::uint16_t port) {
        const sys::UniqueFd client = peers::connect6(port);
        until_readable(client.get());
        char byte = 0;
        if (::recv(client.get(), &byte, 1, MSG_PEEK) < 0)
            return errno == ECONNRESET ? "reset" : "error";
        return hear_all(client.get());
    }
    /* A turn may be over something else, the end of an earlier process. */
    template <class Done>
    void until(Done done) {
        peers::until([this] { REQUIRE(loop->turn(10ms)); }, done);
    }
    void until_readable(int fd) {
        until([fd] {
            pollfd readable{.fd = fd, .events = POLLIN, .revents = 0};
            return ::poll(&readable, 1, 0) == 1;
        });
    }
    void until_idle() {
        for (const auto &report : services.report())
            while (of(report.port).counts.running != 0)
                REQUIRE(loop->turn(60s));
    }
};

bool refused(std::uint16_t port) {
    const sys::UniqueFd fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_addr = in6addr_loopback;
    to.sin6_port = htons(port);
    return ::connect(fd.get(), reinterpret_cast<const sockaddr *>(&to), sizeof to) < 0 &&
           errno == ECONNREFUSED;
}

} // namespace

TEST_CASE("local services: each port has its program, others have no listener (D17)") {
    Rig rig;
    const std::uint16_t ftp = free_port();
    const std::uint16_t telnet = free_port();
    config::Service none{.port = free_port(), .idle_timeout = {}};
    rig.serve({service_on(ftp, "echo ftp"), service_on(telnet, "echo telnet"), none});
    CHECK(rig.ask(ftp) == "ftp\n");
    CHECK(rig.ask(telnet) == "telnet\n");
    CHECK(refused(none.port));
    rig.until_idle();
    CHECK(rig.of(ftp).counts.started == 1);
    CHECK(rig.of(telnet).path == "/bin/sh");
}

TEST_CASE("local services: an address that is not ours is reset, and starts nothing (D15)") {
    Rig rig;
    const std::uint16_t port = free_port();
    rig.serve({service_on(port, "echo served")});
    rig.own = false;
    CHECK(rig.ask(port) == "reset");
    CHECK(rig.of(port).counts.started == 0);
    rig.own = true;
    CHECK(rig.ask(port) == "served\n");
    rig.until_idle();
}

TEST_CASE("local services: a port that is taken is an error, and no other port is opened") {
    Rig rig;
    const std::uint16_t good = free_port();
    const std::uint16_t taken = free_port();
    const sys::UniqueFd other = *sys::listen_on_own6(taken);
    const auto opened = rig.services.open({service_on(good, "true"), service_on(taken, "true")});
    REQUIRE_FALSE(opened);
    CHECK(opened.error().kind == Errc::Busy);
    const std::string name = std::to_string(taken);
    CHECK(opened.error().text ==
          "local service " + name + ": bind to [::]:" + name +
              ": Address already in use (another program serves the gateway's own addresses on "
              "this port; end it, or leave local out)");
    CHECK(refused(good));
    CHECK(rig.services.report().empty());
}

TEST_CASE("local services: nothing is served between open and commit, and nobody is turned away") {
    Rig rig;
    const std::uint16_t port = free_port();
    const Services wanted{service_on(port, "echo served")};
    auto opened = rig.services.open(wanted);
    REQUIRE(opened);
    const sys::UniqueFd client = peers::connect6(port);
    REQUIRE(rig.loop->turn(0ms));
    CHECK(rig.services.report().empty());
    rig.services.commit(*std::move(opened), wanted);
    rig.until_readable(client.get());
    CHECK(hear_all(client.get()) == "served\n");
    rig.until_idle();
}

TEST_CASE("local services: a change adds, removes and alters; processes and their number stay") {
    Rig rig;
    const std::uint16_t stays = free_port();
    const std::uint16_t goes = free_port();
    const std::uint16_t comes = free_port();
    rig.serve({service_on(stays, "echo before"), service_on(goes, "read a; echo $a")});
    const sys::UniqueFd live = peers::connect6(goes);
    rig.until([&] { return rig.of(goes).counts.running == 1; });

    rig.serve({service_on(stays, "echo after"), service_on(comes, "echo new")});
    CHECK(refused(goes));
    CHECK(rig.ask(stays) == "after\n");
    CHECK(rig.ask(comes) == "new\n");
    CHECK(rig.of(goes).counts.running == 1); /* still told */

    rig.serve({service_on(goes, "echo back")});
    CHECK(rig.of(goes).counts.running == 1); /* and counted, should the port come back */
    CHECK(rig.ask(goes) == "back\n");
    REQUIRE(::send(live.get(), "end\n", 4, 0) == 4);
    CHECK(hear_all(live.get()) == "end\n");
    rig.until_idle();
    CHECK(rig.of(goes).counts.started == 2);
    rig.serve({});
    CHECK(rig.services.report().empty());
}
