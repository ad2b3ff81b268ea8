/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/compile.h"
#include "acl/parse.h"
#include "tests/support/image_walk.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

using namespace faith;
using namespace faith::acl;

namespace {

const Prefix4 never[] = {{.address = {.value = 0x7f000000}, .length = 8}};

std::string contents(const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Compiled compiled(const std::vector<Rule> &rules) {
    Result<Compiled> result = compile(rules, {.never = never});
    INFO((result ? "" : result.error().text));
    REQUIRE(result);
    return *std::move(result);
}

std::vector<Rule> rules_of(const std::string &text, const std::string &file) {
    Result<std::vector<Rule>> rules = parse(text, file);
    INFO((rules ? "" : rules.error().text));
    REQUIRE(rules);
    return *std::move(rules);
}

std::string as_text(const std::vector<Rule> &rules) {
    const Compiled result = compiled(rules);
    std::string text = test::to_text(result.image, rules);
    for (const Warning &warning : result.warnings)
        text += "warning: " + warning.text + "\n";
    return text;
}

} // namespace

/* NAME.conf compiles to NAME.image; FAITH_UPDATE_GOLDEN=1 writes them anew, to be read as a
 * difference before they are committed. */
TEST_CASE("image: what the compiler makes of tests/golden/acl") {
    const std::filesystem::path golden = "tests/golden/acl";
    REQUIRE(std::filesystem::exists(golden));
    std::size_t lists = 0;
    for (const std::filesystem::directory_entry &entry :
         std::filesystem::directory_iterator(golden)) {
        if (entry.path().extension() != ".conf")
            continue;
        lists++;
        const std::string made = as_text(rules_of(contents(entry.path()), entry.path().filename()));
        std::filesystem::path image = entry.path();
        image.replace_extension(".image");
        if (std::getenv("FAITH_UPDATE_GOLDEN") != nullptr)
            std::ofstream(image, std::ios::binary) << made;
        CAPTURE(entry.path());
        CHECK(std::filesystem::exists(image));
        CHECK(made == contents(image));
    }
    CHECK(lists >= 6);
}

TEST_CASE("image: every array counts in the hash") {
    Image image = compiled(rules_of("::/0 permit 10.0.0.0/8 port 22\n"
                                    "::/0 permit 0.0.0.0/0\n",
                                    "test.conf"))
                      .image;
    REQUIRE(image.hash == hash_of(image));
    const auto changed = [&](auto change) {
        Image other = image;
        change(other);
        return hash_of(other) != image.hash;
    };
    CHECK(changed([](Image &other) { other.source_keys[0].prefix_len++; }));
    CHECK(changed([](Image &other) { other.source_values[0].class_id++; }));
    CHECK(changed([](Image &other) { other.destination_keys[1].addr[3] ^= 1; }));
    CHECK(changed([](Image &other) { other.destination_values[0].verdict ^= 1; }));
    CHECK(changed([](Image &other) { other.segments[0].last_port++; }));
    CHECK(changed([](Image &other) { other.slots[1]++; }));
    CHECK(changed([](Image &other) { std::swap(other.slots[0], other.slots[1]); }));
    CHECK_FALSE(changed([](Image &other) { other.hash++; }));
}

TEST_CASE("image: where an array ends counts in the hash") {
    Image with_segment;
    with_segment.segments = {{.first_port = 1, .last_port = 0, .verdict = 7}};
    Image with_slots;
    with_slots.slots = {1, 7}; /* the same bytes */
    CHECK(hash_of(with_segment) != hash_of(with_slots));
}

TEST_CASE("image: the slots end behind the highest one") {
    CHECK(slots_end({}) == 0);
    Image image;
    image.slots = {7, 2};
    CHECK(slots_end(image) == 8);
}
