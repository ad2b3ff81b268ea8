/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stf_cases.h"

#include "packet.h"

#include "prefix/site.h"

namespace faith::test {

namespace {

struct Range {
    const char *first;
    const char *last;
    bool is_private;
};

const Range bad_ip4[] = {
    {"0.0.0.0", "0.255.255.255", false},       {"127.0.0.0", "127.255.255.255", false},
    {"169.254.0.0", "169.254.255.255", false}, {"224.0.0.0", "239.255.255.255", false},
    {"240.0.0.0", "254.255.255.255", false},   {"255.0.0.0", "255.255.255.255", false},
    {"203.0.113.255", "203.0.113.255", false}, {"10.0.0.0", "10.255.255.255", true},
    {"172.16.0.0", "172.31.255.255", true},    {"192.168.0.0", "192.168.255.255", true},
};

const char *const bad_ip6[] = {
    "::",      "::1",     "::192.0.2.1", "::ffff:192.0.2.1", "0:ffff::1", "fe80::1", "febf::1",
    "fec0::1", "feff::1", "ff01::1",     "ff02::1",          "ff05::2",   "ff0e::1", "ffff::1",
};

/* The four places, with the reasons of each. */
struct Place {
    const char *name;
    fgw_reason bad;
    fgw_reason is_private;
};
using Places = std::array<Place, 4>; /* source4, destination4, source6, destination6 */

constexpr Places in_places = {{
    {"from", FGW_STF_IN_SRC4, FGW_STF_IN_SRC4_PRIVATE},
    {"to", FGW_STF_IN_DST4, FGW_STF_IN_DST4_PRIVATE},
    {"from the site of", FGW_STF_IN_SRC6, FGW_STF_IN_SRC6_PRIVATE},
    {"to the site of", FGW_STF_IN_DST6, FGW_STF_IN_DST6_PRIVATE},
}};
constexpr Places out_places = {{
    {"from", FGW_STF_OUT_SRC4, FGW_STF_OUT_SRC4_PRIVATE},
    {"to", FGW_STF_OUT_DST4, FGW_STF_OUT_DST4_PRIVATE},
    {"from the site of", FGW_STF_OUT_SRC6, FGW_STF_OUT_SRC6_PRIVATE},
    {"to the site of", FGW_STF_OUT_DST6, FGW_STF_OUT_DST6_PRIVATE},
}};

StfAddresses with_ip4(StfAddresses packet, std::size_t place, Ip4 address) {
    Ip4 *const outer[] = {&packet.source4, &packet.destination4};
    Ip6 *const inner[] = {&packet.source6, &packet.destination6};
    if (place < 2)
        *outer[place] = address;
    else
        *inner[place - 2] = six_to_four(address);
    return packet;
}

} // namespace

Ip6 six_to_four(Ip4 site) {
    return prefix::host_in(prefix::site_prefix(prefix::six_to_four(), 0, site), 1);
}

Ip6 six_to_four(const char *site) { return six_to_four(*parse_ip4(site)); }

StfAddresses stf_good(StfWay way) {
    const Ip4 own = *parse_ip4("192.0.2.1"), far = *parse_ip4("198.51.100.1");
    const Ip4 from = way == StfWay::In ? far : own, to = way == StfWay::In ? own : far;
    return {.source4 = from,
            .destination4 = to,
            .source6 = six_to_four(from),
            .destination6 = six_to_four(to)};
}

std::vector<StfCase> stf_bad(StfWay way) {
    const Places &places = way == StfWay::In ? in_places : out_places;
    std::vector<StfCase> cases;
    for (const Range &range : bad_ip4)
        for (const char *text : {range.first, range.last})
            for (std::size_t place = 0; place < places.size(); ++place) {
                StfCase next = {.name = std::string(places[place].name) + " " + text,
                                .addresses = with_ip4(stf_good(way), place, *parse_ip4(text)),
                                .reason = range.is_private ? places[place].is_private
                                                           : places[place].bad};
                /* That is how "none" is said. */
                if (next.reason == FGW_STF_OUT_DST4 && next.addresses.destination4.value == 0)
                    next.reason = FGW_STF_OUT_NO_HOP;
                cases.push_back(std::move(next));
            }
    for (const char *text : bad_ip6) {
        StfAddresses packet = stf_good(way);
        packet.source6 = address6(text);
        cases.push_back({std::string("from ") + text, packet, places[2].bad});
        packet = stf_good(way);
        packet.destination6 = address6(text);
        cases.push_back({std::string("to ") + text, packet, places[3].bad});
    }
    return cases;
}

StfWorld stf_world() {
    return {.stf = stf_of_6to4(),
            .broadcast = {*parse_ip4("203.0.113.255")},
            .own = {*parse_ip4("192.0.2.1"), *parse_ip4("203.0.113.9")},
            .sites = {*parse_ip4("192.0.2.1")}};
}

} // namespace faith::test
