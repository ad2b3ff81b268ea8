/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Generations of rules put in force, as the maps show them, and as a program sees them that
 * is slower than the publisher (the grace step of acl_publisher.h). */
#include "datapath/acl_publisher.h"

#include "loaded.h"

#include "slow_reader.skel.h"
#include "tests/support/prog_run.h"

#include <atomic>
#include <cstdlib>
#include <map>
#include <memory>
#include <thread>

using namespace faith;
using namespace faith::test;

namespace {

/* A gateway without rules, in silence, so that what a connection gets is XDP's own word. */
class Published {
public:
    Published() {
        fgw_config config = Loaded::config(0);
        config.deny = FGW_DENY_SILENT;
        loaded.configure(config);
        loaded.capture("2001:db8:f::/96");
    }
    void publish(std::string_view text) { loaded.rules(text); }
    /* The rules that fgw_acl holds: "SLOT:LINE SLOT:LINE". */
    std::string shown() const {
        std::string text;
        for (const auto &[slot, rule] : entries())
            text +=
                (text.empty() ? "" : " ") + std::to_string(slot) + ":" + std::to_string(rule.line);
        return text;
    }
    std::string outcome(const std::string &target) {
        const Bytes syn =
            Packet().eth().ip6({.destination = address6("2001:db8:f::" + target)}).tcp().bytes();
        const Loaded::Counts before = loaded.counts();
        REQUIRE(run_on_packet(loaded.object().xdp_program(), syn));
        return moved(before, loaded.counts());
    }

    Loaded loaded{Loaded::Bare(), {FGW_PROG_XDP}};

private:
    std::map<std::uint32_t, fgw_rule> entries() const {
        const auto list = *loaded.maps().acl.entries();
        return {list.begin(), list.end()};
    }
};

/* The program that takes its time (slow_reader.bpf.c), over the maps of a gateway, run again
 * and again by two threads. */
class SlowReaders {
public:
    explicit SlowReaders(const datapath::Maps &maps) : program_(slow_reader__open()) {
        REQUIRE(program_ != nullptr);
        REQUIRE(bpf_map__reuse_fd(program_->maps.fgw_acl_tables, maps.acl_tables) == 0);
        REQUIRE(bpf_map__reuse_fd(program_->maps.fgw_acl_gen, maps.acl_generation.fd()) == 0);
        REQUIRE(slow_reader__load(program_.get()) == 0);
        /* Far longer than a publish needs to begin, also in emulation. */
        program_->bss->slow_for_ns = std::getenv("FAITH_VMTEST") ? 60'000'000 : 3'000'000;
        for (int i = 0; i < 2; ++i)
            threads_.emplace_back([this](std::stop_token stop) {
                const Bytes frame = Packet().eth().ip6().tcp().bytes();
                while (!stop.stop_requested())
                    if (!run_on_packet(bpf_program__fd(program_->progs.slow_reader), frame))
                        failed_ = true;
            });
    }
    ~SlowReaders() {
        threads_.clear(); /* joined before what they run goes */
        CHECK_FALSE(failed_);
    }
    std::uint64_t runs() const { return count(program_->bss->slow_runs); }
    std::uint64_t mixed() const { return count(program_->bss->slow_mixed); }

private:
    struct Destroy {
        void operator()(slow_reader *program) const { slow_reader__destroy(program); }
    };
    static std::uint64_t count(const std::uint64_t &word) {
        return *static_cast<const volatile std::uint64_t *>(&word);
    }
    std::unique_ptr<slow_reader, Destroy> program_;
    std::atomic<bool> failed_ = false;
    std::vector<std::jthread> threads_;
};

/* Generations one right after the other, until that many are published or a run has seen a
 * mixture. How many runs have. */
std::uint64_t mixed_while_publishing(datapath::AclPublisher::Grace grace, std::uint32_t publishes) {
    Published published;
    published.publish("::/0 permit 0.0.0.0/0\n");
    const std::uint32_t first = published.loaded.generation();
    datapath::AclPublisher publisher(published.loaded.maps(), grace);
    SlowReaders readers(published.loaded.maps());
    while (readers.runs() == 0)
        std::this_thread::yield();
    const std::uint64_t runs_before = readers.runs();
    std::uint32_t done = 0;
    while (done < publishes && readers.mixed() == 0) {
        const std::uint32_t generation = first + ++done;
        const acl::Tables tables = acl::lay_out(acl::Image{}, generation);
        datapath::AclUpdate update;
        update.generation = generation;
        update.blocks = tables.blocks;
        REQUIRE(publisher.prepare(update));
        REQUIRE(publisher.commit(update));
    }
    const std::uint64_t runs = readers.runs() - runs_before;
    INFO(runs << " runs over " << done << " generations");
    const std::uint64_t mixed = readers.mixed();
    /* Else nobody was there who could have seen one. */
    CHECK((mixed > 0 || runs >= done / 2));
    return mixed;
}

constexpr const char *permitted = "PASS_TCP +1";
constexpr const char *denied = "ACL_DENY +1";
constexpr const char *no_match = "ACL_NO_MATCH +1";

} // namespace

