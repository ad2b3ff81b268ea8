/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One client's connection, the connection to its server, and a pump each way; or, if it is
 * FTP's control connection, an FtpControl in the place of both.
 *
 * The life of a session. "End" of one side means that its FIN was read and that every
 * byte before it was given to the other side's socket.
 *
 *                 CONNECTING       OPEN             CLIENT_DONE      SERVER_DONE
 *                 SYN sent to      both directions  client's FIN     server's FIN
 *                 the server       flow             passed on        passed on
 *   ------------  ---------------  ---------------  ---------------  ---------------
 *   Connected     -> OPEN          never            never            never
 *   Refused       RST, REFUSED     never            never            never
 *   TimedOut      RST, TIMEOUT     never            never            never
 *   Unreachable   RST, FAILED      never            never            never
 *   NoClient      RST, NO_CLIENT   never            never            never
 *   ClientEnd     never            FIN to server    never            close, CLOSED
 *                                  -> CLIENT_DONE
 *   ServerEnd     never            FIN to client    close, CLOSED    never
 *                                  -> SERVER_DONE
 *   ClientReset   RST, C_RESET     RST, C_RESET     RST, C_RESET     RST, C_RESET
 *   ServerReset   RST, S_RESET     RST, S_RESET     RST, S_RESET     RST, S_RESET
 *   Idle          never            RST, IDLE        RST, IDLE        RST, IDLE
 *   Revoke        RST, REVOKED     RST, REVOKED     RST, REVOKED     RST, REVOKED
 *   Hangup        never            close, HANGUP    close, HANGUP    close, HANGUP
 *   Stop          RST, uncounted   RST, uncounted   RST, uncounted   RST, uncounted
 *
 *   RST    both connections are reset and the session is over (D34, D42). The side
 *          that began it is gone already; resetting it is harmless.
 *   close  both are closed: the FIN that was not sent yet goes out, and the kernel
 *          still delivers what waits in the send queues (D40).
 *   never  cannot happen: nothing is read while connecting, the connect timeout runs
 *          in place of the idle timer (D33, D43), and a side ends once.
 *
 * Of FTP's active mode there are sessions the other way round: the server has connected, and
 * the client is dialled. NoClient and ServerReset while connecting are theirs; what CONNECTING
 * says of the server is then true of the client.
 *
 * decide() is this table, and nothing else in the relay decides.
 */
#pragma once

#include "relay/admission.h"
#include "relay/carrier.h"
#include "relay/relay.h"
#include "sys/event_loop.h"
#include "sys/socket.h"

#include <cstdint>
#include <functional>
#include <optional>

namespace faith::relay {

enum class Phase : std::uint8_t { Connecting, Open, ClientDone, ServerDone, Over };

enum class Event : std::uint8_t {
    Connected,
    Refused,
    TimedOut,
    Unreachable,
    NoClient,
    ClientEnd,
    ServerEnd,
    ClientReset,
    ServerReset,
    Idle,
    Revoke,
    Hangup,
    Stop,
};

enum class Action : std::uint8_t { Never, Start, FinToServer, FinToClient, Close, Reset };

struct Step {
    Action action = Action::Never;
    Phase next = Phase::Over;
    std::optional<fgw_reason> reason; /* counted, if there is one */
    bool operator==(const Step &) const = default;
};

Step decide(Phase phase, Event event);

class Session;

/* What the sessions of one worker share; it outlives them. */
struct SessionTools {
    sys::EventLoop &loop;
    Stats &stats;
    PumpTools pumps;
    FtpTools &ftp;
    std::function<void(Session &)> over; /* the object may be used for another session */
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
    Carrier carrier_;
    Ticket ticket_;
    DataLease lease_; /* of an FTP data connection */
    Parties parties_;
};

} // namespace faith::relay
