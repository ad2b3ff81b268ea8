/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/event_loop.h"

#include "tests/unit/relay/peers.h"

#include <catch2/catch.hpp>

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

using namespace faith;
using namespace faith::sys;

namespace {

struct Pair {
    UniqueFd a;
    UniqueFd b;
};

Pair make_pair() {
    std::array<int, 2> fds{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()) == 0);
    return Pair{UniqueFd(fds[0]), UniqueFd(fds[1])};
}

void put(int fd) { REQUIRE(::write(fd, "x", 1) == 1); }

std::unique_ptr<EventLoop> make_loop(Clock &clock) {
    Result<std::unique_ptr<EventLoop>> loop = EventLoop::create(clock);
    REQUIRE(loop);
    return std::move(*loop);
}

Watch make_watch(EventLoop &loop, int fd, Interest interest, std::function<void(Ready)> callback) {
    Result<Watch> watch = loop.watch(fd, interest, std::move(callback));
    REQUIRE(watch);
    return std::move(*watch);
}

constexpr Interest reading{.read = true, .write = false};
constexpr Interest writing{.read = false, .write = true};
constexpr Interest nothing{};

} // namespace

TEST_CASE("event_loop: says what is ready, level-triggered, and only what is wanted") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair pair = make_pair();
    int calls = 0;
    Ready last;
    Watch watch = make_watch(*loop, pair.a.get(), reading, [&](Ready ready) {
        ++calls;
        last = ready;
    });
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 0);

    put(pair.b.get());
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 2);
    CHECK(last.read);
    CHECK_FALSE(last.write);
    CHECK_FALSE(last.ended);

    REQUIRE(watch.want(writing));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(last.write);
    CHECK_FALSE(last.read);

    REQUIRE(watch.want(nothing));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 3);

    REQUIRE(::shutdown(pair.b.get(), SHUT_WR) == 0);
    REQUIRE(watch.want(reading));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(last.ended);
    CHECK_FALSE(last.error);
}

TEST_CASE("event_loop: an urgent byte is told while it is asked for") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const peers::Tcp tcp;
    peers::set_option(tcp.a.get(), SOL_SOCKET, SO_OOBINLINE, 1);
    constexpr Interest urgent{.read = true, .write = false, .urgent = true};
    Ready last;
    Watch watch = make_watch(*loop, tcp.a.get(), urgent, [&](Ready ready) { last = ready; });
    REQUIRE(::send(tcp.b.get(), "a", 1, 0) == 1);
    peers::until([&] { REQUIRE(loop->turn(Millis{0})); }, [&] { return last.read; });
    CHECK_FALSE(last.urgent);
    REQUIRE(::send(tcp.b.get(), "!", 1, MSG_OOB) == 1);
    peers::until([&] { REQUIRE(loop->turn(Millis{0})); }, [&] { return last.urgent; });
    REQUIRE(watch.want(reading));
    last = {};
    REQUIRE(loop->turn(Millis{0}));
    CHECK((last.read && !last.urgent));
    REQUIRE(watch.want(urgent));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(last.urgent);
}

TEST_CASE("event_loop: an event fetched before its watch was destroyed is not delivered") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair one = make_pair();
    const Pair two = make_pair();
    Watch first;
    Watch second;
    int calls = 0;
    /* Whichever comes first ends the other: exactly one of them may be called. */
    first = make_watch(*loop, one.a.get(), reading, [&](Ready) {
        ++calls;
        second = Watch();
    });
    second = make_watch(*loop, two.a.get(), reading, [&](Ready) {
        ++calls;
        first = Watch();
    });
    put(one.b.get());
    put(two.b.get());
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
}

