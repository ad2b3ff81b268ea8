/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Why a packet or a connection went where it went: one list for the kernel, the
 * relay, `faith-gw status` and the manual. X(name, number, origin, sentence).
 *
 * Origin says who counts: GUARD the XDP and TC programs (packets), LOOKUP the
 * sk_lookup program (connection attempts), RELAY the relay (connections), POLICY whichever
 * of them decides first: a connection is refused once; STF the tunnel programs (packets; IN
 * what XDP takes out, OUT what TC puts in). A retired
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
	X(SERVICE_STEERED,   21, LOOKUP, "connection given to the program that captured its port") \
	X(SERVICE_GONE,      22, LOOKUP, "the program that captured the port is gone: reset until it is captured again or released") \
	X(REMOTE_SHELL_OFF,  24, RELAY,  "rlogin or rsh, which only a [[service]] turns on") \
	X(RSH_CLIENT_PORT,   25, RELAY,  "rlogin or rsh from a port that any user of the client can have") \
	X(RSH_STDERR,        26, RELAY,  "rsh connection for standard error that was announced") \
	X(RSH_STRANGER,      27, RELAY,  "connection to an announced rsh port from somebody else than the server: reset") \
	X(RSH_NO_CLIENT,     28, RELAY,  "rsh client does not answer on the port it announced") \
	X(RSH_HANGUP,        29, RELAY,  "rsh connection that made no sense: reset") \
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
	X(IDLE_TIMEOUT,      51, RELAY,  "session idle in both directions for idle_timeout, or half closed and idle for half_closed_timeout") \
	X(BAD_SOURCE,        52, POLICY, "client address embeds an IPv4 address that no client has, or lies in a prefix") \
	X(RATE_LIMIT,        53, POLICY, "more new connections in a second from one /64 than allowed") \
	X(REVOKED,           54, RELAY,  "session ended because a reload denies it") \
	X(NO_RESERVED_PORT,  55, RELAY,  "no reserved port to be had for a connection from one") \
	X(FTP_DATA,          56, RELAY,  "FTP data connection that was announced on a control connection") \
	X(FTP_STRANGER,      57, RELAY,  "FTP data connection that was announced to somebody else: reset") \
	X(FTP_NO_CLIENT,     58, RELAY,  "FTP client does not answer on the port it announced") \
	X(FTP_HANGUP,        59, RELAY,  "FTP control connection that made no sense: ended") \
	X(STF_IN,            64, STF,    "packet taken out of its tunnel") \
	X(STF_IN_ODD_ECN,    65, STF,    "packet taken out of its tunnel, with congestion marks that no path makes (RFC 6040 4.2)") \
	X(STF_OUT,           66, STF,    "packet put into its tunnel") \
	X(STF_INPUT_OFF,     67, STF,    "tunnel packet while input is off, left to the kernel") \
	X(STF_NOT_PEER,      68, STF,    "tunnel packet from outside the peers that the prefix length allows, left to the kernel") \
	X(STF_ICMP4,         69, STF,    "ICMPv4 error about a tunnel's packet, looked at and left to the kernel") \
	X(STF_ICMP4_RATE,    70, STF,    "more ICMPv4 errors about tunnel packets in a second than are looked at") \
	X(STF_IN_FRAGMENT,   72, STF,    "fragment of a tunnel packet that nobody takes: no daemon runs, or it is behind") \
	X(STF_IN_HEADER,     73, STF,    "tunnel packet with a broken IPv4 header") \
	X(STF_IN_CHECKSUM,   74, STF,    "tunnel packet with a wrong IPv4 header checksum") \
	X(STF_IN_SHORT,      75, STF,    "tunnel packet that does not hold the whole IPv6 packet it announces") \
	X(STF_IN_DST4,       76, STF,    "tunnel packet to an IPv4 address that no tunnel may use") \
	X(STF_IN_DST4_PRIVATE, 77, STF,  "tunnel packet to a private IPv4 address") \
	X(STF_IN_SRC4,       78, STF,    "tunnel packet from an IPv4 address that no tunnel may use") \
	X(STF_IN_SRC4_PRIVATE, 79, STF,  "tunnel packet from a private IPv4 address") \
	X(STF_IN_DST6,       80, STF,    "tunnel packet to an IPv6 address that does not belong into a tunnel") \
	X(STF_IN_DST6_PRIVATE, 81, STF,  "tunnel packet to a 6to4 address made of a private IPv4 address") \
	X(STF_IN_SRC6,       82, STF,    "tunnel packet from an IPv6 address that does not belong into a tunnel") \
	X(STF_IN_SRC6_PRIVATE, 83, STF,  "tunnel packet from a 6to4 address made of a private IPv4 address") \
	X(STF_IN_SPOOFED,    84, STF,    "tunnel packet whose IPv6 source embeds another IPv4 address than it came from") \
	X(STF_IN_NOT_RELAY,  85, STF,    "tunnel packet from outside the 6rd domain that did not come by the border relay") \
	X(STF_IN_DST_OTHER,  86, STF,    "tunnel packet to another site than this one") \
	X(STF_IN_NEITHER,    87, STF,    "tunnel packet with neither address in the tunnel's prefix") \
	X(STF_IN_OWN,        88, STF,    "tunnel packet to an address that hides an IPv4 address of the gateway (RFC 6324)") \
	X(STF_IN_INGRESS,    89, STF,    "tunnel packet from an IPv4 address that is not routed to the uplink") \
	X(STF_IN_LOOP,       90, STF,    "tunnel packet that would be routed back into the tunnel") \
	X(STF_IN_ECN,        91, STF,    "tunnel packet with a congestion mark its sender would not understand (RFC 6040)") \
	X(STF_IN_ROOM,       92, STF,    "tunnel packet that the driver left no room to take out") \
	X(STF_OUT_ROOM,      95, STF,    "packet for a tunnel that the kernel has no room to put into it") \
	X(STF_OUT_NO_ADDRESS, 96, STF,   "packet for a tunnel whose IPv4 address is not on the gateway") \
	X(STF_OUT_SHORT,     97, STF,    "packet for a tunnel that is not IPv6") \
	X(STF_OUT_NO_HOP,    98, STF,    "packet for a tunnel with no IPv4 address in its destination nor in its next hop") \
	X(STF_OUT_SRC4,      99, STF,    "packet for a tunnel whose own IPv4 address no tunnel may use") \
	X(STF_OUT_SRC4_PRIVATE, 100, STF, "packet for a tunnel whose own IPv4 address is private") \
	X(STF_OUT_DST4,     101, STF,    "packet to an IPv4 address that no tunnel may use") \
	X(STF_OUT_DST4_PRIVATE, 102, STF, "packet to a private IPv4 address through a tunnel") \
	X(STF_OUT_DST6,     103, STF,    "packet for a tunnel to an IPv6 address that does not belong into one") \
	X(STF_OUT_DST6_PRIVATE, 104, STF, "packet for a tunnel to a 6to4 address made of a private IPv4 address") \
	X(STF_OUT_SRC6,     105, STF,    "packet for a tunnel from an IPv6 address that does not belong into one") \
	X(STF_OUT_SRC6_PRIVATE, 106, STF, "packet for a tunnel from a 6to4 address made of a private IPv4 address") \
	X(STF_OUT_SRC_OTHER, 107, STF,   "packet for a tunnel from the addresses of another site") \
	X(STF_OUT_DST_OWN,  108, STF,    "packet for a tunnel that would come back to the gateway") \
	X(STF_OUT_NEITHER,  109, STF,    "packet for a tunnel with neither address in the tunnel's prefix") \
	X(STF_OUT_OWN,      110, STF,    "packet for a tunnel from an address that hides an IPv4 address of the gateway (RFC 6324)") \
	X(STF_OUT_TOO_BIG,  111, STF,    "packet longer than the tunnel's MTU or than IPv4 can carry") \
	X(STF_FRAGMENT,     112, STF,    "fragment of a tunnel packet, taken to put the packet together") \
	X(STF_FRAGMENT_RATE, 113, STF,   "more fragments of tunnel packets in a second than are taken") \
	X(STF_FRAGMENT_LATE, 114, STF,   "tunnel packet whose fragments did not all come in time") \
	X(STF_FRAGMENT_BAD, 115, STF,    "tunnel packet whose fragments overlap or contradict each other") \
	X(STF_FRAGMENT_FULL, 116, STF,   "unfinished tunnel packet given up for newer ones") \
	X(STF_FRAGMENT_LOST, 117, STF,   "tunnel packet put together that the tunnel's device did not take") \
	X(STF_OUT_PMTU,     118, STF,    "packet longer than the IPv4 network takes to its far end") \
	X(STF_ICMP4_PMTU,   119, STF,    "ICMPv4 error that told the path MTU to a far end") \
	X(STF_ICMP4_SHORT,  120, STF,    "ICMPv4 error that quotes too little to tell anybody") \
	X(STF_ICMP4_BAD,    121, STF,    "ICMPv4 error that is broken or about a packet that no tunnel sent") \
	X(STF_ICMP6_SENT,   122, STF,    "ICMPv6 error sent to the source of a packet that a tunnel could not deliver") \
	X(STF_ICMP6_NEVER,  123, STF,    "no ICMPv6 error: none may be sent about such a packet (RFC 4443 2.4)") \
	X(STF_ICMP6_RATE,   124, STF,    "no ICMPv6 error: more in a second than may be sent") \
	X(STF_FAST_IN,      125, STF,    "packet taken out of its tunnel and forwarded at once, past the stack (fast_path)") \
	X(STF_FAST_OUT,     126, STF,    "packet put into its tunnel and sent at once, past the stack (fast_path)")
/* clang-format on */

#define FGW_REASON_ENUM(name, number, origin, sentence) FGW_##name = number,
#define FGW_REASON_RETIRED(number)

enum fgw_reason {
	FGW_REASONS(FGW_REASON_ENUM, FGW_REASON_RETIRED)
	FGW_FIRST_DROP = 8,  /* a guard passes reasons below, drops from here on */
	FGW_FIRST_STF = 64,	 /* the same for the tunnels: passed from here on, ... */
	FGW_FIRST_STF_DROP = 72, /* ... dropped from here on */
	FGW_REASON_MAX = 128,	 /* entries of fgw_reasons */
};

#endif
