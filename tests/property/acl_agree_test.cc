/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The proof of access control: for random lists of rules and packets at random and at the
 * edges of rules, the walk of the list, the tables on the host and the programs in the
 * kernel give one answer: not only permit or deny, but the same rule.
 *
 * The kernel is asked by probes of the XDP program, which say the verdict word, and now and
 * then by sk_lookup, which says what becomes of the connection. Each list is a reload of the
 * one before, so that slots are taken, kept and given back meanwhile.
 */
#include "tests/bpf/loaded.h"
#include "tests/bpf/lookup.h"

#include "acl/evaluate.h"
#include "tests/support/effort.h"
#include "tests/support/prog_run.h"
#include "tests/support/random_rules.h"
#include "tests/support/table_walk.h"

#include <algorithm>
#include <iostream>

using namespace faith;
using namespace faith::test;

namespace {

/* All forms together, and those of them that went through the kernel. */
const std::size_t comparisons_wanted = static_cast<std::size_t>(effort(1'000'000));
constexpr std::size_t of_a_list = 4'000;
constexpr std::size_t through_the_kernel = 4; /* one in so many */
constexpr std::size_t through_lookup = 16;    /* of these, again */

/* Where no random client comes from. */
constexpr std::string_view prefix = "5fff:ffff:ffff:ffff:ffff:ffff::/96";

Ip6 destination_of(Ip4 target) {
    Ip6 address = parse_prefix6(prefix)->address;
    std::ranges::copy(target.bytes(), address.bytes.begin() + 12);
    return address;
}

/* Many small lists, which people can read when one fails, and a few long ones. */
std::size_t random_size(Random &random, std::size_t number) {
    if (number == 0)
        return 0;
    if (number % 25 == 1)
        return 10'000;
    const std::size_t most[] = {6, 6, 20, 20, 100, 100, 1000};
    return random.between(0, most[random.between(0, std::size(most) - 1)]);
}

class Kernel {
public:
    Kernel() {
        loaded_.capture(prefix);
        loaded_.deny(FGW_DENY_SILENT);
        loaded_.reconfigure([](fgw_config &config) { config.listeners = 1; });
        REQUIRE(loaded_.maps().socks.put(0, static_cast<std::uint64_t>(listener_.fd.get())));
    }
    /* In force from here on; shortened when random rules inside one another, as nobody writes
     * them, would go beyond the limits of the tables. */
    daemon::RuleSetRef reload(std::vector<acl::Rule> rules) {
        Result<daemon::RuleSetRef> set = loaded_.try_compile(rules);
        for (; !set; set = loaded_.try_compile(rules))
            rules.resize(rules.size() / 2);
        loaded_.publish(*set);
        return *set;
    }
    std::uint32_t generation() const { return loaded_.generation(); }
    fgw_probe asked(const acl::Packet &packet) const {
        const Bytes syn =
            Packet()
                .eth()
                .ip6({.source = packet.source, .destination = destination_of(packet.target)})
                .tcp({.destination_port = packet.port, .checksum = std::uint16_t{0}})
                .bytes();
        const Result<ProbeRun> run = run_probe(loaded_.object().xdp_program(), syn);
        REQUIRE(run);
        return run->answer;
    }
    bool connects(const acl::Packet &packet) const {
        const Connection connection{
            .from = packet.source, .to = destination_of(packet.target), .to_port = packet.port};
        const Result<LookupRun> run =
            run_on_lookup(loaded_.object().sk_lookup_program(), connection.context());
        REQUIRE(run);
        return run->verdict == SK_PASS;
    }

private:
    Loaded loaded_;
    Listener listener_;
};

struct Tally {
    std::size_t compared = 0, probed = 0, looked_up = 0, matched = 0, lists = 0, rules = 0;
};

/* One packet in all forms; what is wrong, "" when nothing is. */
std::string disagreement(const Kernel &kernel, const daemon::RuleSet &set,
                         const acl::Tables &tables, std::uint32_t generation,
                         const acl::Packet &packet, Tally &tally) {
    const acl::Verdict expected = acl::evaluate(set.rules, packet);
    std::uint32_t word = FGW_VERDICT_NO_RULE;
    if (expected.rule != nullptr) {
        const auto index = static_cast<std::size_t>(expected.rule - set.rules.data());
        word = acl::verdict_word(*expected.rule, set.image.slots[index]);
        ++tally.matched;
    }
    if (const std::uint32_t walked = walk(tables, packet); walked != word)
        return "the tables say " + std::to_string(walked);
    if (++tally.compared % through_the_kernel != 0)
        return "";
    const fgw_probe answer = kernel.asked(packet);
    if (answer.reason == FGW_CLIENT_NOT_IP6 || answer.reason == FGW_BAD_SOURCE)
        return ""; /* refused before any rule is asked */
    if (answer.verdict != word || answer.generation != generation)
        return "the kernel says " + std::to_string(answer.verdict) + " of generation " +
               std::to_string(answer.generation);
    const bool permits = expected.action == acl::Action::Permit;
    if ((answer.reason == FGW_PASS_TCP) != permits)
        return "XDP: " + reason_name(answer.reason);
    if (++tally.probed % through_lookup != 0)
        return "";
    ++tally.looked_up;
    return kernel.connects(packet) == permits ? "" : "sk_lookup does the opposite";
}

/* Every packet at one list. */
void compare(Random &random, const Kernel &kernel, const daemon::RuleSet &set, Tally &tally) {
    const std::uint32_t generation = kernel.generation();
    const acl::Tables tables = acl::lay_out(set.image, generation);
    ++tally.lists;
    tally.rules += set.rules.size();
    for (std::size_t i = 0; i < of_a_list; ++i) {
        const acl::Packet packet = random_packet(random, set.rules);
        const std::string wrong = disagreement(kernel, set, tables, generation, packet, tally);
        if (wrong.empty())
            continue;
        INFO(random.seed() << ", list " << tally.lists << "\n" << to_text(set.rules));
        INFO(to_string(packet.source)
             << " to " << to_string(packet.target) << " port " << packet.port);
        FAIL(wrong);
    }
}

} // namespace

TEST_CASE("acl agreement: list, tables and the programs in the kernel decide alike") {
    Random random;
    std::cout << "acl agreement: " << random.seed() << std::endl;
    Kernel kernel;
    Tally tally;
    while (tally.compared < comparisons_wanted) {
        const daemon::RuleSetRef set =
            kernel.reload(random_list(random, random_size(random, tally.lists)));
        compare(random, kernel, *set, tally);
    }
    std::cout << "acl agreement: " << tally.compared << " packets by list and tables, "
              << tally.probed << " of them by XDP and " << tally.looked_up << " by sk_lookup, "
              << tally.lists << " lists of " << tally.rules / tally.lists << " rules on average\n";
    CHECK(tally.probed > comparisons_wanted / 5);
    CHECK(tally.looked_up > comparisons_wanted / 100);
    CHECK(tally.matched > tally.compared / 4);       /* neither everything nor nothing, or it */
    CHECK(tally.matched < tally.compared / 20 * 19); /* proves little */
}
