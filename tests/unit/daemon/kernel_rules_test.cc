/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/kernel_rules.h"

#include "acl/parse.h"

#include <catch2/catch.hpp>

#include <cstring>

using namespace faith;
using daemon::KernelRules;
using daemon::RuleSetRef;

namespace {

using Slots = std::vector<std::uint32_t>;

RuleSetRef rule_set(std::string_view text, const RuleSetRef &before = nullptr,
                    std::string_view file = "/etc/faith-gw/faithd.conf") {
    return *daemon::make_rule_set(*acl::parse(text, file), {}, before.get());
}

} // namespace

TEST_CASE("kernel_rules: without rules before, every slot is fresh and none is gone") {
    const RuleSetRef rules = rule_set("::/0 deny 10.0.0.0/8\n::/0 permit 0.0.0.0/0\n");
    const KernelRules kernel = daemon::kernel_rules(*rules, nullptr, 1);
    CHECK(kernel.update.generation == 1);
    CHECK(kernel.update.slots == Slots{0, 1});
    CHECK(kernel.update.fresh == Slots{0, 1});
    CHECK(kernel.update.gone.empty());
}

TEST_CASE("kernel_rules: the blocks are those of the tables, with the generation in the head") {
    const RuleSetRef rules = rule_set("2001:db8::/32 permit 192.0.2.0/24 port 80\n");
    const KernelRules made = daemon::kernel_rules(*rules, nullptr, 7);
    const KernelRules moved = daemon::kernel_rules(*rules, nullptr, 7);
    for (const KernelRules *kernel : {&made, &moved}) {
        REQUIRE(kernel->update.blocks.data() == kernel->tables.blocks.data());
        CHECK(kernel->update.blocks.size() == kernel->tables.blocks.size());
        CHECK(kernel->update.blocks[0].head.generation == 7);
        CHECK(kernel->update.blocks[0].head.rules == 1);
        CHECK(kernel->update.blocks[0].head.hash == rules->image.hash);
    }
}

TEST_CASE("kernel_rules: a rule that stays keeps its slot, one that goes leaves it to nobody yet") {
    const RuleSetRef before = rule_set("::/0 deny 10.0.0.0/8\n"
                                       "::/0 deny 11.0.0.0/8\n"
                                       "::/0 permit 0.0.0.0/0\n");
    const RuleSetRef after = rule_set("::/0 permit 0.0.0.0/0\n"
                                      "::/0 deny 12.0.0.0/8\n"
                                      "::/0 deny 10.0.0.0/8\n",
                                      before);
    const KernelRules kernel = daemon::kernel_rules(*after, before.get(), 2);
    CHECK(kernel.update.slots == Slots{2, 3, 0}); /* each stands in another line */
    CHECK(kernel.update.fresh == Slots{3});
    CHECK(kernel.update.gone == Slots{1});
}

TEST_CASE("kernel_rules: what stands as it stood is not written again") {
    const RuleSetRef before = rule_set("::/0 deny 10.0.0.0/8\n"
                                       "::/0 deny 11.0.0.0/8\n"
                                       "::/0 permit 0.0.0.0/0\n");
    const RuleSetRef after = rule_set("::/0 deny 10.0.0.0/8\n"
                                      "::/0 deny 12.0.0.0/8\n"
                                      "\n"
                                      "::/0 permit 0.0.0.0/0\n",
                                      before);
    const KernelRules kernel = daemon::kernel_rules(*after, before.get(), 2);
    CHECK(kernel.update.slots == Slots{3, 2}); /* one came, one is a line further down */
    REQUIRE(kernel.update.rules.size() == 2);
    CHECK(kernel.update.rules[1].line == 4);
    CHECK(kernel.update.fresh == Slots{3});
    CHECK(kernel.update.gone == Slots{1});
}

TEST_CASE("kernel_rules: a rule is shown with all that people ask for") {
    const RuleSetRef rules =
        rule_set("# the first line\n"
                 "2001:db8:6::9/48 permit 192.0.2.9/24 port 22,80-90 limit 5/s log\n"
                 "::/0 deny 0.0.0.0/0\n");
    const KernelRules kernel = daemon::kernel_rules(*rules, nullptr, 1);
    const fgw_rule expected[] = {{.line = 2,
                                  .limit_per_second = 5,
                                  .source = {0x20, 0x01, 0x0d, 0xb8, 0, 6},
                                  .target = {192, 0, 2, 0},
                                  .source_len = 48,
                                  .target_len = 24,
                                  .permit = 1,
                                  .log = 1,
                                  .port_ranges = 2,
                                  .file = "faithd.conf"},
                                 {.line = 3,
                                  .limit_per_second = 0,
                                  .source = {},
                                  .target = {},
                                  .source_len = 0,
                                  .target_len = 0,
                                  .permit = 0,
                                  .log = 0,
                                  .port_ranges = 0,
                                  .file = "faithd.conf"}};
    REQUIRE(kernel.update.rules.size() == std::size(expected));
    for (std::size_t i = 0; i < std::size(expected); ++i)
        CHECK(std::memcmp(&kernel.update.rules[i], &expected[i], sizeof expected[i]) == 0);
}

TEST_CASE("kernel_rules: a long file name is cut and still ends") {
    const std::string name(100, 'x');
    const RuleSetRef rules = rule_set("::/0 deny 0.0.0.0/0\n", nullptr, "/a/" + name);
    const KernelRules kernel = daemon::kernel_rules(*rules, nullptr, 1);
    CHECK(std::string(kernel.update.rules[0].file) == name.substr(0, 27));
}
