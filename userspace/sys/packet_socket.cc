/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/packet_socket.h"

#include <linux/if_packet.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

namespace faith::sys {

Result<UniqueFd> open_frame_sender() {
    UniqueFd fd(::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return system_error(errno, "make a packet socket");
    return fd;
}

Status send_frame(int fd, std::uint32_t interface_index, std::span<const std::uint8_t> frame) {
    sockaddr_ll to{};
    to.sll_family = AF_PACKET;
    to.sll_ifindex = static_cast<int>(interface_index);
    if (::sendto(fd, frame.data(), frame.size(), 0, reinterpret_cast<const sockaddr *>(&to),
                 sizeof to) < 0)
        return system_error(errno, "send a frame of " + std::to_string(frame.size()) + " bytes");
    return Ok{};
}

Result<UniqueFd> open_icmp6_sender() {
    UniqueFd fd(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_ICMPV6));
    if (!fd)
        return system_error(errno, "make an ICMPv6 socket");
    icmp6_filter nothing;
    ICMP6_FILTER_SETBLOCKALL(&nothing);
    if (::setsockopt(fd.get(), IPPROTO_ICMPV6, ICMP6_FILTER, &nothing, sizeof nothing) != 0)
        return system_error(errno, "make an ICMPv6 socket deaf");
    return fd;
}

Status send_icmp6(int fd, const Ip6 &to, std::span<const std::uint8_t> message) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    std::copy(to.bytes.begin(), to.bytes.end(), address.sin6_addr.s6_addr);
    if (::sendto(fd, message.data(), message.size(), 0,
                 reinterpret_cast<const sockaddr *>(&address), sizeof address) < 0)
        return system_error(errno, "send an ICMPv6 message");
    return Ok{};
}

} // namespace faith::sys
