/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Asking without doing: the answer comes, and nothing else in any map has moved. */
#include "loaded.h"

#include "faith/names.h"
#include "tests/support/prog_run.h"

#include <bpf/libbpf.h>

using namespace faith;
using namespace faith::test;

namespace {

Bytes syn(std::string_view to, std::uint16_t port = 80) {
    return Packet()
        .eth()
        .ip6({.destination = address6(to)})
        .tcp({.destination_port = port})
        .bytes();
}

/* Rules of each kind: 1 denies, 2 limits, 3 permits. */
class Probed {
public:
    Probed() {
        loaded.capture("2001:db8:f::/96");
        loaded.targets({.never = {*parse_prefix4("127.0.0.0/8")}, .own = {}, .not_global = {}});
        loaded.rules("::/0 deny 198.51.100.0/24 port 25\n"
                     "::/0 permit 198.51.100.0/25 limit 1/s\n"
                     "::/0 permit 198.51.100.0/24\n");
        loaded.replies(true);
    }
    /* "VERDICT REASON WORD GENERATION TARGET" */
    std::string answer(const Bytes &frame) {
        const Result<ProbeRun> run = run_probe(loaded.object().xdp_program(), frame);
        REQUIRE(run);
        CHECK(difference(frame, run->frame) == ""); /* as it went in, whatever the answer */
        return (run->verdict == XDP_PASS ? "pass " : "drop ") + reason_name(run->answer.reason) +
               " " + word(run->answer.verdict) + " " + std::to_string(run->answer.generation) +
               " " + to_string(Ip4::from_bytes(run->answer.target));
    }
    static std::string word(std::uint32_t verdict) {
        if (verdict == FGW_VERDICT_NO_RULE)
            return "none";
        return (verdict & FGW_VERDICT_PERMIT ? "permit" : "deny") +
               std::string(verdict & FGW_VERDICT_LIMIT ? "-limit" : "") + "-" +
               std::to_string(verdict & FGW_VERDICT_SLOT);
    }
    /* Events since the ring was made. */
    int told() const {
        int seen = 0;
        const auto count = [](void *context, void *, std::size_t) {
            ++*static_cast<int *>(context);
            return 0;
        };
        ring_buffer *ring = ring_buffer__new(loaded.maps().events, count, &seen, nullptr);
        REQUIRE(ring != nullptr);
        ring_buffer__consume(ring);
        ring_buffer__free(ring);
        return seen;
    }
    std::size_t buckets() const { return loaded.rates().entries()->size(); }

    Loaded loaded;
};

} // namespace

TEST_CASE("probe: the answer is the reason, the word of the rule, its generation and the target") {
    Probed probed;
    CHECK(probed.answer(syn("2001:db8:f::198.51.100.200")) ==
          "pass PASS_TCP permit-3 2 198.51.100.200");
    CHECK(probed.answer(syn("2001:db8:f::198.51.100.7")) ==
          "pass PASS_TCP permit-limit-2 2 198.51.100.7");
    CHECK(probed.answer(syn("2001:db8:f::198.51.100.7", 25)) ==
          "drop ACL_DENY deny-1 2 198.51.100.7");
    CHECK(probed.answer(syn("2001:db8:f::203.0.113.1")) == "drop ACL_NO_MATCH none 2 203.0.113.1");
    CHECK(probed.answer(syn("2001:db8:f::127.0.0.1")) == "drop NEVER_TARGET none 0 127.0.0.1");
    CHECK(probed.answer(syn("2001:db8:e::1")) == "pass PASS_NOT_PREFIX none 0 0.0.0.0");
    CHECK(probed.answer(Packet().eth().ip6().udp().bytes()) == "drop DROP_UDP none 0 0.0.0.0");
}

TEST_CASE("probe: nothing is counted, taken or told, and another packet is not the wiser") {
    Probed probed;
    const Bytes limited = syn("2001:db8:f::198.51.100.7");
    const Bytes denied = syn("2001:db8:f::198.51.100.7", 25);
    const Loaded::Counts before = probed.loaded.counts();
    for (int i = 0; i < 5; ++i) {
        probed.answer(limited);
        probed.answer(denied);
    }
    CHECK(moved(before, probed.loaded.counts()) == "");
    CHECK(probed.loaded.hits(1) == 0);
    CHECK(probed.told() == 0);
    CHECK(probed.buckets() == 0);

    /* The same in earnest moves all of them. */
    REQUIRE(run_on_packet(probed.loaded.object().xdp_program(), limited));
    REQUIRE(run_on_packet(probed.loaded.object().xdp_program(), denied));
    CHECK(moved(before, probed.loaded.counts()) == "PASS_TCP +1, ACL_DENY +1");
    CHECK(probed.loaded.hits(1) == 1);
    CHECK(probed.told() == 1);
    CHECK(probed.buckets() > 0);
}

TEST_CASE("probe: the limits of sessions are known to it, those of a rate are not asked") {
    Probed probed;
    probed.loaded.full("2001:db8:1::");
    CHECK(probed.answer(syn("2001:db8:f::198.51.100.200")) ==
          "drop SOURCE_LIMIT permit-3 2 198.51.100.200");
}

TEST_CASE("probe: metadata of somebody else is none") {
    Probed probed;
    const Bytes frame = syn("2001:db8:f::198.51.100.7", 25);
    const Loaded::Counts before = probed.loaded.counts();
    const Result<ProbeRun> run = run_probe(probed.loaded.object().xdp_program(), frame, 0x12345678);
    REQUIRE(run);
    CHECK(run->answer.reason == 0);
    CHECK(moved(before, probed.loaded.counts()) == "ACL_DENY +1");
}
