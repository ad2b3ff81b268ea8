/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/stf.h"

#include "faith/abi.h"

#include <algorithm>
#include <map>

namespace faith::config {

namespace {

/* What the kernel takes as the name of an interface, less room for the hidden peer's. */
constexpr std::size_t longest_name = 10;
constexpr std::size_t longest_interface = 15;

template <class T>
void read_boolean(Reader &reader, const Node &node, T &out) {
    out = reader.boolean(node).value_or(out);
}

template <class T>
void read_number(Reader &reader, const Node &node, std::int64_t first, std::int64_t last, T &out) {
    if (const auto number = reader.integer(node, first, last))
        out = static_cast<T>(*number);
}

void read_interface(Reader &reader, const Node &node, std::size_t longest, std::string &out) {
    const auto text = reader.string(node, "the name of an interface");
    if (!text)
        return;
    const bool odd = text->empty() || *text == "." || *text == ".." ||
                     text->find_first_of("/: \t") != std::string_view::npos ||
                     find_control_byte(*text);
    if (odd || text->size() > longest)
        reader.fail(node, quoted(*text) + " is not the name of an interface of at most " +
                              std::to_string(longest) + " characters");
    else
        out = *text;
}

void read_prefix6(Reader &reader, const Node &node, Prefix6 &out) {
    const auto text = reader.string(node, "ADDRESS/LENGTH");
    if (text && text->find('/') == std::string_view::npos)
        reader.fail(node, quoted(*text) + " has no length; it is written ADDRESS/LENGTH");
    else if (text)
        store(reader, node, parse_prefix6(*text), out);
}

void read_ip4(Reader &reader, const Node &node, Ip4 &out) {
    if (const auto text = reader.string(node, "an IPv4 address"))
        store(reader, node, parse_ip4(*text), out);
}

constexpr Key<Sixrd> sixrd_keys[] = {
    {"prefix",
     [](Reader &reader, const Node &node, Sixrd &out) { read_prefix6(reader, node, out.prefix); }},
    {"ipv4_mask_len", [](Reader &reader, const Node &node,
                         Sixrd &out) { read_number(reader, node, 0, 32, out.ipv4_mask_len); }},
    {"border_relay", [](Reader &reader, const Node &node,
                        Sixrd &out) { read_ip4(reader, node, out.border_relay.emplace()); }},
    {"ipv4",
     [](Reader &reader, const Node &node, Sixrd &out) { read_ip4(reader, node, out.ipv4); }},
};

void read_sixrd(Reader &reader, const Node &node, Stf &out) {
    Sixrd sixrd;
    read_keys<Sixrd>(reader, node, sixrd_keys, "sixrd", sixrd);
    if (node.kind == Node::Kind::Table)
        for (const char *needed : {"prefix", "ipv4"})
            if (node.member(needed) == nullptr)
                reader.fail(node, "sixrd needs its " + std::string(needed));
    out.sixrd = sixrd;
}

void read_ecn(Reader &reader, const Node &node, Stf &out) {
    static constexpr Choice<Ecn> modes[] = {
        {"copy", Ecn::Copy}, {"rfc6040", Ecn::Rfc6040}, {"compatibility", Ecn::Compatibility}};
    read_choice<Ecn>(reader, node, modes, out.ecn);
}

/* The least that any TCP must take (RFC 9293 3.7.1) to the most that a packet can hold. */
constexpr std::int64_t least_mss = 536, most_mss = 65455;

void read_mss_clamp(Reader &reader, const Node &node, Stf &out) {
    if (node.kind != Node::Kind::String) {
        if (const auto number = reader.integer(node, least_mss, most_mss))
            out.mss_clamp = static_cast<std::uint16_t>(*number);
        return;
    }
    static constexpr Choice<std::optional<std::uint16_t>> words[] = {{"off", std::nullopt},
                                                                     {"auto", std::uint16_t{0}}};
    read_choice<std::optional<std::uint16_t>>(reader, node, words, out.mss_clamp);
}

constexpr Key<Stf> stf_keys[] = {
    {"name", [](Reader &reader, const Node &node,
                Stf &out) { read_interface(reader, node, longest_name, out.name); }},
    {"uplink", [](Reader &reader, const Node &node,
                  Stf &out) { read_interface(reader, node, longest_interface, out.uplink); }},
    {"address", [](Reader &reader, const Node &node,
                   Stf &out) { read_prefix6(reader, node, out.address.emplace()); }},
    {"sixrd", read_sixrd},
    {"input",
     [](Reader &reader, const Node &node, Stf &out) { read_boolean(reader, node, out.input); }},
    {"ecn", read_ecn},
    {"ecn_log",
     [](Reader &reader, const Node &node, Stf &out) { read_boolean(reader, node, out.ecn_log); }},
    {"ingress_filter", [](Reader &reader, const Node &node,
                          Stf &out) { read_boolean(reader, node, out.ingress_filter); }},
    {"permit_rfc1918", [](Reader &reader, const Node &node,
                          Stf &out) { read_boolean(reader, node, out.permit_rfc1918); }},
    {"mtu", [](Reader &reader, const Node &node,
               Stf &out) { read_number(reader, node, 1280, 65515, out.mtu); }},
    {"ttl", [](Reader &reader, const Node &node,
               Stf &out) { read_number(reader, node, 1, 255, out.ttl); }},
    {"pmtu_discovery", [](Reader &reader, const Node &node,
                          Stf &out) { read_boolean(reader, node, out.pmtu_discovery); }},
    {"mss_clamp", read_mss_clamp},
    {"fast_path",
     [](Reader &reader, const Node &node, Stf &out) { read_boolean(reader, node, out.fast_path); }},
};

bool is_private(Ip4 address) {
    const std::uint32_t value = address.value;
    return value >> 24 == 10 || value >> 20 == 0xac1 || value >> 16 == 0xc0a8;
}

/* An end of a tunnel (RFC 3964 5.3.1). */
bool can_be_end(Ip4 address) {
    return address.can_be_source() && address.value >> 24 != 127 && address.value >> 16 != 0xa9fe;
}

void check_6to4(const Stf &stf, Complaints &complaints) {
    const Prefix6 &address = *stf.address;
    if (address.address.bytes[0] != 0x20 || address.address.bytes[1] != 0x02)
        return complaints.add(stf.where, to_string(address) +
                                             " is not a 6to4 address, which is in 2002::/16; for "
                                             "other prefixes see sixrd");
    if (address.length < 16 || address.length > 48)
        complaints.add(stf.where, to_string(address) +
                                      ": the length is 16 for any peer, or 16+n for peers "
                                      "that share n bits of the own IPv4 address, to 48");
    const Ip4 own = own_ip4(stf);
    if (!can_be_end(own))
        complaints.add(stf.where, to_string(address) + " is made of " + to_string(own) +
                                      ", which cannot be an end of a tunnel");
    else if (is_private(own) && !stf.permit_rfc1918)
        complaints.add(stf.where,
                       to_string(address) + " is made of the private " + to_string(own) +
                           "; 6to4 needs a global address (permit_rfc1918 = true allows it)");
}

void check_6rd(const Stf &stf, Complaints &complaints) {
    const Sixrd &sixrd = *stf.sixrd;
    if (sixrd.prefix != sixrd.prefix.masked())
        complaints.add(stf.where, "prefix " + to_string(sixrd.prefix) + " has host bits set");
    if (sixrd.prefix.length == 0 || sixrd.prefix.length + 32 - sixrd.ipv4_mask_len > 64)
        complaints.add(stf.where, "prefix " + to_string(sixrd.prefix) + " and " +
                                      std::to_string(32 - sixrd.ipv4_mask_len) +
                                      " bits of IPv4 address leave no /64 for a site");
    if (!can_be_end(sixrd.ipv4))
        complaints.add(stf.where, to_string(sixrd.ipv4) + " cannot be an end of a tunnel");
    if (sixrd.border_relay && !can_be_end(*sixrd.border_relay))
        complaints.add(stf.where, to_string(*sixrd.border_relay) + " cannot be a border relay");
}

void check_one(const Stf &stf, Complaints &complaints) {
    if (stf.uplink.empty())
        complaints.add(stf.where, "a [[stf]] needs its uplink");
    if (stf.address.has_value() == stf.sixrd.has_value())
        complaints.add(stf.where, "a [[stf]] needs its address (6to4) or its sixrd, not both");
    else if (stf.sixrd)
        check_6rd(stf, complaints);
    else
        check_6to4(stf, complaints);
}

} // namespace

Ip4 own_ip4(const Stf &stf) {
    if (stf.sixrd)
        return stf.sixrd->ipv4;
    return Ip4::from_bytes(&stf.address->address.bytes[2]);
}

void read_stf(Reader &reader, const Node &table, Stf &out) {
    read_keys<Stf>(reader, table, stf_keys, "[[stf]]", out);
}

void check_stf(const std::vector<Stf> &tunnels, Complaints &complaints) {
    std::map<std::string, std::string> names;
    std::map<std::pair<std::string, Ip4>, std::string> ends;
    for (const Stf &stf : tunnels) {
        check_one(stf, complaints);
        if (const auto [earlier, is_new] = names.emplace(stf.name, stf.where); !is_new)
            complaints.add(stf.where,
                           "a second [[stf]] called " + stf.name + "; first at " + earlier->second);
        if (!stf.address && !stf.sixrd)
            continue;
        const auto end = std::pair(stf.uplink, own_ip4(stf));
        if (const auto [earlier, is_new] = ends.emplace(end, stf.where); !is_new)
            complaints.add(stf.where, "a second [[stf]] with " + to_string(end.second) + " on " +
                                          stf.uplink + "; first at " + earlier->second);
    }
    if (tunnels.size() > FGW_MAX_TUNNELS)
        complaints.add(tunnels[FGW_MAX_TUNNELS].where,
                       "more than " + std::to_string(FGW_MAX_TUNNELS) + " tunnels");
}

} // namespace faith::config