TEST_CASE("acl_publisher: before the first generation everything is denied") {
    Published published;
    CHECK(published.loaded.generation() == 0);
    CHECK(published.outcome("192.0.2.1") == no_match);
}

TEST_CASE("acl_publisher: what is prepared is seen by nobody until it is committed") {
    Published published;
    published.publish("::/0 deny 192.0.2.1\n::/0 permit 0.0.0.0/0\n");
    CHECK(published.loaded.generation() == 1);
    CHECK(published.outcome("192.0.2.1") == denied);
    CHECK(published.outcome("192.0.2.2") == permitted);

    const auto nothing = published.loaded.compile(*acl::parse("::/0 deny 0.0.0.0/0\n", "f"));
    datapath::AclPublisher publisher(published.loaded.maps());
    REQUIRE(publisher.prepare(published.loaded.next(nothing).update));
    CHECK(published.loaded.generation() == 1);
    CHECK(published.outcome("192.0.2.2") == permitted);

    /* Something else is committed instead. */
    published.publish("::/0 deny 192.0.2.2\n::/0 permit 0.0.0.0/0\n");
    CHECK(published.loaded.generation() == 2);
    CHECK(published.outcome("192.0.2.1") == permitted);
    CHECK(published.outcome("192.0.2.2") == denied);
}

TEST_CASE(
    "acl_publisher: a rule that stays keeps its hits, a slot that is used again begins at 0") {
    Published published;
    published.publish("::/0 deny 192.0.2.1\n::/0 deny 192.0.2.2\n::/0 permit 0.0.0.0/0\n");
    for (int i = 0; i < 3; ++i)
        CHECK(published.outcome("192.0.2.1") == denied);
    CHECK(published.outcome("192.0.2.2") == denied);
    CHECK(published.loaded.hits(0) == 3);
    CHECK(published.loaded.hits(1) == 1);

    published.publish("::/0 permit 0.0.0.0/0\n"); /* slots 0 and 1 go */
    CHECK(published.shown() == "2:1");
    published.publish("::/0 deny 192.0.2.9\n::/0 permit 0.0.0.0/0\n");
    CHECK(published.shown() == "0:1 2:2");
    CHECK(published.loaded.hits(0) == 0);
    CHECK(published.outcome("192.0.2.9") == denied);
    CHECK(published.loaded.hits(0) == 1);
}

TEST_CASE("acl_publisher: rules come and go, the rule of a generation is there when it decides") {
    Published published;
    for (std::uint32_t turn = 1; turn <= 20; ++turn) {
        INFO("turn " << turn);
        published.publish(turn % 2 == 0 ? "::/0 deny 192.0.2.1\n::/0 permit 0.0.0.0/0\n"
                                        : "::/0 permit 192.0.2.1\n::/0 deny 0.0.0.0/0\n");
        CHECK(published.loaded.generation() == turn);
        CHECK(published.outcome("192.0.2.1") == (turn % 2 == 0 ? denied : permitted));
        CHECK(published.outcome("192.0.2.2") == (turn % 2 == 0 ? permitted : denied));
        CHECK(published.shown().size() == 7);
    }
}

TEST_CASE("acl_publisher: no rules are a generation, too") {
    Published published;
    published.publish("::/0 permit 0.0.0.0/0\n");
    CHECK(published.outcome("192.0.2.1") == permitted);
    published.publish("");
    CHECK(published.outcome("192.0.2.1") == no_match);
    CHECK(published.shown() == "");
    published.publish("::/0 permit 0.0.0.0/0\n");
    CHECK(published.outcome("192.0.2.1") == permitted);
}

TEST_CASE("acl_publisher: a slow program sees one generation, however fast the next ones come") {
    CHECK(mixed_while_publishing(datapath::AclPublisher::Grace::Wait, 100) == 0);
}

TEST_CASE("acl_publisher: without the grace step it sees mixtures: the test above can fail") {
    CHECK(mixed_while_publishing(datapath::AclPublisher::Grace::Skip, 2000) > 0);
}
