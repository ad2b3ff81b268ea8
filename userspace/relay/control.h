/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What is common to connections that ask for other connections: FTP's control connection and
 * rsh's. The server connects to the gateway, and the client is dialled from the prefix address.
 */
#pragma once

#include "relay/expectations.h"
#include "relay/policy.h"
#include "relay/stats.h"
#include "sys/event_loop.h"
#include "sys/reserved_ports.h"
#include "sys/socket.h"

#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string_view>

namespace faith::relay {

/* When a byte last moved on connections that are idle together or not at all. */
using SharedActivity = std::shared_ptr<Millis>;

/* The server's connection, and the client it is for. */
struct ActiveData {
    enum class Kind { Ftp, Rsh };
    Kind kind = Kind::Ftp;
    Parties parties;
    sys::UniqueFd server;
    DataLease lease{};
    SharedActivity together{};
};

/* What control connections need of their worker. */
struct ControlTools {
    sys::EventLoop &loop;
    const sys::Clock &clock;
    Stats &stats;
    std::span<std::byte> scratch;
    Expectations &expectations;
    sys::ReservedPorts &reserved;
    int ceiling = std::numeric_limits<int>::max(); /* see Options::descriptor_ceiling */
    std::function<Decision(const Request &)> judge{};
    std::function<void(ActiveData)> join{};
    std::function<void(std::string_view)> complain{};
};

/* A listener for one connection of one peer. Others who come are reset and counted. */
class Awaited {
public:
    struct Guest {
        std::function<bool(const sys::Endpoint4 &)> admitted;
        fgw_reason stranger;                         /* what others are counted as */
        std::function<void(sys::Accepted4)> welcome; /* once, and then the listener is gone */
    };
    /* False: not to be had. */
    bool open(ControlTools &tools, sys::UniqueFd listener, Guest guest);
    void close();
    /* Takes who has connected by now, without waiting to be told. */
    void look();

private:
    ControlTools *tools_ = nullptr;
    sys::UniqueFd listener_;
    sys::Watch watch_;
    Guest guest_{};
};

} // namespace faith::relay
