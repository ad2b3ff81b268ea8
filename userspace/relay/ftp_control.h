/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * FTP's control connection: what stands in a session in the place of its two pumps. Bytes go
 * through ftp::Alg, and what it asks for is done here.
 *
 *   passive   the client is told the server's own data port. Its connection comes to any
 *             worker, as all connections to the prefix do; the worker finds it in
 *             Expectations and dials from this connection's IPv4 address.
 *   active    the server is told a port of this connection's IPv4 address. Its connection is
 *             taken here, and the client dialled from the prefix address (F20, D51). Until
 *             that one answers the server's words wait: the server has its data connection
 *             and may have ended it, but a client that hears of the end before it has seen
 *             the beginning gives up.
 *
 * The rules that keep it from being anybody's ladder (D52), each with a test:
 *   (1) Only the peers of this connection are ever dialled; the address in a 227 is not even
 *       read, and EPRT and LPRT for other hosts are refused in ftp::Alg.
 *   (2) Only those peers are let through to each other: others who connect are reset.
 *   (3) Once, on the port announced, within Dial::data_timeout.
 *   (4) The judge is asked about the data port as about any connection of that client to that
 *       destination: the server's port in passive mode, port 20 in active mode.
 *
 * The shape is Pump's, so that the session treats both alike.
 */
#pragma once

#include "ftp/alg.h"
#include "relay/control.h"
#include "relay/pump.h"

#include <array>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace faith::relay {

class FtpControl {
public:
    static constexpr std::uint16_t data_port = 20;

    /* The descriptors are the session's, as the connected sockets are. It is told by `again`
     * when want_read() has become true without a step. */
    FtpControl(ControlTools &tools, const Parties &parties, int client, int server,
               std::function<void()> again);
    ~FtpControl();
    FtpControl(const FtpControl &) = delete;
    FtpControl &operator=(const FtpControl &) = delete;

    Pump::Result step(Direction direction, Pump::Told told);
    bool want_read(Direction direction) const;
    bool want_write(Direction direction) const { return !flow(direction).out.empty(); }
    bool finished(Direction direction) const {
        return flow(direction).ended && flow(direction).out.empty();
    }
    bool take_progress(Direction direction);
    std::uint64_t bytes(Direction direction) const { return flow(direction).bytes; }

    bool hung_up() const { return hung_up_; }
    /* When something last moved, here or on a data connection (R29). */
    Millis active(Millis here) const;

private:
    struct Flow {
        int source = -1;
        int sink = -1;
        Counter *moved = nullptr;
        std::string out;                     /* for the sink */
        std::optional<std::size_t> urgent{}; /* this byte of out */
        bool ended = false;                  /* no more goes to the sink than is in out */
        bool progress = false;
        std::uint64_t bytes = 0;
    };
    const Flow &flow(Direction direction) const {
        return flows_[direction == Direction::Up ? 0 : 1];
    }
    Flow &flow(Direction direction) { return flows_[direction == Direction::Up ? 0 : 1]; }
    bool drain(Flow &flow); /* false: the sink failed */
    sys::Moved send(const Flow &flow) const;

    void perform(ftp::Step first);
    void add(Direction direction, std::string_view text);
    ftp::Step listen(std::uint16_t client_port);
    bool expect(std::uint16_t port);
    std::optional<Dial> permitted(std::uint16_t port);
    void wait_for_data();
    void withdraw();
    void hang_up(std::string_view why);
    void welcome(sys::Accepted4 accepted);

    ControlTools &tools_;
    const Parties parties_;
    sys::Endpoint4 local_; /* of the connection to the server */
    ftp::Alg alg_;
    std::array<Flow, 2> flows_;
    bool hung_up_ = false;

    const DataTrafficRef traffic_ = std::make_shared<DataTraffic>();
    Awaited awaited_;
    Parties active_; /* for whom it is awaited */
    ExpectationId expectation_;
    sys::Timer wait_;  /* pending while a listener or an expectation is live */
    sys::Timer again_; /* pending when no client is being dialled any more */
};

} // namespace faith::relay
