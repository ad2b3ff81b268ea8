/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * faith-gw.toml: text -> Config, pure. Every key is optional and has the default
 * written here; an unknown key, a wrong type or a value this release cannot honour is
 * an error "FILE:LINE:COL: ...", never ignored. The names are those of faith-gw.toml(5).
 */
#pragma once

#include "base/addr.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace faith::config {

using Millis = std::chrono::milliseconds;

struct PortRange {
    std::uint16_t first = 0;
    std::uint16_t last = 0; /* inclusive */
    auto operator<=>(const PortRange &) const = default;
};

/* A prefix as written; prefix::make_prefix judges it (rooms do not include each other). */
struct PrefixEntry {
    Prefix6 prefix;
    bool rfc6052 = false;
    std::string where{}; /* "FILE:LINE:COL" */
};

/* What the client of a denied connection hears. */
enum class Deny { Reset, Silent, Prohibited };

struct Faith {
    bool keepfaith = true;
    std::vector<PrefixEntry> prefixes; /* empty: 64:ff9b::/96 */
    std::optional<std::string> acl;    /* path as written; unset: search */
    std::vector<PortRange> ports;      /* empty: all */
    std::vector<Prefix4> never;
    Deny deny = Deny::Reset;
};

/* What is made of FTP's commands (ftp::Dialect; rooms do not include each other). */
enum class AlgFtp { Rfc6384, Faithd };

struct Relay {
    std::uint32_t workers = 0; /* 0: one per core */
    Millis idle_timeout{std::chrono::minutes(30)};
    Millis connect_timeout{std::chrono::seconds(10)};
    std::optional<Millis> half_closed_timeout{}; /* unset: idle_timeout */
    Millis data_timeout{std::chrono::minutes(2)};
    std::uint32_t max_sessions = 0;
    std::uint32_t max_sessions_per_source = 0;
    std::uint32_t max_rate_per_source = 0; /* new connections a second */
    std::vector<Ip4> source_addresses;
    AlgFtp alg_ftp = AlgFtp::Rfc6384;
};

/* What a port's connections are read as. */
enum class Alg { None, Ftp, Rlogin, Rsh };
inline constexpr std::uint16_t ftp_port = 21; /* Alg::Ftp, unless its [[service]] says else */
/* These are refused unless a [[service]] has an alg for them (D59). */
inline constexpr std::uint16_t login_port = 513;
inline constexpr std::uint16_t shell_port = 514;

/* A program that serves connections to the gateway's own addresses, one for each, as inetd
 * does; config/local.h reads it. */
struct Local {
    std::string path{}; /* "": none */
    std::vector<std::string> argv{};
    std::uint32_t most = 256; /* at a time; 0: no limit */
    std::uint32_t rate = 64;  /* new ones a second; 0: no limit */
    std::string where{};      /* "FILE:LINE:COL" */
};

/* Per-port differences ([[service]]). */
struct Service {
    std::uint16_t port = 0;
    std::optional<Millis> idle_timeout;
    std::optional<Millis> connect_timeout{};
    std::optional<Millis> half_closed_timeout{};
    std::optional<Millis> data_timeout{};
    std::optional<Alg> alg{};
    std::optional<AlgFtp> alg_ftp{};
    std::optional<bool> reserved_source_port{}; /* faithd -p; unset: as the alg needs it */
    Local local{};
    std::string where{}; /* "FILE:LINE:COL" */
};

enum class Ecn { Copy, Rfc6040, Compatibility };

/* The four numbers of a 6rd domain (RFC 5969 7.1), and which site we are. */
struct Sixrd {
    Prefix6 prefix;
    std::uint8_t ipv4_mask_len = 0;  /* leading bits of IPv4 addresses that nobody embeds */
    std::optional<Ip4> border_relay; /* unset, or our own address: we are it */
    Ip4 ipv4;                        /* our end */
};

/* A tunnel ([[stf]]): 6to4 by its address, or 6rd. */
struct Stf {
    std::string name = "stf0";
    std::string uplink;
    std::optional<Prefix6> address;
    std::optional<Sixrd> sixrd;
    bool input = true;
    Ecn ecn = Ecn::Copy;
    bool ecn_log = true;
    bool ingress_filter = true;
    bool permit_rfc1918 = false;
    std::uint16_t mtu = 1280;
    std::uint8_t ttl = 64;
    bool pmtu_discovery = false;
    std::optional<std::uint16_t> mss_clamp; /* nothing: off; 0: what the MTU gives */
    bool fast_path = false;
    std::string where{}; /* "FILE:LINE:COL" */
};

/* Our end of a tunnel that has passed check(). */
Ip4 own_ip4(const Stf &stf);

enum class LogLevel { Error, Warning, Info, Debug };
enum class LogTarget { Auto, Journal, Stderr, Syslog };

struct Log {
    LogLevel level = LogLevel::Info;
    LogTarget target = LogTarget::Auto;
};

struct Config {
    Faith faith;
    Relay relay;
    std::vector<Service> services;
    std::vector<Stf> tunnels;
    Log log;
};

/* Reads one file and check()s it. Reports up to Complaints::shown mistakes at once, one to
 * a line. The empty text is all defaults. */
Result<Config> parse(std::string_view text, std::string_view file);

/* What no key shows alone: a prefix or a service port given twice, a service whose port is
 * not captured, more prefixes than the maps hold. Also for a Config that options of the
 * command line have changed. */
Status check(const Config &config);

/* What is honoured and still should be known, "FILE:LINE:COL: ..." each. */
std::vector<std::string> warnings(const Config &config);

/* "30m", "10s", "2h", "250ms", "1h30m": more than nothing, at most a year. */
Result<Millis> parse_duration(std::string_view text);
/* "22", "8000-8099", or a name of services.h. */
Result<PortRange> parse_ports(std::string_view text);

} // namespace faith::config
