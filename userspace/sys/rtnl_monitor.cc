/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The news of rtnl.h. */
#include "sys/rtnl_message.h"
#include "sys/rtnl_socket.h"

#include <sys/socket.h>

#include <cerrno>

namespace faith::sys {
namespace {

/* Which kinds of news a burst held. */
struct News {
    bool links = false;
    bool addresses = false;
    bool routes = false;
    bool everything = false;

    void add(Change change) {
        links |= change == Change::Links;
        addresses |= change == Change::Addresses;
        routes |= change == Change::Routes6;
        everything |= change == Change::Everything;
    }
};

/* A burst longer than this is told in pieces, so that the loop's other users get on. */
constexpr int max_reads = 256;

class Monitor final : public RouteMonitor {
public:
    Monitor(rtnl::Socket socket, std::function<void(Change)> on_change)
        : socket_(std::move(socket)), on_change_(std::move(on_change)) {}

    Status start(EventLoop &loop) {
        for (const int group :
             {RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV6_ROUTE}) {
            int number = group;
            if (mnl_socket_setsockopt(socket_.get(), NETLINK_ADD_MEMBERSHIP, &number,
                                      sizeof(number)) < 0)
                return system_error(errno,
                                    "follow network changes: join group " + std::to_string(group));
        }
        TRY_ASSIGN(watch_, loop.watch(mnl_socket_get_fd(socket_.get()),
                                      Interest{.read = true, .write = false},
                                      [this](Ready) { tell(read_news()); }));
        return Ok{};
    }

private:
    News read_news() {
        News news;
        for (int count = 0; count < max_reads && read_one(news); ++count) {
        }
        return news;
    }

    /* False when there is nothing left. */
    bool read_one(News &news) {
        alignas(nlmsghdr) std::array<std::uint8_t, 32768> buffer;
        const ssize_t received = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (received < 0) {
            if (errno == EAGAIN)
                return false;
            /* ENOBUFS: the kernel dropped messages. Any other error may have cost one
             * too; asking for everything is right in each case. */
            if (errno != EINTR)
                news.add(Change::Everything);
            return true;
        }
        int bytes = static_cast<int>(received);
        const nlmsghdr *message = reinterpret_cast<const nlmsghdr *>(buffer.data());
        for (; mnl_nlmsg_ok(message, bytes); message = mnl_nlmsg_next(message, &bytes))
            if (const std::optional<Change> change = rtnl::read_change(*message))
                news.add(*change);
        return true;
    }

    void tell(const News &news) {
        if (news.everything)
            return on_change_(Change::Everything);
        if (news.links)
            on_change_(Change::Links);
        if (news.addresses)
            on_change_(Change::Addresses);
        if (news.routes)
            on_change_(Change::Routes6);
    }

    rtnl::Socket socket_;
    std::function<void(Change)> on_change_;
    Watch watch_; /* last: unregisters before the socket closes */
};

} // namespace

Result<std::unique_ptr<RouteMonitor>> RouteMonitor::create(EventLoop &loop,
                                                           std::function<void(Change)> on_change) {
    TRY_ASSIGN(rtnl::Socket socket, rtnl::open_socket(SOCK_NONBLOCK));
    std::unique_ptr<Monitor> monitor =
        std::make_unique<Monitor>(std::move(socket), std::move(on_change));
    TRY(monitor->start(loop));
    return std::unique_ptr<RouteMonitor>(std::move(monitor));
}

} // namespace faith::sys
