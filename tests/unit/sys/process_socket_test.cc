/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets of another process: a child of ours, because that one may be looked into by
 * whoever may look into anything at all. It inherits what the test made before.
 */
#include "sys/process_socket.h"

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

using namespace faith;
using namespace faith::sys;

namespace {

/* Has every descriptor that we have now, and does nothing. */
class Child {
public:
    Child() : pid_(::fork()) {
        if (pid_ != 0)
            return;
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;)
            ::pause();
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    int pid() const { return pid_; }

private:
    int pid_;
};

UniqueFd tcp(int family, bool listening, int protocol = IPPROTO_TCP) {
    UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC, protocol));
    if (fd && listening)
        REQUIRE(::listen(fd.get(), 1) == 0); /* binds to :: and a free port by itself */
    return fd;
}

std::string objection_to(int pid, int number) {
    const Result<ProcessSocket> taken = take_listener(pid, number);
    if (taken)
        return "taken";
    const std::string &text = taken.error().text;
    return text.substr(text.find(") ") + 2);
}

} // namespace

TEST_CASE("process_socket: a listener is taken as the same socket, known by its cookie") {
    const Result<UniqueFd> mine = listen6();
    REQUIRE(mine);
    const Child child;
    const Result<ProcessSocket> taken = take_listener(child.pid(), mine->get());
    REQUIRE(taken);
    CHECK(taken->cookie == *cookie_of(mine->get()));
    CHECK(taken->number == mine->get());
    CHECK(taken->bound.port == local6(mine->get())->port);
    CHECK(taken->fd.get() != mine->get());
}

TEST_CASE("process_socket: what is no listener of IPv6 is refused by what it is") {
    const UniqueFd idle = tcp(AF_INET6, false);
    const UniqueFd ip4 = tcp(AF_INET, true);
    const UniqueFd udp(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const UniqueFd local(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const UniqueFd mptcp = tcp(AF_INET6, true, IPPROTO_MPTCP);
    int ends[2];
    REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd pipe(ends[0]);
    const UniqueFd other(ends[1]);
    const Child child;
    CHECK(objection_to(child.pid(), idle.get()) == "is a TCP socket that does not listen");
    CHECK(objection_to(child.pid(), ip4.get()) ==
          "is a socket of IPv4, where no connection to an IPv6 prefix can arrive");
    CHECK(objection_to(child.pid(), udp.get()) == "is no TCP socket");
    CHECK(objection_to(child.pid(), local.get()) == "is no TCP socket");
    CHECK(objection_to(child.pid(), pipe.get()) == "is no socket");
    CHECK(objection_to(child.pid(), 1000) == "has no descriptor 1000");
    if (mptcp) // not every kernel has it
        CHECK(objection_to(child.pid(), mptcp.get()).starts_with("speaks MPTCP"));
}

TEST_CASE("process_socket: the only listener is found, also when it is there twice") {
    const Child none;
    const UniqueFd idle = tcp(AF_INET6, false);
    const UniqueFd one = tcp(AF_INET6, true);
    const UniqueFd again(::fcntl(one.get(), F_DUPFD_CLOEXEC, 0));
    const Child child;
    const Result<ProcessSocket> only = take_only_listener(child.pid());
    REQUIRE(only);
    CHECK(only->cookie == *cookie_of(one.get()));

    const Result<ProcessSocket> nothing = take_only_listener(none.pid());
    REQUIRE_FALSE(nothing);
    CHECK(nothing.error().text.ends_with("has no TCP socket over IPv6 that listens"));
}

TEST_CASE("process_socket: of several listeners each is named with its descriptor") {
    const UniqueFd one = tcp(AF_INET6, true);
    const UniqueFd two = tcp(AF_INET6, true);
    const UniqueFd ip4 = tcp(AF_INET, true);
    const Child child;
    const Result<ProcessSocket> several = take_only_listener(child.pid());
    REQUIRE_FALSE(several);
    for (const UniqueFd *fd : {&one, &two})
        CHECK(several.error().text.find("--fd " + std::to_string(fd->get()) +
                                        " is [::]:" + std::to_string(local6(fd->get())->port)) !=
              std::string::npos);
    CHECK(several.error().text.find("IPv4") == std::string::npos);
}

TEST_CASE("process_socket: a process that is not there") {
    int pid = 0;
    {
        const Child child;
        pid = child.pid();
        CHECK(process_name(pid) == process_name(::getpid()));
    }
    CHECK(take_listener(pid, 0).error().text == "there is no process " + std::to_string(pid));
    CHECK(take_only_listener(pid).error().text == "there is no process " + std::to_string(pid));
    CHECK(process_name(pid) == "?");
}
