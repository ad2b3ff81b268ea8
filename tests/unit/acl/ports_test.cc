/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/ports.h"

#include "acl/image.h"
#include "tests/support/random.h"

#include <catch2/catch.hpp>

#include <algorithm>

using namespace faith;
using namespace faith::acl;
using faith::test::Random;

namespace {

using Pieces = std::vector<PortPiece>;

Pieces pieces_of(const PortMaps &maps, PortMaps::Id map) {
    const std::span<const PortPiece> pieces = maps.pieces(map);
    return {pieces.begin(), pieces.end()};
}

/* The same as a map: the rule of each port. */
using Table = std::vector<std::uint32_t>;

Table table_of(const Pieces &claims) {
    Table table(65536, no_rule);
    for (const PortPiece &claim : claims)
        for (std::size_t port = claim.first; port <= claim.last; port++)
            table[port] = std::min(table[port], claim.rule);
    return table;
}

Pieces random_claims(Random &random) {
    Pieces claims(random.between(0, 6));
    for (PortPiece &claim : claims) {
        const auto first = static_cast<std::uint16_t>(random.between(0, 12));
        claim = {.first = first,
                 .last = static_cast<std::uint16_t>(first + random.between(0, 8)),
                 .rule = static_cast<std::uint32_t>(random.between(0, 5))};
        if (random.one_in(8))
            claim = {.rule = claim.rule};
        if (random.one_in(8))
            claim.last = 65535;
    }
    return claims;
}

/* Sorted, disjoint, joined, decided. */
bool in_normal_form(const Pieces &pieces) {
    for (std::size_t i = 0; i < pieces.size(); i++) {
        if (pieces[i].rule == no_rule || pieces[i].last < pieces[i].first)
            return false;
        if (i == 0)
            continue;
        if (pieces[i].first <= pieces[i - 1].last ||
            (pieces[i].first == pieces[i - 1].last + 1 && pieces[i].rule == pieces[i - 1].rule))
            return false;
    }
    return true;
}

} // namespace

TEST_CASE("ports: the lower rule goes first, neighbours of one rule are one piece") {
    PortMaps maps;
    const PortMaps::Id map = maps.of({{.first = 80, .last = 90, .rule = 3},
                                      {.first = 85, .last = 100, .rule = 2},
                                      {.first = 101, .last = 110, .rule = 2},
                                      {.first = 443, .last = 443, .rule = 9}});
    CHECK(pieces_of(maps, map) == Pieces{{.first = 80, .last = 84, .rule = 3},
                                         {.first = 85, .last = 110, .rule = 2},
                                         {.first = 443, .last = 443, .rule = 9}});
    CHECK(maps.lowest(map) == 2);
    CHECK(maps.bound(map) == no_rule);
}

TEST_CASE("ports: equal maps have one number, whatever they were made from") {
    PortMaps maps;
    CHECK(maps.of({}) == PortMaps::empty);
    const PortMaps::Id map = maps.of({{.first = 1, .last = 9, .rule = 4}});
    CHECK(map == maps.of({{.first = 5, .last = 9, .rule = 4}, {.first = 1, .last = 5, .rule = 4}}));
    CHECK(map != maps.of({{.first = 1, .last = 9, .rule = 5}}));
}

TEST_CASE("ports: the bound of a map is its highest rule once every port has one") {
    PortMaps maps;
    CHECK(maps.bound(maps.of({{.rule = 7}})) == 7);
    CHECK(maps.bound(maps.of({{.rule = 7}, {.first = 22, .last = 22, .rule = 3}})) == 7);
    CHECK(maps.bound(maps.of({{.first = 0, .last = 65534, .rule = 7}})) == no_rule);
    CHECK(maps.bound(PortMaps::empty) == no_rule);
    CHECK(maps.lowest(PortMaps::empty) == no_rule);
}

TEST_CASE("ports: a split says the most frequent rule once and the rest in pieces") {
    PortMaps maps;
    const PortSplit one = maps.split(maps.of({{.rule = 7}, {.first = 22, .last = 25, .rule = 3}}));
    CHECK(one.otherwise == 7);
    CHECK(one.pieces == Pieces{{.first = 22, .last = 25, .rule = 3}});
    const PortSplit some = maps.split(maps.of({{.first = 80, .last = 80, .rule = 3}}));
    CHECK(some.otherwise == no_rule);
    CHECK(some.pieces == Pieces{{.first = 80, .last = 80, .rule = 3}});
    const PortSplit none = maps.split(PortMaps::empty);
    CHECK(none.otherwise == no_rule);
    CHECK(none.pieces.empty());
    /* A hole in a wide permission is the piece, not the permission around it. */
    const PortSplit hole = maps.split(
        maps.of({{.first = 0, .last = 99, .rule = 1}, {.first = 101, .last = 65535, .rule = 1}}));
    CHECK(hole.otherwise == 1);
    CHECK(hole.pieces == Pieces{{.first = 100, .last = 100, .rule = no_rule}});
}

TEST_CASE("ports: maps agree with a table of all ports") {
    Random random;
    INFO(random.seed());
    PortMaps maps;
    for (int round = 0; round < 200; round++) {
        const Pieces claims_a = random_claims(random);
        const Pieces claims_b = random_claims(random);
        const Table a = table_of(claims_a);
        const Table b = table_of(claims_b);
        Table lower(a.size());
        Table left(a.size());
        for (std::size_t port = 0; port < a.size(); port++) {
            lower[port] = std::min(a[port], b[port]);
            left[port] = b[port] < a[port] ? no_rule : a[port];
        }
        const PortMaps::Id id_a = maps.of(claims_a);
        const PortMaps::Id id_b = maps.of(claims_b);
        const std::pair<PortMaps::Id, Table> cases[] = {
            {id_a, a}, {maps.lower(id_a, id_b), lower}, {maps.left_by(id_a, id_b), left}};
        for (const auto &[id, table] : cases) {
            REQUIRE(in_normal_form(pieces_of(maps, id)));
            REQUIRE(table_of(pieces_of(maps, id)) == table);
            REQUIRE(maps.lowest(id) == *std::ranges::min_element(table));
            REQUIRE(maps.bound(id) == *std::ranges::max_element(table));
        }
    }
}
