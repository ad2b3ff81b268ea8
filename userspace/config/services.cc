/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/services.h"

#include "base/text.h"

#include <array>

namespace faith::config {

namespace {

struct Service {
    std::string_view name;
    std::uint16_t port;
};

/* The TCP services of IANA's list that people relay; aliases as Debian has them. */
constexpr std::array services = {
    Service{"ftp-data", 20},     Service{"ftp", 21},           Service{"ssh", 22},
    Service{"telnet", 23},       Service{"smtp", 25},          Service{"mail", 25},
    Service{"time", 37},         Service{"whois", 43},         Service{"domain", 53},
    Service{"gopher", 70},       Service{"finger", 79},        Service{"http", 80},
    Service{"www", 80},          Service{"kerberos", 88},      Service{"pop3", 110},
    Service{"pop-3", 110},       Service{"sunrpc", 111},       Service{"ident", 113},
    Service{"auth", 113},        Service{"nntp", 119},         Service{"imap2", 143},
    Service{"imap", 143},        Service{"bgp", 179},          Service{"irc", 194},
    Service{"ldap", 389},        Service{"https", 443},        Service{"submissions", 465},
    Service{"smtps", 465},       Service{"exec", 512},         Service{"login", 513},
    Service{"rlogin", 513},      Service{"shell", 514},        Service{"rsh", 514},
    Service{"printer", 515},     Service{"rtsp", 554},         Service{"nntps", 563},
    Service{"submission", 587},  Service{"ipp", 631},          Service{"ldaps", 636},
    Service{"domain-s", 853},    Service{"rsync", 873},        Service{"ftps-data", 989},
    Service{"ftps", 990},        Service{"telnets", 992},      Service{"imaps", 993},
    Service{"ircs", 994},        Service{"pop3s", 995},        Service{"socks", 1080},
    Service{"mysql", 3306},      Service{"svn", 3690},         Service{"sip", 5060},
    Service{"sip-tls", 5061},    Service{"xmpp-client", 5222}, Service{"xmpp-server", 5269},
    Service{"postgresql", 5432}, Service{"amqp", 5672},        Service{"x11", 6000},
    Service{"redis", 6379},      Service{"ircd", 6667},        Service{"http-alt", 8080},
    Service{"git", 9418},
};

constexpr std::array names = [] {
    std::array<std::string_view, services.size()> result;
    for (std::size_t i = 0; i < services.size(); i++)
        result[i] = services[i].name;
    return result;
}();

} // namespace

std::optional<std::uint16_t> service_port(std::string_view name) {
    for (const Service &service : services)
        if (equal_ignoring_case(name, service.name))
            return service.port;
    return std::nullopt;
}

std::span<const std::string_view> service_names() { return names; }

} // namespace faith::config
