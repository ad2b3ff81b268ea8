/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/process.h"

#include <catch2/catch.hpp>

#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <climits>
#include <string>
#include <thread>

using namespace faith;
using namespace faith::sys;
using namespace std::chrono_literals;
using Catch::Matchers::Contains;

namespace {

/* A child that does nothing until it is ended. */
class Sleeper {
public:
    Sleeper() : pid_(::fork()) {
        if (pid_ == 0)
            for (;;)
                ::pause();
        REQUIRE(pid_ > 0);
    }
    ~Sleeper() {
        ::kill(pid_, SIGKILL);
        reap();
    }
    int pid() const { return pid_; }
    void reap() { ::waitpid(pid_, nullptr, 0); }

private:
    pid_t pid_;
};

std::string target_of_descriptor(int fd) {
    char target[PATH_MAX] = {};
    const std::string link = "/proc/self/fd/" + std::to_string(fd);
    const ssize_t length = ::readlink(link.c_str(), target, sizeof target - 1);
    return length < 0 ? "" : std::string(target, static_cast<std::size_t>(length));
}

} // namespace

TEST_CASE("process: blocked signals arrive at the descriptor, in this thread alone") {
    std::thread([] {
        const Result<UniqueFd> signals = signal_descriptor({SIGHUP, SIGUSR1});
        REQUIRE(signals);
        CHECK(next_signal(signals->get()) == 0);
        ::pthread_kill(::pthread_self(), SIGUSR1);
        pollfd waiting{.fd = signals->get(), .events = POLLIN, .revents = 0};
        CHECK(::poll(&waiting, 1, 60'000) == 1);
        CHECK(next_signal(signals->get()) == SIGUSR1);
        CHECK(next_signal(signals->get()) == 0);
    }).join();
    struct sigaction pipe_action{};
    REQUIRE(::sigaction(SIGPIPE, nullptr, &pipe_action) == 0);
    CHECK(pipe_action.sa_handler == SIG_IGN);
}

TEST_CASE("process: the descriptor limit is raised to what is allowed, and too few is told") {
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit low{.rlim_cur = 64, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &low) == 0);
    const DescriptorLimit limit = raise_descriptor_limit();
    rlimit after{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &after) == 0);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(after.rlim_cur == before.rlim_max);
    CHECK(static_cast<rlim_t>(limit.most) == before.rlim_max);
    CHECK(limit.note.empty() == (before.rlim_max >= 4096));

    /* The hard limit cannot be raised again by everybody: in a child. */
    Starter starter;
    const Result<Starter::Outcome> outcome = starter.fork_away();
    REQUIRE(outcome);
    if (outcome->in_child) {
        const rlimit few{.rlim_cur = 100, .rlim_max = 100};
        ::setrlimit(RLIMIT_NOFILE, &few);
        starter.report(raise_descriptor_limit().note);
        ::_exit(0);
    }
    ::wait(nullptr);
    CHECK_THAT(outcome->report, Contains("only 100 descriptors"));
}

TEST_CASE("process: waiting for one that lives on is Busy; one that is gone is gone") {
    Sleeper sleeper;
    const Status waited = wait_for_exit(sleeper.pid(), 10ms);
    REQUIRE_FALSE(waited);
    CHECK(waited.error().kind == Errc::Busy);
    CHECK_THAT(waited.error().text, Contains(std::to_string(sleeper.pid())));

    CHECK(end_process(sleeper.pid(), 60s));
    CHECK(wait_for_exit(sleeper.pid(), 0ms));
    sleeper.reap();
    CHECK(wait_for_exit(sleeper.pid(), 0ms));
    CHECK(end_process(sleeper.pid(), 0ms));
}

TEST_CASE("process: a child has a session of its own and its report reaches the parent") {
    Starter starter;
    const Result<Starter::Outcome> outcome = starter.fork_away();
    REQUIRE(outcome);
    if (outcome->in_child) {
        const bool alone = ::getsid(0) == ::getpid() && target_of_descriptor(0) != "";
        char directory[PATH_MAX] = {};
        const std::string where = ::getcwd(directory, sizeof directory) != nullptr ? directory : "";
        /* More than a pipe holds: the parent must read while the child writes. */
        starter.report((alone ? "alone in " : "not alone in ") + where + std::string(1 << 18, '.'));
        ::_exit(0);
    }
    int status = 0;
    REQUIRE(::wait(&status) > 0);
    CHECK(status == 0);
    CHECK(outcome->report == "alone in /" + std::string(1 << 18, '.'));
}

TEST_CASE("process: after its report a child holds nothing of the terminal") {
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    Starter starter;
    const Result<Starter::Outcome> outcome = starter.fork_away();
    REQUIRE(outcome);
    if (outcome->in_child) {
        starter.report("ready");
        std::string held;
        for (const int fd : {0, 1, 2})
            held += target_of_descriptor(fd) + " ";
        const bool told = ::write(ends[1], held.data(), held.size()) > 0;
        ::_exit(told ? 0 : 1);
    }
    ::close(ends[1]);
    char held[256] = {};
    const ssize_t got = ::read(ends[0], held, sizeof held - 1);
    ::close(ends[0]);
    ::wait(nullptr);
    CHECK(outcome->report == "ready");
    REQUIRE(got > 0);
    CHECK(std::string(held) == "/dev/null /dev/null /dev/null ");
}

TEST_CASE("process: a child that dies without a word is an empty report, not a wait for ever") {
    Starter starter;
    const Result<Starter::Outcome> outcome = starter.fork_away();
    REQUIRE(outcome);
    if (outcome->in_child)
        ::_exit(1);
    ::wait(nullptr);
    CHECK(outcome->report.empty());
}
