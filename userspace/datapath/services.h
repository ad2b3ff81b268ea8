/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ports that other programs serve: what the IN6P_FAITH socket option did for any program
 * (F11-F14, F19), with the maps in place of the option.
 *
 *  1. fgw_services says whose a port is, fgw_svc_socks has the socket; the kernel empties the
 *     latter when the socket is closed.
 *  2. A port with an entry is never served by anybody else: not by the relay, and not by
 *     another program while the first one listens.
 *  3. Writers exclude each other by a lock on the pin directory, so a daemon, a command and
 *     a faithd may all write.
 */
#pragma once

#include "base/addr.h"
#include "base/result.h"
#include "datapath/object.h"
#include "datapath/pins.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace faith::datapath {

struct Service {
    std::uint16_t port = 0;
    std::string program;
    std::uint32_t pid = 0;
    bool listening = false; /* false: the program or its socket is gone */
};

/* "nginx (process 12)" */
std::string owner_of(const Service &service);

/* By port. */
Result<std::vector<Service>> list_services(const Maps &maps);

class Services {
public:
    /* Of the dataplane in place; NotLoaded when there is none. Others wait until it is
     * destroyed. */
    static Result<Services> open(const Pins &pins);

    /* A listening socket; the descriptor is borrowed. Busy, naming it, when another one that
     * listens has the port. */
    struct Offer {
        int socket = -1;
        std::uint64_t cookie = 0;
        std::uint16_t port = 0;
        std::uint32_t pid = 0;
        std::string program;
    };
    Status capture(const Offer &offer) const;
    /* Gives the port back. An error when it is not captured. */
    Result<Service> release(std::uint16_t port) const;
    Result<std::vector<Service>> list() const { return list_services(pinned_.maps); }
    const Maps &maps() const { return pinned_.maps; }
    /* Which dataplane this is: another one after each load. */
    Result<std::uint32_t> identity() const;

private:
    Services(sys::UniqueFd lock, PinnedMaps pinned)
        : lock_(std::move(lock)), pinned_(std::move(pinned)) {}

    sys::UniqueFd lock_;
    PinnedMaps pinned_;
};

/* A data connection that FTP told a client to make comes to the service of its control
 * connection, until the time is over or it is forgotten. From any thread. */
struct DataPortOfService {
    Ip6 client;
    Ip6 destination;
    std::uint16_t port = 0;
    std::uint16_t service = 0;
};
Status expect_data(const Pins &pins, const DataPortOfService &data,
                   std::chrono::nanoseconds longest);
Status forget_data(const Pins &pins, const DataPortOfService &data);

} // namespace faith::datapath
