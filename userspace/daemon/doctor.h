/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is wrong with a gateway and the network around it, and what to do about each. Pure:
 * judges what doctor_look.cc saw, in a namespace with a loaded gateway or before one.
 */
#pragma once

#include "base/addr.h"
#include "daemon/network.h"
#include "daemon/tunnel.h"
#include "prefix/prefix.h"

#include <nlohmann/json.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace faith::daemon {

enum class Severity {
    Problem, /* something does not work, or will not */
    Note,    /* worth knowing; perhaps meant so */
};

struct Finding {
    Severity severity = Severity::Problem;
    std::string check; /* "routes", "sysctl", "mtu", "xdp", "conflict", "tunnel", "fast path",
                          "dns64", "gateway" */
    std::string about; /* an interface, a prefix, a tunnel */
    std::string says;
    std::string remedy; /* a command where there is one; "" when there is nothing to do */
};

/* One interface beyond what rtnetlink tells. */
struct Device {
    struct Xdp {
        std::string name; /* of the program; "" when we may not ask */
        bool ours = false;
        bool generic = false;
    };
    std::optional<Xdp> xdp;
    bool forwards6 = false;
    bool ipv6_off = false; /* disable_ipv6 */
    std::string driver = {};
    int rp_filter = 0; /* in force: the stricter of its own and that of all */
};

/* What RFC 7050 asks: the addresses of ipv4only.arpa. */
struct Dns64 {
    std::vector<Ip6> addresses;
    std::string failure; /* "" when there was an answer */
};

/* Where a tunnel sends what is for none of its sites: the border relay, or the next hop of an
 * IPv6 route through it (S23, S33). */
struct NextHop {
    std::string tunnel;
    Ip4 from; /* the tunnel's own address */
    Ip4 address;
    std::optional<std::uint32_t> interface_index; /* by which packets go there; nothing: no route */
};

struct Snapshot {
    bool loaded = false;
    bool daemon = false; /* one answers */
    bool keepfaith = true;
    bool uplinks_only = false;           /* nobody said where clients come in */
    std::vector<std::string> interfaces; /* loaded, or to be */
    std::vector<prefix::FaithPrefix> prefixes;
    std::vector<Tunnel> tunnels;
    Network network;
    std::map<std::string, Device> devices; /* by name */
    std::vector<NextHop> next_hops;
    std::vector<std::string> sk_lookups; /* programs in this namespace that are not ours */
    std::optional<Dns64> dns64;          /* nothing: not asked */
    std::string broken_files;            /* why the configuration could not be read again */
    std::vector<std::string> unseen;     /* what could not be looked at, and why */
};

/* Those whose way is to be looked at: of tunnels that have their address. */
std::vector<NextHop> next_hops_of(const std::vector<Tunnel> &tunnels, const Network &network);

std::vector<Finding> diagnose(const Snapshot &seen);

/* {"loaded", "problems", "notes", "findings": [{"severity", "check", "about", "says", "do"}],
 * "unseen"} */
nlohmann::json to_json(const Snapshot &seen, const std::vector<Finding> &findings);

} // namespace faith::daemon
