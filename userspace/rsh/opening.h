/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a connection of rsh begins, as a machine without sockets: bytes of the client in, bytes
 * for the server out. The client says a port in decimal and a NUL; the server connects to it
 * for the standard error of the command (rcmd(3), D58). Between the two that port is one of
 * the gateway's.
 *
 *   state     the client says          the server hears      then
 *   --------  -----------------------  --------------------  ---------------------------
 *   Port      a digit                  nothing yet           Port; Broken after the sixth
 *   Port      NUL, and 0 or no port    the same              Through
 *   Port      NUL, and 512 to 1023     nothing yet  [port]   Waiting
 *   Port      NUL, and another port    nothing               Broken (1)
 *   Port      else                     nothing               Broken
 *   Waiting   anything                 nothing yet           Waiting
 *             [listening on a port]    that port, NUL, and   Through
 *                                      what was kept
 *   Through   anything                 the same              Through
 *   Broken    anything                 nothing               Broken
 *
 *   (1) Servers refuse it, because any user could listen there. Behind a gateway they see the
 *       gateway's port, so it is the gateway that must refuse.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faith::rsh {

/* The ports that only an administrator can bind, and that rcmd() takes its own from. */
inline constexpr std::uint16_t lowest_reserved = 512;
inline constexpr std::uint16_t highest_reserved = 1023;
constexpr bool is_reserved(std::uint16_t port) {
    return port >= lowest_reserved && port <= highest_reserved;
}

class Opening {
public:
    enum class State { Port, Waiting, Through, Broken };

    /* What the server is to hear. */
    std::string feed(std::string_view from_client);
    /* In Waiting only: where the gateway listens in the client's place. */
    std::string listening(std::uint16_t port);

    State state() const { return state_; }
    std::uint16_t port() const { return port_; } /* the client's, in Waiting and from then on */
    std::string_view fault() const { return fault_; } /* in Broken, as a phrase for the log */

private:
    void port_is_known();
    void break_off(std::string_view fault);

    State state_ = State::Port;
    std::string kept_; /* Port: the digits; Waiting: what came behind the NUL */
    std::uint16_t port_ = 0;
    std::string_view fault_;
};

} // namespace faith::rsh
