/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/pipe.h"

#include "tests/unit/relay/peers.h"

#include <catch2/catch.hpp>

#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <vector>

using namespace faith::sys;
using Kind = Moved::Kind;

TEST_CASE("pipe: splice in and out, counting what is inside") {
    const peers::NoSigpipe no_sigpipe;
    peers::Tcp in;
    peers::Tcp out;
    PipePool pool(1, 1 << 18);
    Pipe pipe = pool.get();
    REQUIRE(pipe);
    CHECK(pipe.capacity == 1 << 18);
    CHECK(splice_in(in.b.get(), pipe, 1 << 20).kind == Kind::Again);

    std::string_view text = "0123456789";
    REQUIRE(peers::push(in.a.get(), text));
    CHECK(splice_in(in.b.get(), pipe, 4) == Moved{.kind = Kind::Some, .bytes = 4, .error = 0});
    CHECK(pipe.bytes == 4);
    CHECK(splice_in(in.b.get(), pipe, 1 << 20).bytes == 6);
    CHECK(pipe.bytes == 10);
    CHECK(splice_out(pipe, out.a.get()).bytes == 10);
    CHECK(pipe.bytes == 0);
    std::string arrived;
    peers::until([&] { CHECK(peers::pull(out.b.get(), arrived) == peers::Seen::More); },
                 [&] { return arrived.size() == 10; });
    CHECK(arrived == "0123456789");

    REQUIRE(::shutdown(in.a.get(), SHUT_WR) == 0);
    CHECK(splice_in(in.b.get(), pipe, 1 << 20).kind == Kind::End);
    pool.put(pipe);
    CHECK_FALSE(pipe);
}

TEST_CASE("pipe: the pool keeps clean pipes, closes those with bytes left, and has a limit") {
    const std::size_t before = peers::open_descriptors();
    {
        PipePool pool(2, 1 << 16);
        Pipe one = pool.get();
        Pipe two = pool.get();
        REQUIRE(one);
        REQUIRE(two);
        CHECK(peers::open_descriptors() == before + 4);
        CHECK_FALSE(pool.get());
        CHECK(pool.in_use() == 2);

        const int same = one.in.get();
        pool.put(one);
        CHECK(pool.in_use() == 1);
        one = pool.get();
        CHECK(one.in.get() == same);

        one.bytes = 1;
        pool.put(one);
        CHECK(pool.made() == 1);
        CHECK(peers::open_descriptors() == before + 2);
        one = pool.get();
        CHECK(one);
        CHECK(one.bytes == 0);

        pool.put(one);
        pool.put(two);
        pool.close_idle();
        CHECK(pool.made() == 0);
        CHECK(peers::open_descriptors() == before);
        Pipe again = pool.get();
        CHECK(again);
        Pipe nothing;
        pool.put(nothing);
        CHECK(pool.in_use() == 1);
    }
    CHECK(peers::open_descriptors() == before);
}

TEST_CASE("pipe: out of descriptors, the pool says so and does not try again at once") {
    rlimit limit{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &limit) == 0);
    const rlimit tight{.rlim_cur = 3, .rlim_max = limit.rlim_max};
    PipePool pool(1, 1 << 16);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &tight) == 0);
    const Pipe pipe = pool.get();
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
    CHECK_FALSE(pipe);
    CHECK(pool.refused() == 1);
    CHECK_FALSE(pool.get());
    CHECK(pool.refused() == 1);
    bool got = false;
    for (int i = 0; i < 10000 && !got; ++i)
        got = static_cast<bool>(pool.get());
    CHECK(got);
    CHECK(pool.shrunk_to() == 0);
}

TEST_CASE("pipe: asked for more than there is, the pool takes the most it can get") {
    PipePool pool(1, 0xf0000000);
    const Pipe pipe = pool.get();
    REQUIRE(pipe);
    CHECK(pipe.capacity >= 1 << 20); /* fs.pipe-max-size, or beyond for root */
    CHECK(pool.shrunk_to() == pipe.capacity);
    CHECK(pool.refused() == 0);
}

namespace {

/* In a process of its own, as a user of its own, and of another run of these tests another:
 * what 200 pipes of 1 MiB came to. */
int unprivileged_pipes() {
    const uid_t nobody_else = 100'000 + static_cast<uid_t>(::getpid()) % 100'000;
    if (::geteuid() == 0 && ::setresuid(nobody_else, nobody_else, nobody_else) != 0)
        return 2;
    PipePool pool(200, 1 << 20);
    std::vector<Pipe> pipes;
    for (int i = 0; i < 200; ++i)
        if (Pipe pipe = pool.get())
            pipes.push_back(std::move(pipe));
    const bool shrunk = pool.shrunk_to() != 0 && pool.shrunk_to() < (1 << 20);
    const bool useful = std::all_of(pipes.begin(), pipes.end(), [](const Pipe &pipe) {
        return pipe.capacity >= PipePool::least_useful;
    });
    const bool refused = pipes.size() == 200 || pool.refused() > 0;
    return shrunk && useful && refused && !pipes.empty() ? 0 : 1;
}

} // namespace

TEST_CASE("pipe: above the user's share the kernel gives less: noticed, small ones not used") {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0)
        ::_exit(unprivileged_pipes());
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 0);
}
