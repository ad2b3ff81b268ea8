/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * "BIG TCP": with gso_max_size over 64 KiB the kernel joins TCP segments into packets whose
 * payload length does not fit its field and is zero. A guard that took that for a short
 * packet would stop every bulk transfer of a client on the gateway.
 */
#include "fresh_netns.h"
#include "loaded.h"

#include "datapath/link.h"

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <cstring>
#include <thread>

extern "C" unsigned int if_nametoindex(const char *);

using namespace faith;
using namespace faith::test;

namespace {

constexpr std::size_t transfer_bytes = 16 << 20;

sockaddr_in6 name_of(std::string_view address, std::uint16_t port) {
    sockaddr_in6 name{};
    name.sin6_family = AF_INET6;
    name.sin6_port = htons(port);
    std::memcpy(&name.sin6_addr, address6(address).bytes.data(), 16);
    return name;
}

/* Sends everything, then closes. */
void send_all(int fd) {
    const Bytes chunk(1 << 20);
    for (std::size_t sent = 0; sent < transfer_bytes;) {
        const ssize_t now =
            ::send(fd, chunk.data(), std::min(chunk.size(), transfer_bytes - sent), MSG_NOSIGNAL);
        if (now <= 0)
            break;
        sent += static_cast<std::size_t>(now);
    }
    ::shutdown(fd, SHUT_WR);
}

std::size_t receive_all(int fd) {
    Bytes chunk(1 << 20);
    std::size_t received = 0;
    for (ssize_t now = 0; (now = ::recv(fd, chunk.data(), chunk.size(), 0)) > 0;)
        received += static_cast<std::size_t>(now);
    return received;
}

} // namespace

TEST_CASE("tc_ingress: TCP segments joined beyond 64 KiB pass (BIG TCP)") {
    const FreshNetns netns;
    netns.run("ip link set lo gso_max_size 400000 gro_max_size 400000");
    netns.run("ip -6 route add local 2001:db8:f::/96 dev lo");
    netns.run("sysctl -qw net.ipv4.tcp_wmem='4096 8000000 16000000' "
              "net.ipv4.tcp_rmem='4096 8000000 16000000' net.ipv4.tcp_congestion_control=reno");
    Loaded loaded{{FGW_PROG_TC}};
    loaded.capture("2001:db8:f::/96");
    REQUIRE(datapath::attach_tc(loaded.object().tc_program(), if_nametoindex("lo"),
                                datapath::TcPlace::Guard));

    /* Without our sk_lookup any listener answers for the prefix, which is handy here. */
    const sys::UniqueFd listener(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in6 name = name_of("::", 8080);
    REQUIRE(::bind(listener.get(), reinterpret_cast<sockaddr *>(&name), sizeof name) == 0);
    REQUIRE(::listen(listener.get(), 1) == 0);
    const sys::UniqueFd client(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    name = name_of("2001:db8:f::c000:201", 8080);
    REQUIRE(::connect(client.get(), reinterpret_cast<sockaddr *>(&name), sizeof name) == 0);
    const sys::UniqueFd server(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    REQUIRE(server);

    const Loaded::Counts before = loaded.counts();
    std::size_t received = 0;
    std::thread reader([&] { received = receive_all(server.get()); });
    send_all(client.get());
    reader.join();
    const Loaded::Counts after = loaded.counts();

    CHECK(received == transfer_bytes);
    CHECK(after[FGW_DROP_TRUNCATED] == before[FGW_DROP_TRUNCATED]);
    /* It only shows something if packets were over 64 KiB on average. */
    CHECK(after[FGW_PASS_TCP] - before[FGW_PASS_TCP] < transfer_bytes / 65536);
}
