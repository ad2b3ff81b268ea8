/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A tunnel with a fast path between real interfaces, for test runs of the XDP program on them. */
#pragma once

#include "fresh_netns.h"
#include "stf.h"

#include "faith/names.h"

#include <bpf/libbpf.h>
#include <linux/if_link.h>

namespace faith::test {

constexpr std::uint32_t lan = 10, uplink = 12, device = 14, peer = 15;
constexpr Mac lan_mac = {2, 0, 0, 0, 1, 1}, lan_router = {2, 0, 0, 0, 1, 2};
constexpr Mac uplink_mac = {2, 0, 0, 0, 2, 1}, sea_router = {2, 0, 0, 0, 2, 2};

/* lan -- tunnel -- uplink, with one router beyond each, whose addresses are known. What comes
 * out of the tunnel goes to the LAN wherever it is going, nearly all else into the tunnel. */
class Roads {
public:
    Roads() {
        FreshNetns::run(R"(set -e
            sysctl -qw net.ipv6.conf.default.disable_ipv6=1 net.ipv4.conf.all.forwarding=1
            ip -batch - <<-END
                link add lan index 10 address 02:00:00:00:01:01 type veth peer name lan-far index 11
                link add uplink index 12 address 02:00:00:00:02:01 type veth peer name up-far index 13
                link add stf0 index 14 type veth peer name stf0-peer index 15
                link set lan addrgenmode none mtu 1400
                link set uplink mtu 1400
                link set stf0 addrgenmode none
END
            sysctl -qw net.ipv6.conf.lan.disable_ipv6=0 net.ipv6.conf.stf0.disable_ipv6=0 \
                net.ipv6.conf.all.forwarding=1
            ip -batch - <<-END
                link set lan up
                link set lan-far up
                link set uplink up
                link set up-far up
                link set stf0 up
                link set stf0-peer up
                address add 192.0.2.1/24 dev uplink
                route add default via 192.0.2.254
                neigh add 192.0.2.254 lladdr 02:00:00:00:02:02 dev uplink nud permanent
                neigh add fe80::2 lladdr 02:00:00:00:01:02 dev lan nud permanent
END
            ip -6 -batch - <<-END
                route add default dev stf0
                route add default via fe80::2 dev lan table 100
                route add 2001:db8:f::/48 via fe80::2 dev lan
                rule add iif stf0 lookup 100
                rule add iif lan dsfield 0x20 blackhole
                rule add iif lan ipproto sctp blackhole
END
)");
    }

private:
    FreshNetns netns_;
};

struct FastTunnel : Roads, Loaded {
    FastTunnel() : Loaded({FGW_PROG_XDP}) {
        reconfigure([](fgw_config &config) { config.fast_path = 1; });
        takes_part(lan, lan_mac);
        takes_part(uplink, uplink_mac);
    }
    void become(StfWorld with) {
        world = with_devices(std::move(with));
        world.stf.uplink = uplink;
        world.stf.device = device;
        world.stf.peer = peer;
        world.stf.flags |= FGW_STF_FAST;
        tunnel(world); /* its addresses; nothing comes in by lo */
        fgw_stf_key in{.ifindex = uplink, .address = {}};
        std::copy_n(world.stf.address, 4, in.address);
        REQUIRE(maps().stf.put(in, world.stf));
        REQUIRE(maps().stf.put({.ifindex = peer, .address = {}}, world.stf));
        REQUIRE(maps().stf.put({.ifindex = device, .address = {}}, world.stf));
    }
    PacketRun take(const Bytes &frame, std::uint32_t from) const {
        const Result<PacketRun> run = run_on_frame(object().xdp_program(), frame, from);
        REQUIRE(run);
        return *run;
    }
    StfWorld world;

private:
    void takes_part(std::uint32_t ifindex, const Mac &mac) {
        fgw_interface interface{.replies = 0, .forwards = 1, .mac = {}, .pad = {}};
        std::copy(mac.begin(), mac.end(), interface.mac);
        REQUIRE(maps().interfaces.put(ifindex, interface));
        REQUIRE(bpf_xdp_attach(static_cast<int>(ifindex), object().xdp_program(),
                               XDP_FLAGS_DRV_MODE, nullptr) == 0);
    }
};

inline Bytes between(Bytes frame, const Mac &destination, const Mac &source) {
    std::copy(destination.begin(), destination.end(), frame.begin());
    std::copy(source.begin(), source.end(), frame.begin() + 6);
    return frame;
}

constexpr Mac other_station = {2, 0, 0, 0, 9, 9};

} // namespace faith::test
