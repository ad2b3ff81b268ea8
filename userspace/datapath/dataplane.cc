/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/dataplane.h"

#include "faith/names.h"
#include "sys/ethtool.h"
#include "sys/rtnl.h"

#include <algorithm>
#include <cstring>
#include <numeric>

namespace faith::datapath {

namespace {

constexpr std::uint32_t only_entry = 0;

/* The one place that makes a key, so that no byte of it is left to chance. */
fgw_prefix_key make_key(const Prefix6 &prefix) {
    const Prefix6 masked = prefix.masked();
    fgw_prefix_key key{};
    key.prefix_len = masked.length;
    std::copy(masked.address.bytes.begin(), masked.address.bytes.end(), key.addr);
    return key;
}

fgw_expected_key make_key(const Dataplane::Expected &connection) {
    fgw_expected_key key{};
    std::copy(connection.client.bytes.begin(), connection.client.bytes.end(), key.client);
    std::copy(connection.destination.bytes.begin(), connection.destination.bytes.end(),
              key.destination);
    key.port = connection.port;
    return key;
}

struct KeyLess {
    bool operator()(const fgw_prefix_key &a, const fgw_prefix_key &b) const {
        return std::memcmp(&a, &b, sizeof a) < 0;
    }
};
using PrefixTable = std::map<fgw_prefix_key, fgw_prefix_val, KeyLess>;

PrefixTable make_table(const std::vector<CapturePrefix> &capture,
                       const std::vector<Prefix6> &exempt) {
    PrefixTable table;
    for (const Prefix6 &prefix : exempt)
        table[make_key(prefix)] = {
            .kind = FGW_PREFIX_EXEMPT, .layout = 0, .prefix_len = prefix.length, .global_only = 0};
    for (const CapturePrefix &entry : capture)
        table[make_key(entry.prefix)] = {.kind = FGW_PREFIX_CAPTURE,
                                         .layout = static_cast<__u8>(entry.layout),
                                         .prefix_len = entry.prefix.length,
                                         .global_only = entry.global_only};
    return table;
}

Status write_ports(const Maps &maps, const std::vector<PortRange> &ports) {
    std::vector<std::uint32_t> indices(FGW_PORT_WORDS);
    std::iota(indices.begin(), indices.end(), 0U);
    std::vector<fgw_port_word> words(FGW_PORT_WORDS);
    for (const PortRange &range : ports)
        for (std::uint32_t port = range.first; port <= range.last; ++port)
            words[port / 64].bits |= std::uint64_t{1} << (port % 64);
    return maps.ports.put_all(indices, words);
}

/* A veth's driver wakes its peer for a frame from XDP_TX only where that has an XDP program,
 * too, which the other namespace alone can tell; elsewhere the frame waits or is lost without
 * a word. */
bool replies_arrive(const std::string &interface_name, XdpMode mode) {
    return mode == XdpMode::Generic || sys::driver_of(interface_name) != "veth";
}

/* Erases first: the map may be full of what is no longer wanted. */
template <class K, class V>
Status make_hold(const MapRef<K, V> &map, const std::vector<std::pair<K, V>> &wanted) {
    TRY_ASSIGN(const auto present, map.entries());
    for (const auto &[key, value] : present) {
        const bool stays = std::any_of(wanted.begin(), wanted.end(), [&key = key](const auto &w) {
            return std::memcmp(&w.first, &key, sizeof key) == 0;
        });
        if (!stays)
            TRY(map.erase(key));
    }
    for (const auto &[key, value] : wanted)
        TRY(map.put(key, value));
    return Ok{};
}

} // namespace

Result<Dataplane> Dataplane::create(const Spec &spec, const StepHook &before_step) {
    TRY(before_step("find the BPF file system"));
    TRY(Pins::ensure_bpffs());
    TRY(before_step("load the BPF programs"));
    TRY_ASSIGN(Object object, spec.tunnels
                                  ? Object::load()
                                  : Object::load({FGW_PROG_XDP, FGW_PROG_TC, FGW_PROG_SK_LOOKUP}));
    Dataplane plane(std::move(object), Pins(spec.netns_inode));
    TRY(before_step("fill the maps"));
    TRY(plane.fill(spec));
    TRY(before_step("steer the listeners"));
    TRY(plane.steer(spec.listeners));
    TRY(before_step("pin maps and programs"));
    TRY(plane.pins_.pin_aside(plane.object_));
    TRY(before_step("attach sk_lookup"));
    TRY_ASSIGN(plane.sk_lookup_, attach_sk_lookup(plane.object_.sk_lookup_program()));
    TRY(plane.pins_.pin_link_aside(plane.sk_lookup_.get(), FGW_PIN_SK_LOOKUP_LINK));
    return plane;
}

Status Dataplane::fill(const Spec &spec) {
    const Maps maps = object_.maps();
    fgw_meta meta{};
    meta.abi = FGW_ABI_VERSION;
    std::strncpy(meta.build, spec.build.c_str(), sizeof meta.build - 1);
    TRY(maps.meta.put(only_entry, meta));
    TRY(set_prefixes(spec.prefixes, spec.exempt));
    TRY(set_targets(spec.targets));
    TRY(acl_.prepare(spec.acl));
    TRY(acl_.commit(spec.acl));
    TRY(maps.config.put(only_entry,
                        fgw_config{.keepfaith = spec.keepfaith ? 1U : 0U,
                                   .listeners = static_cast<__u32>(spec.listeners.size()),
                                   .all_ports = 0,
                                   .deny = 0,
                                   .source_rate = 0,
                                   .fast_path = 0}));
    return set_settings(spec.settings);
}

Status Dataplane::set_settings(const Settings &settings) {
    return write_settings(object_.maps(), settings);
}

Status Dataplane::steer(const std::vector<int> &listeners) {
    std::uint32_t slot = 0;
    for (const int listener : listeners) {
        const Status put = object_.maps().socks.put(slot++, static_cast<std::uint64_t>(listener));
        if (!put)
            return Error(put.error()).wrap("give a listener to sk_lookup");
    }
    return Ok{};
}

Result<XdpLink *> Dataplane::attach(std::uint32_t interface_index, const std::string &name,
                                    XdpMode mode) {
    TRY_ASSIGN(XdpLink made, attach_xdp(object_.xdp_program(), interface_index, name, mode));
    const std::string pin = Pins::xdp_link_name(interface_index);
    TRY(object_.maps().interfaces.put(interface_index,
                                      {.replies = replies_arrive(name, made.mode) ? 1U : 0U,
                                       .forwards = 0,
                                       .mac = {},
                                       .pad = {}}));
    TRY(published_ ? pins_.pin_link(made.link.get(), pin)
                   : pins_.pin_link_aside(made.link.get(), pin));
    /* Only now: between the two an interface has both guards, never none. */
    TRY(remove_tc(interface_index, TcPlace::Guard));
    return &(xdp_[interface_index] = std::move(made));
}

Status Dataplane::detach(std::uint32_t interface_index) {
    TRY(attach_tc(object_.tc_program(), interface_index, TcPlace::Guard));
    TRY(pins_.unpin_link(Pins::xdp_link_name(interface_index)));
    xdp_.erase(interface_index);
    return object_.maps().interfaces.erase(interface_index);
}

Status Dataplane::guard(std::uint32_t interface_index) {
    if (is_attached(interface_index))
        return Ok{};
    return hold(object_.tc_program(), interface_index, TcPlace::Guard);
}

Status Dataplane::hold(int program, std::uint32_t interface_index, TcPlace place) {
    TRY_ASSIGN(const bool there, has_tc(interface_index, place));
    return there ? Status(Ok{}) : attach_tc(program, interface_index, place);
}

Status Dataplane::serve_tunnel(std::uint32_t uplink_index, std::uint32_t peer_index) {
    TRY(hold(object_.decap_program(), uplink_index, TcPlace::Decap));
    return hold(object_.encap_program(), peer_index, TcPlace::Encap);
}

Status Dataplane::set_tunnels(const std::vector<std::pair<fgw_stf_key, fgw_stf>> &tunnels) {
    TRY(make_hold(object_.maps().stf, tunnels));
    const bool fast = std::ranges::any_of(
        tunnels, [](const auto &tunnel) { return (tunnel.second.flags & FGW_STF_FAST) != 0; });
    TRY_ASSIGN(std::optional<fgw_config> config, object_.maps().config.find(only_entry));
    config->fast_path = fast ? 1 : 0;
    return object_.maps().config.put(only_entry, *config);
}

Status Dataplane::set_forwarding(std::uint32_t interface_index, bool forwards,
                                 const std::array<std::uint8_t, 6> &mac) {
    const Maps maps = object_.maps();
    TRY_ASSIGN(std::optional<fgw_interface> entry, maps.interfaces.find(interface_index));
    if (!entry)
        return Ok{}; // gone meanwhile
    entry->forwards = forwards ? 1 : 0;
    std::copy(mac.begin(), mac.end(), entry->mac);
    return maps.interfaces.put(interface_index, *entry);
}

Status Dataplane::set_local_ip4(const std::vector<std::pair<fgw_ip4_key, fgw_ip4_val>> &addresses) {
    if (addresses.size() > FGW_MAX_LOCAL_IP4)
        return Error{.kind = Errc::Unsupported,
                     .sys_errno = 0,
                     .text = "more than " + std::to_string(FGW_MAX_LOCAL_IP4) +
                             " IPv4 addresses and broadcast addresses"};
    return make_hold(object_.maps().ip4, addresses);
}

Status Dataplane::publish() {
    TRY(pins_.commit());
    published_ = true;
    return Ok{};
}

Status Dataplane::set_keepfaith(bool on) { return write_keepfaith(object_.maps(), on); }

Status Dataplane::set_prefixes(const std::vector<CapturePrefix> &capture,
                               const std::vector<Prefix6> &exempt) {
    return write_prefixes(object_.maps(), capture, exempt);
}

void Dataplane::set_source_full(std::uint64_t source, bool full) const {
    fgw_source_key key{};
    for (int i = 7; i >= 0; --i, source >>= 8)
        key.source[i] = static_cast<std::uint8_t>(source);
    const Maps maps = object_.maps();
    static_cast<void>(full ? maps.full.put(key, {.sessions = 1}) : maps.full.erase(key));
}

void Dataplane::expect(const Expected &connection, std::chrono::nanoseconds longest) const {
    /* The clock of bpf_ktime_get_ns(). */
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    /* Without it the client's connection is reset, which is what it would get anyway. */
    static_cast<void>(object_.maps().expected.put(
        make_key(connection), {.until_ns = static_cast<std::uint64_t>((now + longest).count())}));
}

void Dataplane::forget_expected(const Expected &connection) const {
    static_cast<void>(object_.maps().expected.erase(make_key(connection)));
}

Result<std::vector<std::uint64_t>> Dataplane::reasons() const {
    return object_.maps().reasons.sums(FGW_REASON_MAX);
}

bool Dataplane::is_attached(std::uint32_t interface_index) const {
    return xdp_.contains(interface_index);
}

void Dataplane::forget(std::uint32_t interface_index) {
    const Status unpinned = pins_.unpin_link(Pins::xdp_link_name(interface_index));
    static_cast<void>(unpinned); // the link is defunct; a pin left over goes with unload
    static_cast<void>(object_.maps().interfaces.erase(interface_index));
    xdp_.erase(interface_index);
}

Status write_prefixes(const Maps &maps, const std::vector<CapturePrefix> &capture,
                      const std::vector<Prefix6> &exempt) {
    const PrefixTable wanted = make_table(capture, exempt);
    TRY_ASSIGN(const auto present, maps.prefixes.entries());
    if (wanted.size() > FGW_MAX_PREFIX_RULES)
        return Error{.kind = Errc::Unsupported,
                     .sys_errno = 0,
                     .text = "more than " + std::to_string(FGW_MAX_PREFIX_RULES) +
                             " routes and own addresses inside the prefixes"};
    /* Erase first: the map may be full of what is no longer wanted. A capture prefix is
     * never erased here, so nothing slips by uncaptured in between. */
    for (const auto &[key, value] : present)
        if (!wanted.contains(key))
            TRY(maps.prefixes.erase(key));
    for (const auto &[key, value] : wanted)
        TRY(maps.prefixes.put(key, value));
    return Ok{};
}

Result<bool> captures_exactly(const Maps &maps, const std::vector<CapturePrefix> &capture) {
    const PrefixTable wanted = make_table(capture, {});
    TRY_ASSIGN(auto present, maps.prefixes.entries());
    std::erase_if(present,
                  [](const auto &entry) { return entry.second.kind != FGW_PREFIX_CAPTURE; });
    return present.size() == wanted.size() && std::ranges::all_of(present, [&](const auto &entry) {
               const auto same = wanted.find(entry.first);
               return same != wanted.end() && same->second.layout == entry.second.layout;
           });
}

Status write_settings(const Maps &maps, const Settings &settings) {
    const auto switches = [&]() -> Status {
        TRY_ASSIGN(std::optional<fgw_config> config, maps.config.find(only_entry));
        config->all_ports = settings.ports.empty() ? 1 : 0;
        config->deny = settings.deny;
        config->source_rate = settings.source_rate;
        return maps.config.put(only_entry, *config);
    };
    /* A port that is captured before and after must be so in between. */
    if (settings.ports.empty())
        TRY(switches());
    TRY(write_ports(maps, settings.ports));
    return switches();
}

Status write_keepfaith(const Maps &maps, bool on) {
    TRY_ASSIGN(std::optional<fgw_config> config, maps.config.find(only_entry));
    config->keepfaith = on ? 1 : 0;
    return maps.config.put(only_entry, *config);
}

Status remove_dataplane(std::uint64_t netns_inode) {
    /* Go on after a failure, so that one stubborn thing does not keep the rest. */
    Status outcome = Pins(netns_inode).remove_all();
    TRY_ASSIGN(const std::vector<sys::Interface> interfaces, sys::list_interfaces());
    for (const sys::Interface &interface : interfaces)
        for (const TcPlace place : {TcPlace::Guard, TcPlace::Decap, TcPlace::Encap})
            if (Status removed = remove_tc(interface.index, place); !removed && outcome)
                outcome = std::move(removed).error().wrap("interface " + interface.name);
    return outcome;
}

} // namespace faith::datapath
