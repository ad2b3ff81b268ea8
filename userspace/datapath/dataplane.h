/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The life of the kernel side in one network namespace: made whole, published by one
 * rename, changed in place, taken away whole.
 *
 * Order is what makes it safe. Maps are filled and listeners steered before any hook is
 * attached; the guards are attached before the caller adds the routes that bring
 * traffic. Undoing is not kept as a list: remove_dataplane() finds everything we ever
 * make by name and takes it away, and serves a failed load, unload and the clean-up
 * after a crash alike.
 */
#pragma once

#include "base/addr.h"
#include "base/result.h"
#include "datapath/acl_publisher.h"
#include "datapath/link.h"
#include "datapath/object.h"
#include "datapath/pins.h"
#include "datapath/targets.h"

#include <array>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace faith::datapath {

struct CapturePrefix {
    Prefix6 prefix;
    fgw_layout layout = FGW_LAYOUT_FAITH;
    bool global_only = false; /* R23 */
};

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0;
};

/* The switches that a reload may change. */
struct Settings {
    std::vector<PortRange> ports; /* empty: all */
    fgw_deny deny = FGW_DENY_RESET;
    std::uint32_t source_rate = 0; /* new connections per second from one /64; 0: no limit */
};

struct Spec {
    std::uint64_t netns_inode = 0;
    std::string build; /* version, shown in fgw_meta */
    bool keepfaith = true;
    bool tunnels = false; /* whether serve_tunnel() will be called */
    Settings settings;
    std::vector<CapturePrefix> prefixes;
    std::vector<Prefix6> exempt;
    TargetLists targets;
    AclUpdate acl;              /* the first generation */
    std::vector<int> listeners; /* borrowed, listening */
};

/* Called before each step of a life-cycle verb with its name; an error stops the verb
 * there. Production passes nothing; the tests fail each step in turn. */
using StepHook = std::function<Status(std::string_view step)>;

class Dataplane {
public:
    static Result<Dataplane> create(const Spec &spec, const StepHook &before_step);

    /* XDP on an interface, instead of the TC guard it may have had. */
    Result<XdpLink *> attach(std::uint32_t interface_index, const std::string &name, XdpMode mode);
    Status detach(std::uint32_t interface_index);
    /* The TC guard on an interface that has no XDP of ours. Idempotent. */
    Status guard(std::uint32_t interface_index);
    Status publish();

    Status set_keepfaith(bool on);
    /* Makes the map hold exactly these: longer entries win (F2). */
    Status set_prefixes(const std::vector<CapturePrefix> &capture,
                        const std::vector<Prefix6> &exempt);
    Status set_targets(const TargetLists &lists) { return write_targets(object_.maps(), lists); }
    Status set_settings(const Settings &settings);
    /* The rules: see acl_publisher.h. */
    Status prepare_acl(const AclUpdate &update) { return acl_.prepare(update); }
    Status commit_acl(const AclUpdate &update) { return acl_.commit(update); }
    /* A client /64, in host byte order, that may have no more sessions for now. From any
     * thread. When the map has no room the relay still refuses, only later. */
    void set_source_full(std::uint64_t source, bool full) const;
    /* Lets one client connect to one more port, until the time is over or it is forgotten.
     * From any thread. */
    struct Expected {
        Ip6 client;
        Ip6 destination;
        std::uint16_t port = 0;
    };
    void expect(const Expected &connection, std::chrono::nanoseconds longest) const;
    void forget_expected(const Expected &connection) const;
    Maps maps() const { return object_.maps(); } /* for reading what the programs count */
    int xdp_program() const { return object_.xdp_program(); }
    /* The TC programs of a tunnel: on its uplink, and on the hidden peer of its device.
     * Idempotent. */
    Status serve_tunnel(std::uint32_t uplink_index, std::uint32_t peer_index);
    /* Make the maps of tunnels hold exactly these. */
    Status set_tunnels(const std::vector<std::pair<fgw_stf_key, fgw_stf>> &tunnels);
    /* Whether the fast path of a tunnel may take frames from an interface with our XDP, to
     * this address of it, and send frames out of it. */
    Status set_forwarding(std::uint32_t interface_index, bool forwards,
                          const std::array<std::uint8_t, 6> &mac);
    Status set_local_ip4(const std::vector<std::pair<fgw_ip4_key, fgw_ip4_val>> &addresses);
    Result<std::vector<std::uint64_t>> reasons() const;
    bool is_attached(std::uint32_t interface_index) const;
    void forget(std::uint32_t interface_index); /* the interface is gone, its link with it */

private:
    Dataplane(Object object, Pins pins)
        : object_(std::move(object)), pins_(std::move(pins)), acl_(object_.maps()) {}
    Status fill(const Spec &spec);
    Status steer(const std::vector<int> &listeners);
    Status hold(int program, std::uint32_t interface_index, TcPlace place);

    Object object_;
    Pins pins_;
    AclPublisher acl_;
    bool published_ = false;
    sys::UniqueFd sk_lookup_;
    std::map<std::uint32_t, XdpLink> xdp_; /* by ifindex */
};

/* Write switches into a map, live or pinned. */
Status write_keepfaith(const Maps &maps, bool on);
Status write_settings(const Maps &maps, const Settings &settings);
Status write_prefixes(const Maps &maps, const std::vector<CapturePrefix> &capture,
                      const std::vector<Prefix6> &exempt);

/* Whether the prefixes that the map captures are these, no more and no less. */
Result<bool> captures_exactly(const Maps &maps, const std::vector<CapturePrefix> &capture);

/* Takes away every link, pin and TC program of ours in this network namespace. */
Status remove_dataplane(std::uint64_t netns_inode);

} // namespace faith::datapath
