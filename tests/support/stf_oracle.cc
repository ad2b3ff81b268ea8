/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "stf_oracle.h"

#include "packet.h"

#include <algorithm>
#include <string>
#include <vector>

namespace faith::test {

namespace {

std::string bits_of(Ip4 address) {
    std::string bits;
    for (int bit = 31; bit >= 0; --bit)
        bits += (address.value >> bit & 1) != 0 ? '1' : '0';
    return bits;
}

std::string bits_of(const Ip6 &address) {
    std::string bits;
    for (const std::uint8_t byte : address.bytes)
        for (int bit = 7; bit >= 0; --bit)
            bits += (byte >> bit & 1) != 0 ? '1' : '0';
    return bits;
}

Ip4 ip4_of(const std::string &bits) {
    return Ip4{.value = static_cast<std::uint32_t>(std::stoull(bits, nullptr, 2))};
}

bool among(Ip4 address, const std::vector<const char *> &list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const char *text) { return parse_prefix4(text)->contains(address); });
}

bool among(const Ip6 &address, const std::vector<const char *> &list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const char *text) { return parse_prefix6(text)->contains(address); });
}

/* RFC 3964 5.3.1 and 5.3.2, as written there. */
const std::vector<const char *> bad4 = {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
                                        "240.0.0.0/4"};
const std::vector<const char *> private4 = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"};
const std::vector<const char *> bad6 = {"::/16", "fe80::/10", "fec0::/10", "ff00::/8"};

enum class Judged { Good, Bad, Private };

class Judge {
public:
    explicit Judge(const StfWorld &world)
        : world_(world), prefix_(bits_of(Ip6{std::to_array(world.stf.prefix)})),
          own_(Ip4::from_bytes(world.stf.address)),
          relay_(Ip4::from_bytes(world.stf.border_relay)) {}

    bool has(fgw_stf_flag flag) const { return (world_.stf.flags & flag) != 0; }
    Ip4 own() const { return own_; }
    Ip4 relay() const { return relay_; }
    bool is_relay(Ip4 address) const { return relay_.value != 0 && address == relay_; }

    bool is_of_gateway(Ip4 address) const { return world_.own.contains(address); }

    bool inside(const Ip6 &address) const {
        return bits_of(address).substr(0, world_.stf.prefix_len) ==
               prefix_.substr(0, world_.stf.prefix_len);
    }
    Ip4 embedded(const Ip6 &address) const {
        const std::size_t shared = world_.stf.v4_mask_len;
        return ip4_of(bits_of(own_).substr(0, shared) +
                      bits_of(address).substr(world_.stf.prefix_len, 32 - shared));
    }
    Judged ip4(Ip4 address, bool may_be_private) const {
        if (among(address, bad4) || world_.broadcast.contains(address))
            return !may_be_private && among(address, private4) ? Judged::Private : Judged::Bad;
        return !may_be_private && among(address, private4) ? Judged::Private : Judged::Good;
    }
    Judged outer(Ip4 address) const { return ip4(address, has(FGW_STF_PRIVATE_OUTER)); }
    Judged inner(const Ip6 &address) const {
        if (among(address, bad6))
            return Judged::Bad;
        if (among(address, {"2002::/16"}))
            return ip4(ip4_of(bits_of(address).substr(16, 32)), has(FGW_STF_PRIVATE_6TO4));
        return inside(address) ? ip4(embedded(address), true) : Judged::Good;
    }
    bool hides_own(const Ip6 &address) const {
        const std::string interface = bits_of(address).substr(64, 32);
        const bool isatap = interface == bits_of(*parse_ip4("0.0.94.254")) ||
                            interface == bits_of(*parse_ip4("2.0.94.254"));
        const bool is_6to4 = among(address, {"2002::/16"});
        if (!isatap && (!is_6to4 || has(FGW_STF_6TO4)))
            return false;
        const Ip4 hidden = ip4_of(bits_of(address).substr(isatap ? 96 : 16, 32));
        return world_.own.contains(hidden) && !(is_6to4 && world_.sites.contains(hidden));
    }

private:
    const StfWorld &world_;
    std::string prefix_;
    Ip4 own_;
    Ip4 relay_;
};

struct Check {
    Judged judged;
    fgw_reason bad;
    fgw_reason is_private;
};

fgw_reason first_of(const std::vector<Check> &checks, fgw_reason otherwise) {
    for (const Check &check : checks)
        if (check.judged != Judged::Good)
            return check.judged == Judged::Bad ? check.bad : check.is_private;
    return otherwise;
}

fgw_reason pair_in_6to4(const Judge &judge, const StfAddresses &p) {
    const bool from_site = judge.inside(p.source6), to_site = judge.inside(p.destination6);
    if (from_site && judge.embedded(p.source6) != p.source4)
        return FGW_STF_IN_SPOOFED;
    if (!from_site && !to_site)
        return FGW_STF_IN_NEITHER;
    if (to_site && judge.embedded(p.destination6) != judge.own())
        return FGW_STF_IN_DST_OTHER;
    return FGW_STF_IN;
}

