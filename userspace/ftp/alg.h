/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The FTP application level gateway of RFC 6384 and of faithd, as a machine without
 * sockets: bytes of one side in; bytes for both sides and effects out. An IPv6 client
 * speaks EPSV, EPRT, LPSV and LPRT, the IPv4 server hears PASV and PORT.
 *
 *   client says            server hears   and answers     client hears
 *   ---------------------  -------------  --------------  ------------------------------
 *   EPSV, EPSV 2           PASV           227 with port   229 with that port  [Expect]
 *   LPSV                   PASV           227 with port   228 with that port  [Expect]
 *                                         227 without     425
 *                                         else            the same
 *   EPRT, LPRT: own host   PORT  [Listen] 200 ...PORT...  200 ...EPRT...
 *                                         else            the same            [Withdraw]
 *   EPRT of an IPv4 host   the same (1)                   the same
 *   EPRT, LPRT otherwise   NOOP           200             501, 504, 521 or 522
 *   EPSV with other number NOOP           200             522
 *   EPSV ALL               NOOP           200             504 (1)
 *   PASV                   the same (1)   227 with port   the same            [Notice]
 *   PORT                   the same (1)                   the same
 *   ALGS STATUS64 ...      NOOP           200             216 NONE or 216 EPSVEPRT
 *   AUTH                   the same                       the same; see Transparent
 *   an empty line          nothing: servers differ in whether they answer it
 *   else                   the same                       the same
 *
 *   (1) alg_ftp = "faithd": EPRT of an IPv4 host 522; EPSV ALL 200, and from then on
 *       EPRT, LPRT, LPSV 501; PASV, PORT 502; each with the NOOP.
 *
 * Every command waits for its reply in a queue, so a command between EPSV and its 227, or
 * a dozen in one segment, confuse nothing (D45, D46). A command answered here asks the
 * server for NOOP and is answered when its turn comes (R29).
 *
 *   state        client's bytes             server's bytes           leaves
 *   -----------  -------------------------  -----------------------  ----------------------
 *   Translating  as above                   as above
 *   Off          ALGS and AUTH as above,    answers of NOOP as       ALGS ENABLE64
 *                all else the same          above, else the same       -> Translating
 *   Transparent  the same, byte by byte     the same, byte by byte   never
 *   Dead         ignored                    ignored                  never
 *
 *   Translating, Off -> Transparent: the reply to AUTH came and is neither 4xx nor 5xx. What
 *                       the client sends in between is kept, because only then is it known
 *                       what it is (R28).
 *   any         -> Dead: a line without end, or a NOOP that is refused. [Hangup]
 *
 * The caller performs effects in their order. Listen and Expect are to be answered, by
 * listening(), expecting() or failed(); until then both sides are held, so that it does not
 * matter how many bytes came at once.
 */
#pragma once

#include "base/addr.h"
#include "ftp/command.h"
#include "ftp/line.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace faith::ftp {

enum class Dialect : std::uint8_t { Rfc6384, Faithd };
enum class Side : std::uint8_t { Client, Server };

/* Active: listen on IPv4 for the server, and connect it to this port of the client. */
struct Listen {
    std::uint16_t client_port = 0;
    bool operator==(const Listen &) const = default;
};
/* Passive: the client will connect to this port, which is the server's. */
struct Expect {
    std::uint16_t port = 0;
    bool operator==(const Expect &) const = default;
};
/* The same, of a client that takes what the server says as it is. Needs no answer. */
struct Notice {
    std::uint16_t port = 0;
    bool operator==(const Notice &) const = default;
};
/* The listener or the expectation is void; a connection already made is not. */
struct Withdraw {
    bool operator==(const Withdraw &) const = default;
};
/* The control connection must end, after what goes to the client. */
struct Hangup {
    std::string_view why;
    bool operator==(const Hangup &) const = default;
};
using Effect = std::variant<Listen, Expect, Notice, Withdraw, Hangup>;

struct Step {
    std::string to_client;
    std::string to_server;
    std::optional<std::size_t> urgent{}; /* this byte of to_server: Telnet's synch for an ABOR */
    std::vector<Effect> effects;
};

class Alg {
public:
    /* Commands without a reply yet; a client that goes on is not read further. */
    static constexpr std::size_t most_awaited = 64;

    /* Who the client is, and the address it connected to. */
    Alg(Dialect dialect, const Ip6 &client, const Ip6 &destination)
        : dialect_(dialect), client_address_(client), destination_(destination) {}

    Step feed(Side from, std::string_view bytes);
    Step feed_urgent(char byte); /* of the client */
    Step end(Side from);         /* no more bytes from there */
    Step listening(Ip4 address, std::uint16_t port);
    Step expecting();
    Step failed(); /* what was asked for cannot be */

    /* False: more bytes, or an end, would only be kept; do not read that side. */
    bool takes(Side from) const { return !held(from); }

private:
    struct Awaited {
        enum class Kind : std::uint8_t { Greeting, Same, Pasv, Noop, Epsv, Lpsv, Eprt, Lprt, Auth };
        Kind kind = Kind::Same;
        std::string answer; /* Noop: what the client hears instead */
    };
    using Kind = Awaited::Kind;
    struct Listening {
        Kind kind = Kind::Eprt;
        std::string controls; /* Telnet commands that came with it */
    };
    struct Expecting {
        Kind kind = Kind::Epsv;
        std::uint16_t port = 0;
    };
    enum class State : std::uint8_t { Translating, Off, Transparent, Dead };

    Step run();
    bool run_client();
    bool run_server(); /* one line; false: there is none */
    bool held(Side side) const;
    LineReader &reader(Side side) { return side == Side::Client ? client_ : server_; }

    void on_command(const Line &line);
    bool translate(const Line &line, const Command &command); /* false: pass it on */
    void on_epsv(const Line &line, std::string_view argument);
    void on_lpsv(const Line &line, std::string_view argument);
    void on_announcement(const Line &line, const Announcement &announcement, Kind kind);
    void on_ip4_command(const Line &line, const std::string &verb);
    void on_algs(const Line &line, std::string_view argument);
    void send_line(const Line &line);
    void send_controls(const Line &line);
    void pass(const Line &line, Kind kind);
    void replace(const Line &line, std::string_view text, Kind kind);
    void answer(const Line &line, std::string_view text);

    void on_reply_line(const Line &line);
    void begin_reply(const Reply &reply);
    void pass_reply_line(const Line &line);
    void end_reply();
    void on_noop_answered(int code, std::string_view answer);
    void on_auth_answered(int code);
    void say(std::string_view text); /* to the client */
    void withdraw() {
        if (std::exchange(set_up_, false))
            step_.effects.push_back(Withdraw{});
    }
    void hang_up(std::string_view why);

    const Dialect dialect_;
    const Ip6 client_address_;
    const Ip6 destination_;
    State state_ = State::Translating;
    bool epsv_all_ = false;
    bool set_up_ = false; /* a listener or an expectation may be live */
    LineReader client_;
    LineReader server_;
    bool client_ended_ = false;
    bool server_ended_ = false;
    std::deque<Awaited> awaited_{Awaited{.kind = Kind::Greeting, .answer = {}}};
    bool auth_asked_ = false;
    std::optional<Listening> listening_;        /* what Listen was asked for */
    std::optional<Expecting> expecting_;        /* what Expect was asked for */
    int reply_ = 0;                             /* code of the reply that is under way, 0: none */
    bool keep_reply_ = false;                   /* the client does not hear it */
    std::optional<std::uint16_t> passive_port_; /* found in it */
    Step step_;
};

} // namespace faith::ftp