TEST_CASE("event_loop: a slot used again inside the batch does not get its predecessor's event") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair one = make_pair();
    const Pair two = make_pair();
    const Pair three = make_pair();
    Watch first;
    Watch second;
    Watch third;
    int old_calls = 0;
    int new_calls = 0;
    const auto replace = [&](Watch &victim) {
        ++old_calls;
        victim = Watch();
        third = make_watch(*loop, three.a.get(), reading, [&](Ready) { ++new_calls; });
    };
    first = make_watch(*loop, one.a.get(), reading, [&](Ready) { replace(second); });
    second = make_watch(*loop, two.a.get(), reading, [&](Ready) { replace(first); });
    put(one.b.get());
    put(two.b.get());
    REQUIRE(loop->turn(Millis{0}));
    CHECK(old_calls == 1);
    CHECK(new_calls == 0);
}

TEST_CASE("event_loop: a watch destroyed inside its own callback keeps its captures to the end") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair pair = make_pair();
    const std::string text(100, 'k'); /* on the heap, so that a use after free shows */
    std::string seen;
    Watch watch;
    watch = make_watch(*loop, pair.a.get(), reading, [&watch, &seen, text](Ready) {
        watch = Watch();
        seen = text;
    });
    put(pair.b.get());
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(seen == text);
    CHECK_FALSE(watch);
}

TEST_CASE("event_loop: a callback may make watches while it runs") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair pair = make_pair();
    std::vector<Watch> watches;
    std::vector<Pair> pairs;
    const std::string text(100, 'k');
    std::string seen;
    Watch watch;
    watch = make_watch(*loop, pair.a.get(), reading, [&, text](Ready) {
        for (int i = 0; i < 200; ++i) {
            pairs.push_back(make_pair());
            watches.push_back(make_watch(*loop, pairs.back().a.get(), reading, [](Ready) {}));
        }
        seen = text;
        watch = Watch();
    });
    put(pair.b.get());
    REQUIRE(loop->turn(Millis{0}));
    CHECK(seen == text);
    CHECK(watches.size() == 200);
}

TEST_CASE("event_loop: a watch moves with its owner") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair pair = make_pair();
    int calls = 0;
    Watch watch = make_watch(*loop, pair.a.get(), reading, [&](Ready) { ++calls; });
    Watch moved = std::move(watch);
    CHECK_FALSE(watch); /* NOLINT: the state after a move is promised */
    put(pair.b.get());
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
    moved = Watch();
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
}

TEST_CASE("event_loop: a muted watch does not hear of a hang-up until it wants something again") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    Pair pair = make_pair();
    int calls = 0;
    Watch watch = make_watch(*loop, pair.a.get(), nothing, [&](Ready ready) {
        ++calls;
        CHECK(ready.error);
    });
    pair.b.reset();
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
    watch.mute();
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(watch.want(nothing));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
    REQUIRE(watch.want(reading));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 2);
}

TEST_CASE("event_loop: a dropped watch is silent and its slot is free for the next") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    Pair one = make_pair();
    int calls = 0;
    Watch watch = make_watch(*loop, one.a.get(), reading, [&](Ready) { calls += 100; });
    put(one.b.get());
    watch.drop();
    CHECK_FALSE(watch);
    const UniqueFd still_open(::fcntl(one.a.get(), F_DUPFD_CLOEXEC, 0));
    one.a.reset();
    const Pair two = make_pair();
    const Watch next = make_watch(*loop, two.a.get(), reading, [&](Ready) { ++calls; });
    put(two.b.get());
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
}

TEST_CASE("event_loop: watching what cannot be watched is an error, and no slot is lost") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    CHECK_FALSE(loop->watch(-1, reading, [](Ready) {}));
    const Pair pair = make_pair();
    const Watch watch = make_watch(*loop, pair.a.get(), reading, [](Ready) {});
    CHECK_FALSE(loop->watch(pair.a.get(), reading, [](Ready) {}));
}

