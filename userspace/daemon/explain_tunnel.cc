/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/explain_tunnel.h"

#include "daemon/reason_text.h"
#include "faith/reasons.h"
#include "prefix/site.h"
#include "slowpath/ip4.h"

#include <algorithm>
#include <tuple>

namespace faith::daemon {

namespace {

constexpr std::size_t ethernet = 14, outer_header = 20;
constexpr std::uint8_t protocol_ip6 = 41, ttl = 64;

/* An Ethernet frame with IPv4 in it: the inner packet of a frame in an outer header. */
datapath::Frame outer_frame(const OuterQuestion &question, const datapath::Frame &inner) {
    datapath::Frame frame(ethernet + outer_header);
    frame[12] = 0x08;
    frame[ethernet] = 0x45;
    frame[ethernet + 8] = ttl;
    frame[ethernet + 9] = protocol_ip6;
    std::ranges::copy(question.source.bytes(), frame.begin() + ethernet + 12);
    std::ranges::copy(question.destination.bytes(), frame.begin() + ethernet + 16);
    frame.insert(frame.end(), inner.begin() + ethernet, inner.end());
    slowpath::write_whole4(std::span(frame).subspan(ethernet), 0);
    return frame;
}

Ip6 first_host(const fgw_stf &stf, Ip4 site) {
    Prefix6 shared{.address = {}, .length = stf.prefix_len};
    std::copy_n(stf.prefix, shared.address.bytes.size(), shared.address.bytes.begin());
    return prefix::host_in(prefix::site_prefix(shared, stf.v4_mask_len, site), 1);
}

const char *verdict_of(std::uint32_t reason) {
    if (reason == FGW_STF_IN || reason == FGW_STF_IN_ODD_ECN || reason == FGW_STF_OUT)
        return "permit";
    return reason >= FGW_FIRST_STF_DROP ? "deny" : "pass";
}

struct Answer {
    const char *direction;
    std::string tunnel; /* "": none */
    std::uint32_t reason;
    std::string source, destination, outer_source, outer_destination;
};

Json to_json(const Answer &answer) {
    return {{"direction", answer.direction},
            {"tunnel", answer.tunnel.empty() ? Json(nullptr) : Json(answer.tunnel)},
            {"verdict", verdict_of(answer.reason)},
            {"reason", reason_name(answer.reason)},
            {"sentence", reason_sentence(answer.reason)},
            {"source", answer.source},
            {"destination", answer.destination},
            {"outer_source", answer.outer_source},
            {"outer_destination", answer.outer_destination}};
}

std::string name_of(const Network &network, std::uint32_t index) {
    const sys::Interface *interface = network.by_index(index);
    return interface != nullptr ? interface->name : std::to_string(index);
}

bool is_way_in(const fgw_stf_key &key, const fgw_stf &stf) { return key.ifindex == stf.uplink; }

} // namespace

std::uint32_t way_to(const Network &network, const Ip6 &destination) {
    const sys::Route6 *best = nullptr;
    for (const sys::Route6 &route : network.routes) {
        if (!route.destination.contains(destination))
            continue;
        const bool better =
            best == nullptr || route.destination.length > best->destination.length ||
            (route.destination.length == best->destination.length && route.metric < best->metric);
        if (better)
            best = &route;
    }
    return best != nullptr ? best->interface_index : 0;
}

Result<Json> explain_in(const Instance &instance, const OuterQuestion &question) {
    const datapath::Pins pins(instance.netns_inode);
    TRY_ASSIGN(const datapath::PinnedMaps pinned, datapath::open_pinned_maps(pins));
    TRY_ASSIGN(const datapath::Probe probe, datapath::Probe::open(pins));
    TRY_ASSIGN(const Network network, read_network());
    TRY_ASSIGN(const auto entries, pinned.maps.stf.entries());
    const auto tunnel = std::ranges::find_if(entries, [&](const auto &entry) {
        return is_way_in(entry.first, entry.second) &&
               Ip4::from_bytes(entry.second.address) == question.destination;
    });
    Answer answer{.direction = "in",
                  .tunnel = {},
                  .reason = FGW_PASS_NOT_IP6,
                  .source = {},
                  .destination = {},
                  .outer_source = to_string(question.source),
                  .outer_destination = to_string(question.destination)};
    datapath::Attempt inner;
    if (question.inner)
        std::tie(inner.source, inner.destination) = *question.inner;
    if (tunnel == entries.end()) {
        Json json = to_json(answer);
        json["sentence"] = "no tunnel has the address " + to_string(question.destination);
        return json;
    }
    const fgw_stf &stf = tunnel->second;
    if (!question.inner) {
        inner.source = first_host(stf, question.source);
        inner.destination = first_host(stf, question.destination);
    }
    inner.destination_port = 80;
    TRY_ASSIGN(const fgw_probe said,
               probe.ask_uplink(stf.uplink, outer_frame(question, datapath::syn_frame(inner))));
    answer.tunnel = name_of(network, stf.device);
    answer.reason = said.reason;
    answer.source = to_string(inner.source);
    answer.destination = to_string(inner.destination);
    return to_json(answer);
}

Result<std::optional<Json>> explain_out(const datapath::Maps &maps, const datapath::Probe &probe,
                                        const datapath::Attempt &attempt) {
    TRY_ASSIGN(const Network network, read_network());
    TRY_ASSIGN(const auto entries, maps.stf.entries());
    const std::uint32_t way = way_to(network, attempt.destination);
    const auto tunnel = std::ranges::find_if(entries, [&](const auto &entry) {
        return !is_way_in(entry.first, entry.second) && entry.second.device == way;
    });
    if (way == 0 || tunnel == entries.end())
        return std::optional<Json>();
    TRY_ASSIGN(const datapath::Probe::WayOut out,
               probe.ask_way_out(tunnel->second.peer, datapath::syn_frame(attempt)));
    Answer answer{.direction = "out",
                  .tunnel = name_of(network, way),
                  .reason = out.reason,
                  .source = to_string(attempt.source),
                  .destination = to_string(attempt.destination),
                  .outer_source = {},
                  .outer_destination = {}};
    const auto outer = slowpath::read_header4(std::span(out.frame).subspan(ethernet));
    if (out.reason == FGW_STF_OUT && outer) {
        answer.outer_source = to_string(outer->source);
        answer.outer_destination = to_string(outer->destination);
    }
    return std::optional(to_json(answer));
}

} // namespace faith::daemon
