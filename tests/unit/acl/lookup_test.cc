/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/lookup.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace faith;
using namespace faith::acl;

namespace {

/* Images made by hand: what the tables mean, not what compile() makes of rules. */
void add_source(Image &image, std::string_view text, std::uint32_t class_id) {
    const Prefix6 prefix = *parse_prefix6(text);
    fgw_prefix_key key = {.prefix_len = prefix.length, .addr = {}};
    std::ranges::copy(prefix.address.bytes, key.addr);
    image.source_keys.push_back(key);
    image.source_values.push_back({.class_id = class_id});
}

void add_destination(Image &image, std::uint32_t class_id, std::string_view text,
                     std::uint32_t verdict, std::uint32_t first = 0, std::uint32_t segments = 0) {
    const Prefix4 prefix = *parse_prefix4(text);
    fgw_acl_dst_key key = {.prefix_len = 32U + prefix.length, .class_id = {}, .addr = {}};
    std::ranges::copy(Ip4{.value = class_id}.bytes(), key.class_id);
    std::ranges::copy(prefix.address.bytes(), key.addr);
    image.destination_keys.push_back(key);
    image.destination_values.push_back(
        {.verdict = verdict, .first_segment = first, .segments = segments, .pad = 0});
}

Answer ask(const Image &image, std::string_view source, std::string_view target,
           unsigned port = 80) {
    return Lookup(image).find({.source = *parse_ip6(source),
                               .target = *parse_ip4(target),
                               .port = static_cast<std::uint16_t>(port)});
}

constexpr Answer permitted_by(std::uint32_t rule, std::uint32_t slot) {
    return {.action = Action::Permit, .rule = rule, .slot = slot};
}
constexpr Answer denied_by(std::uint32_t rule, std::uint32_t slot) {
    return {.action = Action::Deny, .rule = rule, .slot = slot};
}

} // namespace

TEST_CASE("lookup: an empty image denies by no rule") {
    CHECK(ask({}, "2001:db8::1", "192.0.2.1") == Answer{});
    CHECK(Answer{}.action == Action::Deny);
    CHECK(Answer{}.rule == no_rule);
}

TEST_CASE("lookup: the longest source prefix gives the class, and only it") {
    Image image;
    image.slots = {10, 11, 12, 13};
    add_source(image, "::/0", 1);
    add_source(image, "2001:db8::/32", 2);
    add_source(image, "2001:db8:0:1::/64", 3);
    add_source(image, "2001:db8:0:1::5/128", 4);
    add_destination(image, 1, "0.0.0.0/0", FGW_VERDICT_PERMIT | 10);
    add_destination(image, 2, "10.0.0.0/8", 11);
    add_destination(image, 3, "0.0.0.0/0", FGW_VERDICT_PERMIT | 12);
    add_destination(image, 4, "192.0.2.1/32", 13);
    CHECK(ask(image, "3fff::1", "192.0.2.1") == permitted_by(0, 10));
    CHECK(ask(image, "2001:db8::1", "10.1.1.1") == denied_by(1, 11));
    CHECK(ask(image, "2001:db8::1", "192.0.2.1") == Answer{}); /* not class 1 */
    CHECK(ask(image, "2001:db8:0:1::4", "192.0.2.1") == permitted_by(2, 12));
    CHECK(ask(image, "2001:db8:0:1::5", "192.0.2.1") == denied_by(3, 13));
    CHECK(ask(image, "2001:db8:0:1::5", "192.0.2.2") == Answer{});
}

TEST_CASE("lookup: the longest destination prefix of the class decides") {
    Image image;
    image.slots = {0, 1, 2, 3};
    add_source(image, "2001:db8::/32", 1);
    add_source(image, "2001:db9::/32", 2);
    add_destination(image, 1, "10.1.2.3/32", FGW_VERDICT_PERMIT | 0);
    add_destination(image, 1, "10.1.0.0/16", 1);
    add_destination(image, 1, "0.0.0.0/0", FGW_VERDICT_PERMIT | 2);
    add_destination(image, 2, "10.1.2.0/24", FGW_VERDICT_PERMIT | 3);
    CHECK(ask(image, "2001:db8::1", "10.1.2.3") == permitted_by(0, 0));
    CHECK(ask(image, "2001:db8::1", "10.1.2.4") == denied_by(1, 1));
    CHECK(ask(image, "2001:db8::1", "10.2.2.4") == permitted_by(2, 2));
    CHECK(ask(image, "2001:db9::1", "10.1.2.3") == permitted_by(3, 3));
    CHECK(ask(image, "2001:db9::1", "10.1.3.3") == Answer{});
}

TEST_CASE("lookup: a segment decides its ports, both ends included, the leaf the others") {
    Image image;
    image.slots = {5, 6, 7};
    add_source(image, "::/0", 1);
    image.segments = {{.first_port = 1, .last_port = 65535, .verdict = 5}, /* another leaf's */
                      {.first_port = 20, .last_port = 22, .verdict = FGW_VERDICT_PERMIT | 6},
                      {.first_port = 24, .last_port = 24, .verdict = FGW_VERDICT_NO_RULE},
                      {.first_port = 8000, .last_port = 65535, .verdict = FGW_VERDICT_PERMIT | 7},
                      {.first_port = 0, .last_port = 65535, .verdict = 5}};
    add_destination(image, 1, "0.0.0.0/0", 5, 1, 3);
    for (const unsigned port : {20U, 21U, 22U})
        CHECK(ask(image, "::1", "192.0.2.1", port) == permitted_by(1, 6));
    for (const unsigned port : {0U, 1U, 19U, 23U, 25U, 7999U})
        CHECK(ask(image, "::1", "192.0.2.1", port) == denied_by(0, 5));
    CHECK(ask(image, "::1", "192.0.2.1", 24) == Answer{});
    for (const unsigned port : {8000U, 65535U})
        CHECK(ask(image, "::1", "192.0.2.1", port) == permitted_by(2, 7));
}

TEST_CASE("lookup: lives on without its image") {
    Image image;
    image.slots = {0};
    add_source(image, "::/0", 1);
    add_destination(image, 1, "0.0.0.0/0", FGW_VERDICT_PERMIT);
    const Lookup lookup(image);
    image = {};
    CHECK(lookup.find({.source = {}, .target = {}, .port = 1}) == permitted_by(0, 0));
}
