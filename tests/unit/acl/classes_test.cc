/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/classes.h"

#include "acl/parse.h"

#include <catch2/catch.hpp>

using namespace faith;
using namespace faith::acl;

namespace {

std::vector<Rule> rules_of(std::string_view text) {
    Result<std::vector<Rule>> rules = parse(text, "test.conf");
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

/* "::/0[1.0.0.0/8=0] 2001:db8::/32[...]": sources, destinations, first rules. */
std::string classes_of(std::string_view text) {
    const std::vector<Rule> rules = rules_of(text);
    PortMaps maps;
    Result<Classes> classes = classify(rules, {}, maps);
    REQUIRE(classes);
    std::string out;
    for (const SourceClass &source : classes->sources) {
        out += (out.empty() ? "" : " ") + to_string(source.source) + "[";
        for (std::size_t i = source.first; i < source.end; i++) {
            const Destination &destination = classes->destinations[i];
            out += (i == source.first ? "" : " ") + to_string(destination.target) + "=" +
                   std::to_string(maps.lowest(destination.ports));
        }
        out += "]";
    }
    return out;
}

std::string error_of(std::string_view text, const Limits &limits) {
    const std::vector<Rule> rules = rules_of(text);
    PortMaps maps;
    Result<Classes> classes = classify(rules, limits, maps);
    if (classes)
        return "";
    CHECK(classes.error().kind == Errc::Invalid);
    return classes.error().text;
}

} // namespace

TEST_CASE("classes: a source has the rules of those around it") {
    CHECK(classes_of("2001:db8:1::/48 permit 1.0.0.0/8\n"
                     "2001:db8::/32 permit 2.0.0.0/8\n"
                     "::/0 permit 3.0.0.0/8\n"
                     "2001:db8:2::/48 permit 4.0.0.0/8\n") ==
          "::/0[3.0.0.0/8=2] "
          "2001:db8::/32[2.0.0.0/8=1 3.0.0.0/8=2] "
          "2001:db8:1::/48[1.0.0.0/8=0 2.0.0.0/8=1 3.0.0.0/8=2] "
          "2001:db8:2::/48[2.0.0.0/8=1 3.0.0.0/8=2 4.0.0.0/8=3]");
}

TEST_CASE("classes: a source that decides as the one around it does is left out") {
    CHECK(classes_of("2001:db8::/32 deny 0.0.0.0/0\n"
                     "2001:db8:1::/48 permit 1.0.0.0/8\n"
                     "2001:db8:1:1::/64 permit 2.0.0.0/8\n") == "2001:db8::/32[0.0.0.0/0=0]");
    /* Also if only longer destinations say so. */
    CHECK(classes_of("2001:db8::/32 deny 0.0.0.0/1\n"
                     "2001:db8::/32 deny 128.0.0.0/1\n"
                     "2001:db8:1::/48 permit 0.0.0.0/0\n") ==
          "2001:db8::/32[0.0.0.0/1=0 128.0.0.0/1=1]");
}

TEST_CASE("classes: a source whose addresses all belong to longer ones is left out") {
    CHECK(classes_of("2001:db8::/33 permit 1.0.0.0/8\n"
                     "2001:db8:8000::/33 permit 2.0.0.0/8\n"
                     "2001:db8::/32 deny 0.0.0.0/0\n") ==
          "2001:db8::/33[1.0.0.0/8=0 0.0.0.0/0=2] 2001:db8:8000::/33[2.0.0.0/8=1 0.0.0.0/0=2]");
    CHECK(classes_of("2001:db8::/33 permit 1.0.0.0/8\n"
                     "2001:db8:8000::/34 permit 2.0.0.0/8\n"
                     "2001:db8::/32 deny 3.0.0.0/8\n") ==
          "2001:db8::/32[3.0.0.0/8=2] 2001:db8::/33[1.0.0.0/8=0 3.0.0.0/8=2] "
          "2001:db8:8000::/34[2.0.0.0/8=1 3.0.0.0/8=2]");
    /* The whole address space, whose end has no address behind it. */
    CHECK(classes_of("::/1 permit 1.0.0.0/8\n"
                     "8000::/1 permit 2.0.0.0/8\n"
                     "::/0 deny 3.0.0.0/8\n") ==
          "::/1[1.0.0.0/8=0 3.0.0.0/8=2] 8000::/1[2.0.0.0/8=1 3.0.0.0/8=2]");
    /* Halves of halves, the middle one left out for its own reason. */
    CHECK(classes_of("2001:db8::/34 permit 1.0.0.0/8\n"
                     "2001:db8:4000::/34 permit 2.0.0.0/8\n"
                     "2001:db8:8000::/33 permit 3.0.0.0/8\n"
                     "2001:db8::/32 deny 4.0.0.0/8\n"
                     "2001:db8::/33 deny 4.0.0.0/8\n") ==
          "2001:db8::/34[1.0.0.0/8=0 4.0.0.0/8=3] 2001:db8:4000::/34[2.0.0.0/8=1 4.0.0.0/8=3] "
          "2001:db8:8000::/33[3.0.0.0/8=2 4.0.0.0/8=3]");
    /* A half that says nothing new does not hide what it repeats. */
    CHECK(classes_of("2001:db8::/32 deny 0.0.0.0/0\n"
                     "2001:db8::/33 permit 1.0.0.0/8\n"
                     "2001:db8:8000::/33 permit 2.0.0.0/8\n") == "2001:db8::/32[0.0.0.0/0=0]");
}

TEST_CASE("classes: no rules make no class") { CHECK(classes_of("").empty()); }

TEST_CASE("classes: past a limit the error names the source's first rule and what helps") {
    const std::string text = "2001:db8::/32 permit 1.0.0.0/8\n"
                             "2001:db8::/32 permit 2.0.0.0/8 port 80,443\n"
                             "2001:db8:1::/48 permit 3.0.0.0/8 port 22\n";
    CHECK(error_of(text, {.max_sources = 2, .max_destinations = 5, .max_segments = 3}).empty());
    CHECK_THAT(error_of(text, {.max_sources = 1}),
               Catch::StartsWith("test.conf:3: more than 1 source prefixes"));
    CHECK_THAT(error_of(text, {.max_destinations = 4}),
               Catch::StartsWith("test.conf:3: more than 4 pairs of source and destination") &&
                   Catch::Contains(
                       "2001:db8:1::/48 repeats the 2 destinations of 2001:db8::/32 around it"));
    CHECK_THAT(error_of(text, {.max_destinations = 1}),
               Catch::StartsWith("test.conf:1: more than 1 pairs") && !Catch::Contains("around"));
    /* What is left out takes no room. */
    CHECK(error_of("2001:db8::/32 deny 0.0.0.0/0\n"
                   "2001:db8:1::/48 permit 1.0.0.0/8\n"
                   "2001:db8:2::/48 permit 1.0.0.0/8\n"
                   "2001:db9::/32 permit 1.0.0.0/8\n",
                   {.max_sources = 2, .max_destinations = 2})
              .empty());
    CHECK_THAT(error_of(text, {.max_segments = 2}),
               Catch::StartsWith("test.conf:3: more than 2 ranges of ports"));
}
