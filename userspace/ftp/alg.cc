/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "ftp/alg.h"

#include "base/text.h"

#include <algorithm>
#include <utility>

namespace faith::ftp {

namespace {

constexpr std::string_view crlf = "\r\n";

/* Ports below are for services; nobody's data is there, but a client might like to see what
 * a shell makes of a connection from a gateway (RFC 2577 3). */
constexpr std::uint16_t first_data_port = 1024;

constexpr std::string_view no_data_connection = "425 Can't open data connection.";
constexpr std::string_view not_for_that = "504 Command not implemented for that parameter.";
constexpr std::string_view other_family = "522 Network protocol not supported, use (2).";
constexpr std::string_view other_families = "521 Supported address families are (6).";

bool is_number(std::string_view text) {
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

} // namespace

/* --- bytes in ------------------------------------------------------------------------------- */

Step Alg::feed(Side from, std::string_view bytes) {
    if (state_ == State::Transparent)
        (from == Side::Client ? step_.to_server : step_.to_client) += bytes;
    else if (state_ != State::Dead)
        reader(from).feed(bytes);
    return run();
}

Step Alg::feed_urgent(char byte) {
    if (state_ == State::Transparent) {
        step_.urgent = step_.to_server.size();
        step_.to_server += byte;
    } else if (state_ != State::Dead) {
        client_.feed_urgent(byte);
    }
    return run();
}

Step Alg::end(Side from) {
    (from == Side::Client ? client_ended_ : server_ended_) = true;
    if (from == Side::Server)
        auth_asked_ = false; /* it answers no more: nothing is worth waiting for */
    return run();
}

bool Alg::held(Side side) const {
    if (state_ == State::Transparent || state_ == State::Dead)
        return false;
    if (listening_ || expecting_)
        return true;
    return side == Side::Client &&
           (auth_asked_ || (awaited_.size() >= most_awaited && !server_ended_));
}

/* A line of the server's at a time, then what it set free of the client's: as it would be if
 * every byte came alone. */
Step Alg::run() {
    do {
        while (run_client()) {
        }
    } while (run_server());
    if (client_ended_ && !held(Side::Client) && state_ != State::Dead)
        step_.to_server += client_.rest();
    if (server_ended_ && !held(Side::Server) && state_ != State::Dead)
        step_.to_client += server_.rest();
    return std::exchange(step_, {});
}

bool Alg::run_client() {
    if (state_ == State::Transparent || state_ == State::Dead || held(Side::Client))
        return false;
    const std::optional<Line> line = client_.next();
    step_.to_client += client_.take_refusals();
    if (line)
        on_command(*line);
    else if (client_.too_long())
        hang_up("a command line without end");
    return line.has_value();
}

bool Alg::run_server() {
    if (state_ == State::Transparent || state_ == State::Dead || held(Side::Server))
        return false;
    const std::optional<Line> line = server_.next();
    step_.to_server += server_.take_refusals();
    if (line)
        on_reply_line(*line);
    else if (server_.too_long())
        hang_up("a reply line without end");
    return line.has_value();
}

/* --- the client's commands ------------------------------------------------------------------ */

void Alg::on_command(const Line &line) {
    if (line.text.empty()) {
        send_controls(line);
        return;
    }
    const Command command = parse_command(line.text);
    if (command.verb == "ALGS") {
        on_algs(line, command.argument);
    } else if (command.verb == "AUTH") {
        auth_asked_ = true;
        pass(line, Kind::Auth);
    } else if (state_ == State::Off || !translate(line, command)) {
        pass(line, Kind::Same);
    }
}

bool Alg::translate(const Line &line, const Command &command) {
    const bool sets_up_otherwise =
        command.verb == "EPRT" || command.verb == "LPRT" || command.verb == "LPSV";
    if (epsv_all_ && sets_up_otherwise)
        answer(line, "501 " + command.verb + " disallowed in EPSV ALL.");
    else if (command.verb == "EPSV")
        on_epsv(line, command.argument);
    else if (command.verb == "LPSV")
        on_lpsv(line, command.argument);
    else if (command.verb == "EPRT")
        on_announcement(line, parse_eprt(command.argument), Kind::Eprt);
    else if (command.verb == "LPRT")
        on_announcement(line, parse_lprt(command.argument), Kind::Lprt);
    else if (command.verb == "PASV" || command.verb == "PORT")
        on_ip4_command(line, command.verb);
    else
        return false;
    return true;
}

void Alg::on_epsv(const Line &line, std::string_view argument) {
    if (argument.empty() || argument == "2") {
        withdraw();
        replace(line, "PASV", Kind::Epsv);
    } else if (equal_ignoring_case(argument, "ALL")) {
        epsv_all_ = dialect_ == Dialect::Faithd;
        answer(line, epsv_all_ ? "200 EPSV ALL command successful." : not_for_that);
    } else if (is_number(argument)) {
        answer(line, other_family);
    } else {
        answer(line, "501 Illegal parameter to EPSV.");
    }
}

void Alg::on_lpsv(const Line &line, std::string_view argument) {
    if (!argument.empty()) {
        answer(line, "501 LPSV takes no parameter.");
        return;
    }
    withdraw();
    replace(line, "PASV", Kind::Lpsv);
}

void Alg::on_announcement(const Line &line, const Announcement &announcement, Kind kind) {
    const std::string name = kind == Kind::Eprt ? "EPRT" : "LPRT";
    switch (announcement.kind) {
    case Announcement::Kind::Malformed:
        answer(line, "501 Illegal parameter to " + name + ".");
        return;
    case Announcement::Kind::OtherFamily:
        answer(line, kind == Kind::Eprt ? other_family : other_families);
        return;
    case Announcement::Kind::Ip4:
        /* Between the client and the server, which reaches IPv4 without us: RFC 6384 7.2. */
        if (dialect_ == Dialect::Rfc6384)
            pass(line, Kind::Same);
        else
            answer(line, other_family);
        return;
    case Announcement::Kind::Ip6:
        break;
    }
    if (announcement.address != client_address_) {
        /* The bounce of RFC 2577 2, with the gateway as the wall (D52). */
        answer(line, "501 " + name + " is for your own address only.");
    } else if (announcement.port < first_data_port) {
        answer(line, not_for_that);
    } else {
        withdraw();
        listening_ = Listening{.kind = kind, .controls = line.controls};
        step_.effects.push_back(Listen{.client_port = announcement.port});
    }
}

void Alg::on_ip4_command(const Line &line, const std::string &verb) {
    if (dialect_ == Dialect::Faithd) {
        answer(line, "502 " + verb + " not implemented."); /* D48 */
        return;
    }
    withdraw();
    pass(line, verb == "PASV" ? Kind::Pasv : Kind::Same);
}

void Alg::on_algs(const Line &line, std::string_view argument) {
    if (equal_ignoring_case(argument, "ENABLE64"))
        state_ = State::Translating;
    else if (equal_ignoring_case(argument, "DISABLE64"))
        state_ = State::Off;
    else if (!equal_ignoring_case(argument, "STATUS64")) {
        answer(line, not_for_that);
        return;
    }
    answer(line, state_ == State::Off ? "216 NONE" : "216 EPSVEPRT");
}

void Alg::send_line(const Line &line) {
    if (line.urgent)
        step_.urgent = step_.to_server.size() + *line.urgent;
    step_.to_server += line.raw;
}

/* The last of them is what the urgent byte was, if there was one: IAC IP IAC DM. */
void Alg::send_controls(const Line &line) {
    step_.to_server += line.controls;
    if (line.urgent && !line.controls.empty())
        step_.urgent = step_.to_server.size() - 1;
}

void Alg::pass(const Line &line, Kind kind) {
    send_line(line);
    awaited_.push_back(Awaited{.kind = kind, .answer = {}});
}

void Alg::replace(const Line &line, std::string_view text, Kind kind) {
    send_controls(line);
    step_.to_server += text;
    step_.to_server += crlf;
    awaited_.push_back(Awaited{.kind = kind, .answer = {}});
}

void Alg::answer(const Line &line, std::string_view text) {
    replace(line, "NOOP", Kind::Noop);
    awaited_.back().answer = text;
}

/* --- the server's replies ------------------------------------------------------------------- */

void Alg::on_reply_line(const Line &line) {
    bool last = false;
    if (reply_ == 0) {
        const std::optional<Reply> reply = parse_reply(line.text);
        if (!reply) {
            step_.to_client += line.raw;
            return;
        }
        begin_reply(*reply);
        last = !reply->more;
    } else {
        last = ends_reply(line.text, reply_);
    }
    if (keep_reply_)
        step_.to_client += line.controls;
    else
        pass_reply_line(line);
    if (reply_ == 227)
        if (const std::optional<std::uint16_t> port = parse_pasv_port(line.text))
            passive_port_ = port;
    if (last)
        end_reply();
}

void Alg::begin_reply(const Reply &reply) {
    reply_ = reply.code;
    passive_port_.reset();
    if (reply.code == 227) {
        /* Some servers owe a reply to an ABOR for ever. 227 answers nothing but PASV. */
        const auto asked = std::find_if(awaited_.begin(), awaited_.end(),
                                        [](const Awaited &one) { return one.kind != Kind::Same; });
        if (asked != awaited_.end() && (asked->kind == Kind::Epsv || asked->kind == Kind::Lpsv))
            awaited_.erase(awaited_.begin(), asked);
    }
    const Kind kind = awaited_.empty() ? Kind::Same : awaited_.front().kind;
    keep_reply_ = (kind == Kind::Noop && reply.code != 421) ||
                  ((kind == Kind::Epsv || kind == Kind::Lpsv) && reply.code == 227);
}

/* "200 PORT command successful." is not what the client asked for (D49). */
void Alg::pass_reply_line(const Line &line) {
    const Kind kind = awaited_.empty() ? Kind::Same : awaited_.front().kind;
    const std::size_t at = (kind == Kind::Eprt || kind == Kind::Lprt) && reply_ / 100 == 2
                               ? line.raw.find("PORT")
                               : std::string::npos;
    std::string raw = line.raw;
    if (at != std::string::npos)
        raw.replace(at, 4, kind == Kind::Eprt ? "EPRT" : "LPRT");
    step_.to_client += raw;
}

void Alg::end_reply() {
    const int code = std::exchange(reply_, 0);
    if (awaited_.empty())
        return;
    const Kind kind = awaited_.front().kind;
    if (code < 200 && kind != Kind::Noop)
        return; /* more is to come, after a transfer or a wait */
    const Awaited done = std::move(awaited_.front());
    awaited_.pop_front();
    switch (kind) {
    case Kind::Greeting:
    case Kind::Same:
        break;
    case Kind::Pasv:
        if (code == 227 && passive_port_) {
            set_up_ = true;
            step_.effects.push_back(Notice{.port = *passive_port_});
        }
        break;
    case Kind::Noop:
        on_noop_answered(code, done.answer);
        break;
    case Kind::Epsv:
    case Kind::Lpsv:
        if (code == 227 && passive_port_) {
            expecting_ = Expecting{.kind = kind, .port = *passive_port_};
            step_.effects.push_back(Expect{.port = *passive_port_});
        } else if (code == 227) {
            say(no_data_connection);
        }
        break;
    case Kind::Eprt:
    case Kind::Lprt:
        if (code / 100 != 2)
            withdraw();
        break;
    case Kind::Auth:
        on_auth_answered(code);
        break;
    }
}

void Alg::on_noop_answered(int code, std::string_view answer) {
    /* R29 wants 200. Before USER and PASS servers may say 530 to everything; they are in
     * step all the same. 421 has gone to the client, and the server is closing. */
    if (code == 200 || code == 530)
        say(answer);
    else if (code != 421)
        hang_up("NOOP was not answered with 200");
}

void Alg::on_auth_answered(int code) {
    auth_asked_ = false;
    if (code / 100 == 4 || code / 100 == 5)
        return;
    state_ = State::Transparent;
    step_.to_client += server_.rest();
    step_.to_server += client_.rest();
}

/* --- what became of effects ----------------------------------------------------------------- */

Step Alg::listening(Ip4 address, std::uint16_t port) {
    if (const std::optional<Listening> asked = std::exchange(listening_, std::nullopt)) {
        set_up_ = true;
        replace(Line{.raw = {}, .text = {}, .controls = asked->controls}, print_port(address, port),
                asked->kind);
    }
    return run();
}

Step Alg::expecting() {
    if (const std::optional<Expecting> asked = std::exchange(expecting_, std::nullopt)) {
        set_up_ = true;
        say(asked->kind == Kind::Epsv ? print_epsv_reply(asked->port)
                                      : print_lpsv_reply(destination_, asked->port));
    }
    return run();
}

Step Alg::failed() {
    if (const std::optional<Listening> asked = std::exchange(listening_, std::nullopt))
        answer(Line{.raw = {}, .text = {}, .controls = asked->controls}, no_data_connection);
    else if (std::exchange(expecting_, std::nullopt))
        say(no_data_connection);
    return run();
}

void Alg::say(std::string_view text) {
    step_.to_client += text;
    step_.to_client += crlf;
}

void Alg::hang_up(std::string_view why) {
    say("421 Service not available, closing control connection.");
    step_.effects.push_back(Hangup{.why = why});
    state_ = State::Dead;
}

} // namespace faith::ftp
