/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/targets.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>

using namespace faith;
using datapath::TargetLists;

namespace {

Prefix4 prefix4(std::string_view text) { return *parse_prefix4(text); }

/* "10.0.0.0/8: never own not_global" by line. */
std::string text_of(const TargetLists &lists) {
    std::string text;
    for (const auto &[key, value] : datapath::make_target_entries(lists)) {
        text += to_string(Ip4::from_bytes(key.addr)) + "/" + std::to_string(key.prefix_len) + ":";
        text += value.never ? " never" : "";
        text += value.own ? " own" : "";
        text += value.not_global ? " not_global" : "";
        text += "\n";
    }
    return text;
}

} // namespace

TEST_CASE("targets: nothing is said of nothing") { CHECK(text_of({}) == ""); }

TEST_CASE("targets: each list says its own word") {
    CHECK(text_of({.never = {prefix4("127.0.0.0/8")},
                   .own = {*parse_ip4("192.0.2.1")},
                   .not_global = {prefix4("10.0.0.0/8")}}) == "10.0.0.0/8: not_global\n"
                                                              "127.0.0.0/8: never\n"
                                                              "192.0.2.1/32: own\n");
}

TEST_CASE("targets: an entry repeats what the prefixes around it say, at any depth") {
    CHECK(text_of({.never = {prefix4("10.1.0.0/16")},
                   .own = {*parse_ip4("10.1.2.3"), *parse_ip4("10.2.0.1")},
                   .not_global = {prefix4("10.0.0.0/8")}}) == "10.0.0.0/8: not_global\n"
                                                              "10.1.0.0/16: never not_global\n"
                                                              "10.1.2.3/32: never own not_global\n"
                                                              "10.2.0.1/32: own not_global\n");
}

TEST_CASE("targets: what lies beside a prefix takes nothing from it") {
    CHECK(text_of({.never = {prefix4("10.0.0.0/9")},
                   .own = {*parse_ip4("10.128.0.1"), *parse_ip4("11.0.0.1")},
                   .not_global = {}}) == "10.0.0.0/9: never\n"
                                         "10.128.0.1/32: own\n"
                                         "11.0.0.1/32: own\n");
}

TEST_CASE("targets: a prefix in several lists, or with host bits, is one entry") {
    CHECK(text_of({.never = {{.address = *parse_ip4("192.0.2.9"), .length = 24},
                             prefix4("192.0.2.0/24")},
                   .own = {},
                   .not_global = {prefix4("192.0.2.0/24")}}) == "192.0.2.0/24: never not_global\n");
}
