/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/spawn.h"

#include "tests/support/temp_dir.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace faith;
using namespace faith::sys;
using Catch::Matchers::Contains;

namespace {

/* A connection: one end for the program, non-blocking as it is accepted. */
struct Ends {
    UniqueFd program;
    UniqueFd ours;
    Ends() {
        int both[2];
        REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, both) == 0);
        program.reset(both[0]);
        ours.reset(both[1]);
    }
    std::string all() const { /* until everybody has closed the other end */
        std::string text;
        char chunk[4096];
        for (;;) {
            pollfd readable{.fd = ours.get(), .events = POLLIN, .revents = 0};
            REQUIRE(::poll(&readable, 1, 60'000) == 1);
            const ssize_t got = ::read(ours.get(), chunk, sizeof chunk);
            if (got <= 0)
                return text;
            text.append(chunk, static_cast<std::size_t>(got));
        }
    }
};

Program shell(const std::string &command) {
    return {.path = "/bin/sh",
            .argv = {"sh", "-c", command},
            .environment = {"PATH=/bin:/usr/bin"},
            .descriptors = 0};
}

Ended wait_for(const Child &child) {
    pollfd ended{.fd = child.handle.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&ended, 1, 60'000) == 1);
    const std::optional<Ended> how = reap(child);
    REQUIRE(how);
    return *how;
}

/* What a program says on its connection, from beginning to end. */
std::string said_by(const Program &program) {
    Ends ends;
    const Result<Child> child = spawn_on(ends.program.get(), program);
    REQUIRE(child);
    ends.program.reset();
    std::string text = ends.all();
    const Ended ended = wait_for(*child);
    CHECK(ended.status == 0);
    CHECK(ended.signal == 0);
    return text;
}

} // namespace

TEST_CASE("spawn: the connection is standard input, output and error, and blocks") {
    Ends ends;
    REQUIRE(::write(ends.ours.get(), "hello\n", 6) == 6);
    const Result<Child> child =
        spawn_on(ends.program.get(), shell("read a; echo \"$a\"; echo error >&2; read b; echo $b"));
    REQUIRE(child);
    ends.program.reset();
    CHECK_FALSE(reap(*child)); /* it waits for its second line: a read that did not block ends it */
    REQUIRE(::write(ends.ours.get(), "again\n", 6) == 6);
    CHECK(ends.all() == "hello\nerror\nagain\n");
    CHECK(wait_for(*child).status == 0);
}

TEST_CASE("spawn: argv, environment and directory are those given") {
    const Program program{.path = "/bin/sh",
                          .argv = {"-name", "-c", "echo $0 $1; pwd; env | sort", "zero", "one"},
                          .environment = {"PATH=/bin:/usr/bin", "ONLY=this"},
                          .descriptors = 0};
    ::setenv("FAITH_TEST_LEAK", "1", 1);
    const std::string text = said_by(program);
    CHECK_THAT(text, Contains("zero one\n/\n") && Contains("ONLY=this\n"));
    CHECK_THAT(text, !Contains("FAITH_TEST_LEAK"));
}

TEST_CASE("spawn: no other descriptor is open, not even one that our starter left") {
    Ends left_open;
    REQUIRE(::fcntl(left_open.program.get(), F_SETFD, 0) == 0);
    /* ls has one for the directory it reads. */
    CHECK(said_by(shell("exec ls /proc/self/fd")) == "0\n1\n2\n3\n");
}

TEST_CASE("spawn: signals are as for a program from a shell") {
    ::signal(SIGPIPE, SIG_IGN);
    ::signal(SIGCHLD, SIG_IGN);
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    const std::string status = said_by(shell("exec grep -E '^Sig(Blk|Ign)' /proc/self/status"));
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    CHECK_THAT(status, Contains("SigBlk:\t0000000000000000\n"));
    const std::size_t at = status.find("SigIgn:\t");
    REQUIRE(at != std::string::npos);
    const unsigned long long ignored = std::stoull(status.substr(at + 8), nullptr, 16);
    CHECK((ignored & (1ULL << (SIGPIPE - 1))) == 0);
    CHECK((ignored & (1ULL << (SIGCHLD - 1))) == 0);
}

TEST_CASE("spawn: a session of its own, so that its kill(0) meets nobody else") {
    Ends ends;
    const Result<Child> child =
        spawn_on(ends.program.get(), shell("cut -d' ' -f1,6 /proc/$$/stat; read a"));
    REQUIRE(child);
    ends.program.reset();
    char line[64] = {};
    pollfd readable{.fd = ends.ours.get(), .events = POLLIN, .revents = 0};
    REQUIRE(::poll(&readable, 1, 60'000) == 1);
    REQUIRE(::read(ends.ours.get(), line, sizeof line - 1) > 0);
    const std::string pid = std::to_string(child->pid);
    CHECK(std::string(line) == pid + " " + pid + "\n");
    ends.ours.reset();
    wait_for(*child);
}

TEST_CASE("spawn: the soft limit of descriptors is the one given") {
    Program program = shell("ulimit -Sn");
    program.descriptors = 77;
    CHECK(said_by(program) == "77\n");
}

TEST_CASE("spawn: what cannot be executed is an error here, and no process is left") {
    Ends ends;
    Program program = shell("");
    program.path = "/nosuch/program";
    const Result<Child> child = spawn_on(ends.program.get(), program);
    REQUIRE_FALSE(child);
    CHECK(child.error().sys_errno == ENOENT);
    CHECK(child.error().text == "/nosuch/program: No such file or directory");
    CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);
    CHECK(errno == ECHILD);
}

TEST_CASE("spawn: how a child ended") {
    Ends ends;
    const Result<Child> failed = spawn_on(ends.program.get(), shell("exit 3"));
    REQUIRE(failed);
    CHECK(to_string(wait_for(*failed)) == "exit status 3");
    const Result<Child> killed = spawn_on(ends.program.get(), shell("kill -9 $$"));
    REQUIRE(killed);
    CHECK(to_string(wait_for(*killed)) == "signal 9 (Killed)");
}

TEST_CASE("spawn: a child that is ended leaves nothing") {
    Ends ends;
    const Result<Child> child = spawn_on(ends.program.get(), shell("read a"));
    REQUIRE(child);
    end_child(*child);
    CHECK(::kill(child->pid, 0) == -1);
}

TEST_CASE("spawn: becoming a program keeps the process") {
    Ends ends;
    const pid_t pid = ::fork();
    if (pid == 0) {
        static_cast<void>(become_on(ends.program.get(), shell("echo $$")));
        ::_exit(1);
    }
    ends.program.reset();
    CHECK(ends.all() == std::to_string(pid) + "\n");
    int status = -1;
    REQUIRE(::waitpid(pid, &status, 0) == pid);
    CHECK(status == 0);
}

TEST_CASE("spawn: what root could execute") {
    TempDir directory;
    const std::string file = directory.path() + "/file";
    std::ofstream(file) << "#!/bin/sh\n";
    CHECK(executable(file).error().text == file + ": Permission denied");
    std::filesystem::permissions(file, std::filesystem::perms::owner_exec);
    CHECK(executable(file));
    CHECK(executable(directory.path()).error().text == directory.path() + " is not a program");
    CHECK(executable("/nosuch").error().text == "/nosuch: No such file or directory");
}
