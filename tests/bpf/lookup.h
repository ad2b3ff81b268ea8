/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the sk_lookup program is asked about, and sockets for it to choose from. */
#pragma once

#include "lib/steer.h"
#include "sys/fd.h"
#include "tests/support/packet.h"

#include <catch2/catch.hpp>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace faith::test {

struct Listener {
    Listener() : fd(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
        sockaddr_in6 name{};
        name.sin6_family = AF_INET6;
        name.sin6_addr = in6addr_loopback;
        REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr *>(&name), sizeof name) == 0);
        REQUIRE(::listen(fd.get(), 16) == 0);
        socklen_t size = sizeof cookie;
        REQUIRE(::getsockopt(fd.get(), SOL_SOCKET, SO_COOKIE, &cookie, &size) == 0);
    }
    sys::UniqueFd fd;
    std::uint64_t cookie = 0;
};

struct Connection {
    Ip6 from = address6("2001:db8:1::2");
    Ip6 to = address6("2001:db8:f::c000:201");
    std::uint16_t from_port = 40000;
    std::uint16_t to_port = 80;
    std::uint32_t family = AF_INET6;
    std::uint32_t protocol = IPPROTO_TCP;

    bpf_sk_lookup context() const {
        bpf_sk_lookup made{};
        made.family = family;
        made.protocol = protocol;
        if (family != AF_INET6)
            return made; /* the kernel fills in the addresses of the family alone */
        std::memcpy(made.remote_ip6, from.bytes.data(), 16);
        std::memcpy(made.local_ip6, to.bytes.data(), 16);
        made.remote_port = htons(from_port);
        made.local_port = to_port;
        return made;
    }

    /* As bpf/sk_lookup.bpf.c lays it out. */
    std::uint32_t slot(std::uint32_t listeners) const {
        steer_tuple tuple{};
        std::memcpy(tuple.words, from.bytes.data(), 16);
        std::memcpy(tuple.words + 4, to.bytes.data(), 16);
        tuple.words[8] = htons(from_port);
        tuple.words[9] = to_port;
        return steer_slot(&tuple, listeners);
    }
};

} // namespace faith::test
