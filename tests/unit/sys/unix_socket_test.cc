/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/unix_socket.h"

#include "tests/support/temp_dir.h"

#include <catch2/catch.hpp>

#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>
#include <thread>

using namespace faith;
using namespace faith::sys;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

struct Pair {
    UniqueFd ours, theirs;
    Pair() {
        int ends[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
        ours.reset(ends[0]);
        theirs.reset(ends[1]);
    }
};

} // namespace

TEST_CASE("unix_socket: a listener is the owner's alone, and who connects is known") {
    const TempDir dir;
    const Result<UniqueFd> listener = listen_unix(dir / "sock");
    REQUIRE(listener);
    struct stat info{};
    REQUIRE(::stat((dir / "sock").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777) == 0600);

    const Result<UniqueFd> client = connect_unix(dir / "sock");
    REQUIRE(client);
    const Result<UniqueFd> server = accept_unix(listener->get());
    REQUIRE(server);
    REQUIRE(*server);
    CHECK(*peer_pid(server->get()) == ::getpid());
    CHECK(*peer_pid(client->get()) == ::getpid());
}

TEST_CASE("unix_socket: accepting when nobody waits gives no descriptor and no error") {
    const TempDir dir;
    const Result<UniqueFd> listener = listen_unix(dir / "sock");
    REQUIRE(listener);
    const Result<UniqueFd> nobody = accept_unix(listener->get());
    REQUIRE(nobody);
    CHECK_FALSE(*nobody);
    CHECK_FALSE(accept_unix(-1));
}

TEST_CASE("unix_socket: connecting tells no socket from a dead one, and a dead one is replaced") {
    const TempDir dir;
    const Result<UniqueFd> none = connect_unix(dir / "sock");
    REQUIRE_FALSE(none);
    CHECK(none.error().sys_errno == ENOENT);

    REQUIRE(listen_unix(dir / "sock")); /* and ended at once */
    const Result<UniqueFd> dead = connect_unix(dir / "sock");
    REQUIRE_FALSE(dead);
    CHECK(dead.error().sys_errno == ECONNREFUSED);

    const Result<UniqueFd> listener = listen_unix(dir / "sock");
    REQUIRE(listener);
    CHECK(connect_unix(dir / "sock"));
}

TEST_CASE("unix_socket: a path that does not fit into an address is refused, not cut off") {
    const std::string path = "/tmp/" + std::string(108, 'x');
    for (const Result<UniqueFd> &refused : {listen_unix(path), connect_unix(path)}) {
        REQUIRE_FALSE(refused);
        CHECK_THAT(refused.error().text, Contains("too long"));
    }
}

TEST_CASE("unix_socket: a line goes whole, longer than any buffer of the kernel's") {
    const Pair pair;
    const std::string line = std::string(3 << 20, 'x') + "end";
    std::thread sender([&] { static_cast<void>(send_line(pair.theirs.get(), line)); });
    const Result<std::string> received = receive_line(pair.ours.get(), 4 << 20);
    sender.join();
    REQUIRE(received);
    CHECK(received->size() == line.size());
    CHECK(*received == line);

    REQUIRE(send_line(pair.theirs.get(), ""));
    CHECK(receive_line(pair.ours.get(), 100)->empty());
}

TEST_CASE("unix_socket: a line longer than allowed is refused") {
    const Pair pair;
    REQUIRE(send_line(pair.theirs.get(), std::string(20000, 'x')));
    const Result<std::string> refused = receive_line(pair.ours.get(), 10000);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Errc::Invalid);
}

TEST_CASE("unix_socket: a peer that ends early is EPIPE, both ways, and no signal") {
    Pair pair;
    ::signal(SIGPIPE, SIG_DFL); /* others may have had it ignored */
    REQUIRE(::send(pair.theirs.get(), "half", 4, 0) == 4);
    pair.theirs.reset();
    const Result<std::string> cut = receive_line(pair.ours.get(), 100);
    REQUIRE_FALSE(cut);
    CHECK(cut.error().sys_errno == EPIPE);
    const Status sent = send_line(pair.ours.get(), "more");
    REQUIRE_FALSE(sent);
    CHECK(sent.error().sys_errno == EPIPE);
}

TEST_CASE("unix_socket: a peer that says nothing is EAGAIN after the time-out") {
    const Pair pair;
    REQUIRE(set_timeouts(pair.ours.get(), 20ms));
    const Result<std::string> nothing = receive_line(pair.ours.get(), 100);
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().sys_errno == EAGAIN);
    /* Nor does one that reads nothing block us for ever. */
    const Status sent = send_line(pair.ours.get(), std::string(8 << 20, 'x'));
    REQUIRE_FALSE(sent);
    CHECK(sent.error().sys_errno == EAGAIN);
}
