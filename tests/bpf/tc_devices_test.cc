/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The guard at TC on packets as real devices hand them in, which a test run cannot make:
 * without an Ethernet header, with a VLAN tag that the kernel has taken off, and with
 * nothing but the Ethernet header in the linear part. A tun device delivers what is
 * written to it before write() returns.
 */
#include "fresh_netns.h"
#include "loaded.h"

#include "datapath/link.h"
#include "faith/names.h"
#include "sys/fd.h"
#include "tests/support/guard_cases.h"

#include <linux/if.h>
#include <linux/if_tun.h>

#include <bpf/libbpf.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cstring>

extern "C" unsigned int if_nametoindex(const char *); /* <net/if.h> and <linux/if.h> clash */

using namespace faith;
using namespace faith::test;

namespace {

enum class Device { Tap, Tun };

/* struct virtio_net_hdr; <linux/virtio_net.h> is no C++. */
struct Announcement {
    std::uint8_t flags = 0;
    std::uint8_t gso_type = 0;
    std::uint16_t header_length = 0; /* how much to put into the linear part */
    std::uint16_t gso_size = 0;
    std::uint16_t checksum_start = 0;
    std::uint16_t checksum_offset = 0;
};
static_assert(sizeof(Announcement) == 10);

/* A device in a namespace of its own, the guard at its ingress. */
class Guarded {
public:
    explicit Guarded(Device kind) {
        /* A module on most kernels, loaded by opening a node that only udev makes. */
        FreshNetns::run("test -e /dev/net/tun || /sbin/modprobe tun");
        tun_.reset(::open("/dev/net/tun", O_RDWR | O_CLOEXEC));
        INFO("/dev/net/tun");
        REQUIRE(tun_.get() >= 0);
        ifreq request{};
        std::strcpy(request.ifr_name, "guarded");
        request.ifr_flags = static_cast<short>((kind == Device::Tap ? IFF_TAP : IFF_TUN) |
                                               IFF_NO_PI | IFF_VNET_HDR);
        REQUIRE(::ioctl(tun_.get(), TUNSETIFF, &request) == 0);
        netns_.run("ip link set guarded up");
        if (kind == Device::Tap) {
            REQUIRE(::ioctl(tun_.get(), SIOCGIFHWADDR, &request) == 0);
            std::memcpy(address_.data(), request.ifr_hwaddr.sa_data, address_.size());
        }
        const Status attached = datapath::attach_tc(
            loaded_.object().tc_program(), if_nametoindex("guarded"), datapath::TcPlace::Guard);
        INFO((attached ? "" : attached.error().text));
        REQUIRE(attached);
        loaded_.fill(guard_rules());
    }

    Packet frame() const { return Packet().eth({.destination = address_}); }

    /* What is counted when the packet arrives: "DROP_UDP +1". `linear` bytes of it are in
     * the buffer's own memory, the rest in pages, if it is longer than one. */
    std::string counted(const Packet &packet, std::uint16_t linear = 0) {
        const Announcement header{.header_length = linear};
        Bytes written(sizeof header);
        std::memcpy(written.data(), &header, sizeof header);
        const Bytes content = packet.bytes();
        written.insert(written.end(), content.begin(), content.end());
        const Loaded::Counts before = loaded_.counts();
        REQUIRE(::write(tun_.get(), written.data(), written.size()) ==
                static_cast<ssize_t>(written.size()));
        return moved(before, loaded_.counts());
    }

private:
    FreshNetns netns_;
    Loaded loaded_{{FGW_PROG_TC}};
    sys::UniqueFd tun_;
    Mac address_{};
};

constexpr std::uint16_t ethernet_only = 14;

} // namespace

TEST_CASE("tc_ingress: the table on an Ethernet device, by its real address") {
    Guarded device(Device::Tap);
    CHECK(device.counted(device.frame().ip6().tcp()) == "PASS_TCP +1");
    CHECK(device.counted(device.frame().ip6().udp()) == "DROP_UDP +1");
    CHECK(device.counted(device.frame().ip4()) == "PASS_NOT_IP6 +1");
    CHECK(device.counted(Packet().eth({.destination = {2, 0, 0, 0, 0, 1}}).ip6().udp()) ==
          "PASS_OTHER_HOST +1");
}

TEST_CASE("tc_ingress: the table on a device without an Ethernet header") {
    Guarded device(Device::Tun);
    for (const GuardCase &each : guard_cases()) {
        Bytes frame = each.packet.bytes();
        if (frame[12] != 0x86 || each.reason == FGW_PASS_SHORT)
            continue; /* tun itself refuses what is not IP */
        Packet bare;
        bare.raw(Bytes(frame.begin() + 14, frame.end()));
        INFO(each.name);
        CHECK(device.counted(bare) == reason_name(each.reason) + " +1");
    }
}

