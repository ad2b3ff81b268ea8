/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a packet or a connection went where it went: one list for the kernel, the
 * relay, `faith-gw status` and the manual. X(name, number, origin, sentence).
 *
 * Origin says who counts: GUARD the XDP and TC programs (packets), LOOKUP the
 * sk_lookup program (connection attempts), RELAY the relay (connections), POLICY whichever
 * of them decides first: a connection is refused once. A retired
 * number stays in the list as X_RETIRED(number), so that no script ever sees a
 * number change its meaning.
 */
#ifndef FAITH_REASONS_H
#define FAITH_REASONS_H

/* clang-format off */
#define FGW_REASONS(X, X_RETIRED) \
	X(PASS_NOT_IP6,       0, GUARD,  "not IPv6, left to the kernel") \
	X(PASS_NOT_PREFIX,    1, GUARD,  "IPv6 to an address outside every prefix") \
	X(PASS_EXEMPT,        2, GUARD,  "inside a prefix, but exempted by a longer route or an own address") \
	X(PASS_SHORT,         3, GUARD,  "no whole IPv6 header, left to the kernel") \
	X(PASS_TCP,           4, GUARD,  "TCP to a prefix") \
	X(PASS_ICMP6_ERROR,   5, GUARD,  "ICMPv6 destination unreachable, packet too big or time exceeded to a prefix") \
	X(PASS_FRAGMENT,      6, GUARD,  "later fragment to a prefix; its first fragment was judged") \
	X(PASS_OTHER_HOST,    7, GUARD,  "frame to another station's link-layer address, as bridge ports see them") \
	X(DROP_KEEPFAITH_OFF, 8, GUARD,  "packet to a prefix while keepfaith is off") \
	X(DROP_UDP,           9, GUARD,  "UDP to a prefix") \
	X(DROP_ICMP6,        10, GUARD,  "ICMPv6 other than types 1 to 3 to a prefix: echo, neighbour discovery, ...") \
	X(DROP_PROTOCOL,     11, GUARD,  "neither TCP nor ICMPv6 to a prefix") \
	X(DROP_TRUNCATED,    12, GUARD,  "packet to a prefix that is shorter than its headers say") \
	X(DROP_EXT_CHAIN,    13, GUARD,  "packet to a prefix with too many extension headers") \
	X(DROP_FRAGMENT,     14, GUARD,  "first fragment to a prefix without its whole header chain (RFC 7112)") \
	X(STEERED,           16, LOOKUP, "connection given to a listener") \
	X(NO_LISTENER,       17, LOOKUP, "no listener for the prefix: reset") \
	X(PORT_NOT_CAPTURED, 18, LOOKUP, "port is not among the captured ones: reset") \
	X(LOOKUP_OFF,        19, LOOKUP, "lookup for a prefix while keepfaith is off: refused") \
	X(LOOKUP_NOT_TCP,    20, LOOKUP, "lookup for a prefix that is not TCP: refused") \
	X(ACL_PERMIT,        32, POLICY, "permitted by a rule") \
	X(ACL_DENY,          33, POLICY, "denied by a rule") \
	X(ACL_NO_MATCH,      34, POLICY, "denied: no rule matches") \
	X(NEVER_TARGET,      35, POLICY, "IPv4 target on the list that no rule can open") \
	X(OWN_TARGET,        36, POLICY, "IPv4 target is one of the gateway's own addresses") \
	X(NOT_GLOBAL,        37, POLICY, "64:ff9b::/96 must not carry a private IPv4 address (RFC 6052 3.1)") \
	X(BAD_EMBEDDING,     38, POLICY, "destination does not embed an IPv4 address (RFC 6052 2.2)") \
	X(NOT_CAPTURED,      39, RELAY,  "connection to a listener that was not addressed to a prefix") \
	X(CLIENT_NOT_IP6,    40, POLICY, "client with an IPv4-mapped address") \
	X(SESSION_LIMIT,     41, RELAY,  "as many sessions as max_sessions allows") \
	X(SOURCE_LIMIT,      42, POLICY, "as many sessions as max_sessions_per_source allows") \
	X(OUT_OF_FDS,        43, RELAY,  "no descriptor left for a new connection: accepting paused") \
	X(CONNECTED,         44, RELAY,  "connection to the IPv4 server established") \
	X(CONNECT_REFUSED,   45, RELAY,  "IPv4 server refused the connection") \
	X(CONNECT_TIMEOUT,   46, RELAY,  "IPv4 server did not answer within connect_timeout") \
	X(CONNECT_FAILED,    47, RELAY,  "IPv4 server unreachable") \
	X(CLOSED,            48, RELAY,  "session ended by both sides") \
	X(CLIENT_RESET,      49, RELAY,  "client reset the session") \
	X(SERVER_RESET,      50, RELAY,  "server reset the session") \
	X(IDLE_TIMEOUT,      51, RELAY,  "session idle in both directions for idle_timeout") \
	X(BAD_SOURCE,        52, POLICY, "client address embeds an IPv4 address that no client has, or lies in a prefix") \
	X(RATE_LIMIT,        53, POLICY, "more new connections in a second from one /64 than allowed") \
	X(REVOKED,           54, RELAY,  "session ended because a reload denies it") \
	X(FTP_DATA,          56, RELAY,  "FTP data connection that was announced on a control connection") \
	X(FTP_STRANGER,      57, RELAY,  "FTP data connection that was announced to somebody else: reset") \
	X(FTP_NO_CLIENT,     58, RELAY,  "FTP client does not answer on the port it announced") \
	X(FTP_HANGUP,        59, RELAY,  "FTP control connection that made no sense: ended")
/* clang-format on */

#define FGW_REASON_ENUM(name, number, origin, sentence) FGW_##name = number,
#define FGW_REASON_RETIRED(number)

enum fgw_reason {
	FGW_REASONS(FGW_REASON_ENUM, FGW_REASON_RETIRED)
	FGW_FIRST_DROP = 8,  /* a guard passes reasons below, drops from here on */
	FGW_REASON_MAX = 128, /* entries of fgw_reasons */
};

#endif