TEST_CASE("event_loop: timers fire at their deadline, in order, once") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    std::string order;
    const Timer late = loop->after(Millis{20}, [&] { order += 'c'; });
    const Timer early = loop->after(Millis{10}, [&] { order += 'a'; });
    const Timer same = loop->at(clock.now() + Millis{10}, [&] { order += 'b'; });
    {
        const Timer gone = loop->after(Millis{5}, [&] { order += 'x'; });
        CHECK(gone);
    }
    clock.advance(Millis{9});
    REQUIRE(loop->turn(Millis{0}));
    CHECK(order.empty());
    CHECK(early);
    clock.advance(Millis{1});
    REQUIRE(loop->turn(Millis{0}));
    CHECK(order == "ab");
    CHECK_FALSE(early);
    clock.advance(Millis{100});
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(order == "abc");
}

TEST_CASE("event_loop: a timer is set anew by its callback, moved, and destroyed by its callback") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    int calls = 0;
    Timer timer;
    timer = loop->after(Millis{10}, [&] {
        if (++calls < 3)
            timer.set(loop->now()); /* at once, but not in this batch: it must end */
        else
            timer = Timer();
    });
    timer.set(clock.now() + Millis{50});
    clock.advance(Millis{49});
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 0);
    clock.advance(Millis{1});
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 1);
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(loop->turn(Millis{0}));
    CHECK(calls == 3);
    CHECK_FALSE(timer);
}

TEST_CASE("event_loop: real time: a timer is never early") {
    MonotonicClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Millis start = clock.now();
    Millis fired{};
    const Timer timer = loop->after(Millis{20}, [&] {
        fired = clock.now();
        loop->stop();
    });
    REQUIRE(loop->run());
    CHECK(fired >= start + Millis{20});
}

TEST_CASE("event_loop: deferred calls run after the batch, those they defer in the next") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const Pair one = make_pair();
    const Pair two = make_pair();
    std::string order;
    const auto on_event = [&](Ready) {
        order += 'e';
        loop->defer([&] {
            order += 'd';
            loop->defer([&] { order += 'n'; });
        });
    };
    Watch first = make_watch(*loop, one.a.get(), reading, on_event);
    Watch second = make_watch(*loop, two.a.get(), reading, on_event);
    put(one.b.get());
    put(two.b.get());
    REQUIRE(loop->turn(Millis{0}));
    CHECK(order == "eedd");
    REQUIRE(first.want(nothing));
    REQUIRE(second.want(nothing));
    REQUIRE(loop->turn(Millis::max())); /* does not sleep: something is deferred */
    CHECK(order == "eeddnn");
}

TEST_CASE("event_loop: all callbacks of a batch see the same time") {
    FakeClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    std::vector<Millis> seen;
    loop->defer([&] {
        seen.push_back(loop->now());
        clock.advance(Millis{7});
    });
    loop->defer([&] { seen.push_back(loop->now()); });
    REQUIRE(loop->turn(Millis{0}));
    REQUIRE(seen.size() == 2);
    CHECK(seen[0] == seen[1]);
    CHECK(loop->now() == seen[0] + Millis{7});
}

TEST_CASE("event_loop: post from other threads, each call run once on the loop's thread") {
    MonotonicClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    const std::thread::id home = std::this_thread::get_id();
    int calls = 0;
    bool elsewhere = false;
    std::vector<std::thread> threads;
    for (int t = 0; t < 2; ++t)
        threads.emplace_back([&] {
            for (int i = 0; i < 500; ++i)
                loop->post([&] {
                    elsewhere = elsewhere || std::this_thread::get_id() != home;
                    if (++calls == 1000)
                        loop->stop();
                });
        });
    REQUIRE(loop->run());
    for (std::thread &thread : threads)
        thread.join();
    CHECK(calls == 1000);
    CHECK_FALSE(elsewhere);
}

TEST_CASE("event_loop: stop from another thread, and before run") {
    MonotonicClock clock;
    const std::unique_ptr<EventLoop> loop = make_loop(clock);
    loop->stop();
    REQUIRE(loop->run());
    std::thread thread([&] { loop->stop(); });
    REQUIRE(loop->run());
    thread.join();
}
