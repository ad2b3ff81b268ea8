/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The contract as C and as C++ see it: the same places, no padding that two writers could
 * fill differently, numbers and names that keep their promises.
 */
#include "layout.h"

#include "faith/abi.h"
#include "faith/names.h"
#include "faith/reasons.h"

#include <catch2/catch.hpp>

#include <fstream>
#include <map>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

namespace {

#define PLACE_OF_STRUCT(type) {#type, 0, sizeof(type)},
#define PLACE_OF_FIELD(type, field) {#type "." #field, offsetof(type, field), sizeof(type::field)},
const std::vector<abi_place> seen_by_cxx = {ABI_LAYOUT(PLACE_OF_STRUCT, PLACE_OF_FIELD)};

/* The kernel compares keys as bytes: a key with padding is many keys. The values have none
 * either, so that what one side writes is all that the other reads. */
#define IS_UNIQUE(type) static_assert(std::has_unique_object_representations_v<type>);
#define NOTHING(type, field)
ABI_LAYOUT(IS_UNIQUE, NOTHING)

struct Reason {
    unsigned number;
    std::string origin;
    std::string sentence;
};

std::map<std::string, Reason> reasons() {
    std::map<std::string, Reason> all;
#define ENTRY(name, number, origin, sentence)                                                      \
    CHECK(all.try_emplace(#name, Reason{number, #origin, sentence}).second);
#define RETIRED(number)
    FGW_REASONS(ENTRY, RETIRED)
#undef ENTRY
#undef RETIRED
    return all;
}

} // namespace

TEST_CASE("abi: C and C++ see every field in the same place") {
    REQUIRE(seen_by_cxx.size() == abi_places_seen_by_c);
    for (std::size_t i = 0; i < seen_by_cxx.size(); ++i) {
        INFO(seen_by_cxx[i].name);
        CHECK(std::string(seen_by_cxx[i].name) == abi_seen_by_c[i].name);
        CHECK(seen_by_cxx[i].offset == abi_seen_by_c[i].offset);
        CHECK(seen_by_cxx[i].size == abi_seen_by_c[i].size);
    }
}

TEST_CASE("abi: the list of fields is complete: together they are as long as their struct") {
    std::size_t rest = 0;
    std::size_t end = 0; /* of the fields before; those of a union share their place */
    std::string name;
    for (const abi_place &place : seen_by_cxx) {
        if (std::string(place.name).find('.') == std::string::npos) {
            INFO("behind the last field of " << name);
            CHECK(rest == 0);
            name = place.name;
            rest = place.size;
            end = 0;
        } else if (place.offset >= end) {
            rest -= place.size;
            end = place.offset + place.size;
        }
    }
    CHECK(rest == 0);
}

TEST_CASE("abi: the list of structs is complete") {
    constexpr const char *contract = "include/faith/abi.h"; /* tests run at the top */
    std::ifstream file(contract);
    INFO(contract);
    REQUIRE(file);
    std::set<std::string> listed;
    for (const abi_place &place : seen_by_cxx)
        listed.insert(place.name);
    int structs = 0;
    for (std::string line; std::getline(file, line);) {
        if (!line.starts_with("struct ") || !line.ends_with(" {"))
            continue;
        ++structs;
        const std::string name = line.substr(7, line.size() - 9);
        INFO(name << " is missing in tests/abi/layout.h");
        CHECK(listed.contains(name));
    }
    CHECK(structs > 5);
}

TEST_CASE("abi: no two reasons share a number, and each fits into the counters") {
    std::map<unsigned, std::string> names;
#define NUMBER(name, number, origin, sentence) CHECK(names.try_emplace(number, #name).second);
#define RETIRED(number) CHECK(names.try_emplace(number, "retired").second);
    FGW_REASONS(NUMBER, RETIRED)
    CHECK(names.rbegin()->first < FGW_REASON_MAX);
}

TEST_CASE("abi: a reason of the guards drops exactly if its name says so") {
    for (const auto &[name, reason] : reasons()) {
        INFO(name);
        const bool drop = name.starts_with("DROP_");
        CHECK((drop || name.starts_with("PASS_")) == (reason.origin == "GUARD"));
        if (reason.origin == "GUARD")
            CHECK(drop == (reason.number >= FGW_FIRST_DROP));
    }
}

TEST_CASE("abi: reasons of tunnels have numbers of their own, those that drop behind the others") {
    for (const auto &[name, reason] : reasons()) {
        INFO(name);
        CHECK((reason.number >= FGW_FIRST_STF) == (reason.origin == "STF"));
        CHECK(name.starts_with("STF_") == (reason.origin == "STF"));
    }
    CHECK(FGW_STF_NOT_PEER < FGW_FIRST_STF_DROP);
    CHECK(FGW_STF_IN_FRAGMENT == FGW_FIRST_STF_DROP);
}

TEST_CASE("abi: every reason has an origin and a sentence for people") {
    for (const auto &[name, reason] : reasons()) {
        INFO(name);
        CHECK((reason.origin == "GUARD" || reason.origin == "LOOKUP" || reason.origin == "RELAY" ||
               reason.origin == "POLICY" || reason.origin == "STF"));
        CHECK(reason.sentence.size() > 10);
        CHECK((reason.sentence.back() != '.' || reason.sentence.ends_with("...")));
    }
}

TEST_CASE("abi: the kernel keeps the names of maps and programs whole") {
    for (const char *name : {FGW_MAP_META,
                             FGW_MAP_CONFIG,
                             FGW_MAP_PREFIXES,
                             FGW_MAP_PORTS,
                             FGW_MAP_SOCKS,
                             FGW_MAP_REASONS,
                             FGW_MAP_TARGETS,
                             FGW_MAP_INTERFACES,
                             FGW_MAP_ACL,
                             FGW_MAP_ACL_TABLES,
                             FGW_MAP_ACL_GENERATION,
                             FGW_MAP_HITS,
                             FGW_MAP_RATES,
                             FGW_MAP_FULL,
                             FGW_MAP_EVENTS,
                             FGW_MAP_EVENTS_LOST,
                             FGW_MAP_EXPECTED,
                             FGW_MAP_STF,
                             FGW_MAP_IP4,
                             FGW_MAP_SERVICES,
                             FGW_MAP_SERVICE_SOCKS,
                             FGW_MAP_SERVICE_DATA,
                             FGW_MAP_STF_SLOW,
                             FGW_MAP_PMTU,
                             FGW_PROG_XDP,
                             FGW_PROG_TC,
                             FGW_PROG_DECAP,
                             FGW_PROG_ENCAP,
                             FGW_PROG_SK_LOOKUP}) {
        INFO(name);
        CHECK(std::string(name).size() <= 15);
        CHECK(std::string(name).starts_with("fgw_"));
    }
}