TEST_CASE("tc_ingress: to the byte, how long a packet is, with and without an Ethernet header") {
    Guarded tap(Device::Tap);
    Guarded tun(Device::Tun);
    for (const std::size_t payload : {std::size_t{30}, std::size_t{6000}}) {
        for (int more = -16; more <= 16; ++more) {
            const Packet::Ip6Header header = {
                .payload_length = static_cast<std::uint16_t>(static_cast<int>(payload) + 8 + more)};
            const char *expected = more > 0 ? "DROP_TRUNCATED +1" : "DROP_UDP +1";
            INFO(payload << " bytes, said to be longer by " << more);
            CHECK(tap.counted(tap.frame().ip6(header).udp().payload(payload)) == expected);
            CHECK(tun.counted(Packet().ip6(header).udp().payload(payload)) == expected);
            CHECK(tap.counted(tap.frame().ip6(header).udp().payload(payload), ethernet_only) ==
                  expected);
            CHECK(tun.counted(Packet().ip6(header).udp().payload(payload), 40) == expected);
        }
    }
}

TEST_CASE("tc_ingress: a short packet in a long frame is as long as it says") {
    Guarded device(Device::Tap);
    const auto said_to_be = [&](std::uint16_t bytes) {
        return device.frame().ip6({.payload_length = bytes}).tcp().payload(6000);
    };
    for (const std::uint16_t linear : {std::uint16_t{0}, ethernet_only}) {
        CHECK(device.counted(said_to_be(6020), linear) == "PASS_TCP +1");
        CHECK(device.counted(said_to_be(3000), linear) == "PASS_TCP +1");
        CHECK(device.counted(said_to_be(20), linear) == "PASS_TCP +1");
        CHECK(device.counted(said_to_be(19), linear) == "DROP_TRUNCATED +1");
    }
}

TEST_CASE("tc_ingress: VLAN tags, the outer one taken off by the kernel") {
    Guarded device(Device::Tap);
    for (const std::uint16_t type : {std::uint16_t{0x8100}, std::uint16_t{0x88a8}}) {
        const auto tagged = [&] { return device.frame().vlan({.id = 5, .tag_type = type}); };
        CHECK(device.counted(tagged().ip6().tcp()) == "PASS_TCP +1");
        CHECK(device.counted(tagged().ip6().udp()) == "DROP_UDP +1");
        CHECK(device.counted(tagged().vlan({}).ip6().udp()) == "DROP_UDP +1");
        CHECK(device.counted(tagged().vlan({}).ip6().tcp()) == "PASS_TCP +1");
        CHECK(device.counted(tagged().ip4()) == "PASS_NOT_IP6 +1");
    }
}

TEST_CASE("tc_ingress: headers outside of the linear part are read") {
    Guarded device(Device::Tap);
    const auto counted = [&](Packet packet) {
        return device.counted(packet.payload(5000), ethernet_only);
    };
    CHECK(counted(device.frame().ip6().udp()) == "DROP_UDP +1");
    CHECK(counted(device.frame().ip6().tcp()) == "PASS_TCP +1");
    CHECK(counted(device.frame().ip6().icmp6({.type = 2})) == "PASS_ICMP6_ERROR +1");
    CHECK(counted(device.frame().ip6().icmp6({})) == "DROP_ICMP6 +1");
    CHECK(counted(device.frame().vlan({}).vlan({}).ip6().udp()) == "DROP_UDP +1");
    CHECK(counted(device.frame().ip6().destination_options({.bytes = 2048}).icmp6({.type = 1})) ==
          "PASS_ICMP6_ERROR +1");
    CHECK(counted(device.frame()
                      .ip6({.destination = address6("2001:db8:e::1")})
                      .destination_options({.bytes = 2048})
                      .udp()) == "PASS_NOT_PREFIX +1");
}

TEST_CASE("tc_ingress: what passes goes on to other people's filters, what is dropped does not") {
    Guarded device(Device::Tap);
    const Loaded theirs{
        {FGW_PROG_TC}}; /* another copy without prefixes: passes and counts everything */
    bpf_tc_hook hook{};
    hook.sz = sizeof hook;
    hook.ifindex = static_cast<int>(if_nametoindex("guarded"));
    hook.attach_point = BPF_TC_INGRESS;
    bpf_tc_opts options{};
    options.sz = sizeof options;
    options.prog_fd = theirs.object().tc_program();
    options.priority = FGW_TC_PRIORITY + 1;
    REQUIRE(bpf_tc_attach(&hook, &options) == 0);
    const auto seen_by_them = [&](const Packet &packet) {
        const Loaded::Counts before = theirs.counts();
        device.counted(packet);
        return moved(before, theirs.counts());
    };
    CHECK(seen_by_them(device.frame().ip6().tcp()) == "PASS_NOT_PREFIX +1");
    CHECK(seen_by_them(device.frame().ip4()) == "PASS_NOT_IP6 +1");
    CHECK(seen_by_them(device.frame().ip6().udp()) == "");
}