fgw_reason pair_in_6rd(const Judge &judge, const StfAddresses &p) {
    const bool from_site = judge.inside(p.source6), to_site = judge.inside(p.destination6);
    if (judge.has(FGW_STF_RELAYS)) {
        if (!from_site)
            return to_site ? FGW_STF_IN_NOT_RELAY : FGW_STF_IN_NEITHER;
        if (judge.embedded(p.source6) != p.source4)
            return FGW_STF_IN_SPOOFED;
        if (!to_site)
            return FGW_STF_IN;
        const Ip4 to = judge.embedded(p.destination6);
        return to == judge.own() || to == p.source4 ? FGW_STF_IN : FGW_STF_IN_DST_OTHER;
    }
    if (!judge.is_relay(p.source4)) {
        if (!from_site)
            return FGW_STF_IN_NOT_RELAY;
        if (judge.embedded(p.source6) != p.source4)
            return FGW_STF_IN_SPOOFED;
    }
    return to_site && judge.embedded(p.destination6) == judge.own() ? FGW_STF_IN
                                                                    : FGW_STF_IN_DST_OTHER;
}

fgw_reason pair_out(const Judge &judge, const StfAddresses &p) {
    if (p.destination4 == judge.own() || judge.is_of_gateway(p.destination4))
        return FGW_STF_OUT_DST_OWN;
    if (judge.inside(p.source6)) {
        const Ip4 from = judge.embedded(p.source6);
        const bool hairpin = judge.has(FGW_STF_RELAYS) && from == p.destination4;
        return from == judge.own() || hairpin ? FGW_STF_OUT : FGW_STF_OUT_SRC_OTHER;
    }
    if (!judge.inside(p.destination6))
        return FGW_STF_OUT_NEITHER;
    return judge.has(FGW_STF_6TO4) || judge.has(FGW_STF_RELAYS) ? FGW_STF_OUT
                                                                : FGW_STF_OUT_SRC_OTHER;
}

fgw_stf stf_with(const char *prefix, const char *address, std::uint32_t flags) {
    const Prefix6 shared = *parse_prefix6(prefix);
    fgw_stf stf{};
    std::copy(shared.address.bytes.begin(), shared.address.bytes.end(), stf.prefix);
    stf.prefix_len = shared.length;
    const auto own = parse_ip4(address)->bytes();
    std::copy(own.begin(), own.end(), stf.address);
    stf.ttl = 64;
    stf.mtu = 1280;
    stf.flags = flags;
    return stf;
}

} // namespace

fgw_reason stf_oracle_in(const StfWorld &world, const StfAddresses &p) {
    const Judge judge(world);
    const fgw_reason each =
        first_of({{judge.outer(p.destination4), FGW_STF_IN_DST4, FGW_STF_IN_DST4_PRIVATE},
                  {judge.outer(p.source4), FGW_STF_IN_SRC4, FGW_STF_IN_SRC4_PRIVATE},
                  {judge.inner(p.destination6), FGW_STF_IN_DST6, FGW_STF_IN_DST6_PRIVATE},
                  {judge.inner(p.source6), FGW_STF_IN_SRC6, FGW_STF_IN_SRC6_PRIVATE}},
                 judge.has(FGW_STF_6TO4) ? pair_in_6to4(judge, p) : pair_in_6rd(judge, p));
    return each == FGW_STF_IN && judge.hides_own(p.destination6) ? FGW_STF_IN_OWN : each;
}

fgw_reason stf_oracle_out(const StfWorld &world, const StfAddresses &p) {
    const Judge judge(world);
    const fgw_reason each =
        first_of({{judge.inner(p.destination6), FGW_STF_OUT_DST6, FGW_STF_OUT_DST6_PRIVATE},
                  {judge.inner(p.source6), FGW_STF_OUT_SRC6, FGW_STF_OUT_SRC6_PRIVATE},
                  {p.destination4.value == 0 ? Judged::Bad : Judged::Good, FGW_STF_OUT_NO_HOP,
                   FGW_STF_OUT_NO_HOP},
                  {judge.outer(p.destination4), FGW_STF_OUT_DST4, FGW_STF_OUT_DST4_PRIVATE},
                  {judge.outer(p.source4), FGW_STF_OUT_SRC4, FGW_STF_OUT_SRC4_PRIVATE}},
                 pair_out(judge, p));
    return each == FGW_STF_OUT && judge.hides_own(p.source6) ? FGW_STF_OUT_OWN : each;
}

bool stf_oracle_is_peer(const StfWorld &world, Ip4 source) {
    const Ip4 own = Ip4::from_bytes(world.stf.address);
    return bits_of(own).substr(0, world.stf.peer_len) ==
           bits_of(source).substr(0, world.stf.peer_len);
}

Ip4 stf_oracle_next_hop(const StfWorld &world, const Ip6 &address) {
    const Judge judge(world);
    return judge.inside(address) ? judge.embedded(address) : judge.relay();
}

fgw_stf stf_of_6to4() { return stf_with("2002::/16", "192.0.2.1", FGW_STF_6TO4 | FGW_STF_INPUT); }

fgw_stf stf_of_6rd() {
    fgw_stf stf = stf_with("2001:db8::/32", "10.1.2.3", FGW_STF_INPUT | FGW_STF_PRIVATE_OUTER);
    stf.v4_mask_len = 8;
    const auto relay = parse_ip4("10.9.9.9")->bytes();
    std::copy(relay.begin(), relay.end(), stf.border_relay);
    return stf;
}

} // namespace faith::test
