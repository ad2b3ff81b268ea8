/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * FTP's commands and replies as far as addresses are in them: RFC 959 (PORT, PASV, 227),
 * RFC 2428 (EPRT, EPSV, 229) and RFC 1639 (LPRT, LPSV, 228). Texts have no end of line.
 * Numeric addresses only: a name in EPRT, which faithd resolved, is malformed (D48).
 */
#pragma once

#include "base/addr.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace faith::ftp {

struct Command {
    std::string verb; /* upper case */
    std::string_view argument;
};
Command parse_command(std::string_view line);

/* What EPRT or LPRT asks the server to connect to. */
struct Announcement {
    enum class Kind { Ip6, Ip4, OtherFamily, Malformed };
    Kind kind = Kind::Malformed;
    Ip6 address; /* if Ip6 */
    std::uint16_t port = 0;
};
Announcement parse_eprt(std::string_view argument);
Announcement parse_lprt(std::string_view argument);

struct Reply {
    int code = 0;
    bool more = false; /* "227-": lines follow, until one begins "227 " */
};
/* The first line of a reply; nothing if it is none. */
std::optional<Reply> parse_reply(std::string_view line);
/* Whether a line ends the reply that began with this code. */
bool ends_reply(std::string_view line, int code);

/* The port of a 227 reply, with parentheses or without (D49). Its address is nobody's
 * business: RFC 6384 6, D52. */
std::optional<std::uint16_t> parse_pasv_port(std::string_view line);

std::string print_port(Ip4 address, std::uint16_t port);              /* PORT h1,..,p2 */
std::string print_epsv_reply(std::uint16_t port);                     /* 229 ... */
std::string print_lpsv_reply(const Ip6 &address, std::uint16_t port); /* 228 ... */

} // namespace faith::ftp
