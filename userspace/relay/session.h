/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One client's connection, the connection to its server, and a pump each way; or, if it is
 * FTP's control connection, an FtpControl in the place of both; or, while rsh's begins, an
 * RshControl in the place of one.
 * What happens to it is decided in phase.h.
 */
#pragma once

#include "relay/admission.h"
#include "relay/carrier.h"
#include "relay/phase.h"
#include "relay/relay.h"
#include "sys/event_loop.h"
#include "sys/socket.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace faith::relay {

class Session;

/* What the sessions of one worker share; it outlives them. */
struct SessionTools {
    sys::EventLoop &loop;
    Stats &stats;
    PumpTools pumps;
    ControlTools &control;
    std::function<void(Session &)> over; /* the object may be used for another session */
    /* None of the reserved ports would do. */
    std::function<void(sys::Connect why, const Parties &)> no_port;
};

/*
 * An object lives in its worker's slab and is used for one session after another; its
 * address is what the watches call, so it does not move.
 */
class Session {
public:
    Session() = default;
    Session(const Session &) = delete;
    Session &operator=(const Session &) = delete;

    /* Dials the target of parties.dial on the fresh socket server. May be over at once. */
    void start(SessionTools &tools, const Parties &parties, Ticket ticket, sys::UniqueFd client,
               sys::UniqueFd server, DataLease lease = {});
    /* The other way round: the server is there, the client is being dialled. */
    void start_active(SessionTools &tools, ActiveData data, Ticket ticket, sys::Dialled client);
    void stop();
    void revoke();           /* the rules do not permit it any more */
    Request request() const; /* what the judge was asked about it */
    bool live() const { return phase_ != Phase::Over; }
    SessionInfo info() const;

private:
    enum class Side : std::uint8_t { Client, Server };

    static Side other(Side side) { return side == Side::Client ? Side::Server : Side::Client; }

    void begin(SessionTools &tools, const Parties &parties, Ticket ticket, DataLease lease);
    void connecting(Side dialled, sys::Connect outcome);
    Event not_connected(sys::Connect failure) const;
    void happen(Event event);
    void open();
    void hasten();
    void over();
    void moved(); /* a byte, now */
    sys::Millis last_moved() const { return together_ ? *together_ : active_; }
    bool watch(Side side, sys::Interest interest);
    void on_ready(Side side, sys::Ready ready);
    void on_ready_connecting(Side side, sys::Ready ready);
    void on_timer();
    sys::Millis quiet_deadline() const;                 /* when nothing has moved for too long */
    bool advance(Direction direction, Pump::Told told); /* false: the session is over */
    bool settle();                                      /* false: the session is over */
    sys::Interest interest(Side side) const;
    int fd(Side side) const { return (side == Side::Client ? client_ : server_).get(); }
    sys::Watch &watch_of(Side side) { return side == Side::Client ? client_watch_ : server_watch_; }

    SessionTools *tools_ = nullptr;
    Phase phase_ = Phase::Over;
    Side dialled_ = Side::Server;
    sys::UniqueFd client_;
    sys::UniqueFd server_;
    sys::Watch client_watch_;
    sys::Watch server_watch_;
    sys::Timer timer_;
    sys::Millis timer_deadline_{};
    sys::Millis started_{};
    sys::Millis active_{}; /* when a byte last moved, in either direction (D43) */
    SharedActivity together_{};
    Carrier carrier_;
    Ticket ticket_;
    DataLease lease_; /* of an FTP data connection */
    Parties parties_;
};

} // namespace faith::relay
