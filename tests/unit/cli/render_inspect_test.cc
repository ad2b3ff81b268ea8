/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/render_inspect.h"

#include <catch2/catch.hpp>

using namespace faith::cli;
using nlohmann::json;

namespace {

const json rule = {
    {"file", "faithd.conf"}, {"line", 7}, {"text", "::/0 deny 192.0.2.3/32"}, {"hits", 12}};

} // namespace

TEST_CASE("render_inspect: rules stand in the order of the list, their hits before them") {
    const json derived = {
        {"file", "default"}, {"line", 0}, {"text", "::/0 permit 0.0.0.0/0"}, {"hits", 0}};
    CHECK(render_rules_with_hits({rule, derived}) ==
          "          12  faithd.conf:7: ::/0 deny 192.0.2.3/32\n"
          "           0  default: ::/0 permit 0.0.0.0/0\n");
    CHECK(render_rules_with_hits(json::array()) == "no rule: nothing is permitted\n");
}

TEST_CASE(
    "render_inspect: a trial says verdict, reason, rule and generation, as far as there are") {
    CHECK(render_trial({{"verdict", "deny"},
                        {"sentence", "denied by a rule"},
                        {"rule", rule},
                        {"generation", 3}}) == "deny: denied by a rule\n"
                                               "rule        faithd.conf:7: ::/0 deny 192.0.2.3/32\n"
                                               "generation  3\n");
    CHECK(render_trial({{"verdict", "deny"},
                        {"sentence", "denied: no rule matches"},
                        {"rule", nullptr},
                        {"generation", nullptr}}) == "deny: denied: no rule matches\n");
}

TEST_CASE("render_inspect: a file name that is no UTF-8 still prints") {
    CHECK_NOTHROW(json_text({{"file", "\xff.conf"}}));
}

TEST_CASE("render_inspect: an explanation begins with the connection and ends with its client") {
    CHECK(render_explanation({{"verdict", "deny"},
                              {"sentence", "denied by a rule"},
                              {"source", "2001:db8:6::2"},
                              {"destination", "64:ff9b::c000:203"},
                              {"port", 80},
                              {"target", "192.0.2.3"},
                              {"rule", rule},
                              {"generation", 3},
                              {"client_hears", "a reset"}}) ==
          "2001:db8:6::2 to [64:ff9b::c000:203]:80, that is 192.0.2.3:80\n"
          "deny: denied by a rule\n"
          "rule        faithd.conf:7: ::/0 deny 192.0.2.3/32\n"
          "generation  3\n"
          "client      hears a reset\n");
}
