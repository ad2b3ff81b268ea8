# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Packets made and seen byte for byte: builders, a wire to send and sniff on, and the
proof of silence.

Silence is not "nothing came for a while". A marker (an echo request to the gateway's own
address) is sent behind the packets under test; links and the gateway's receive path keep
order, so whatever would have been answered has been when the marker's answer arrives.
"""
import contextlib
import errno
import ipaddress
import itertools
import os
import select
import socket
import struct
import time

from harness import SLOW

ETH_P_ALL, ETH_P_IPV6, ETH_P_8021Q = 0x0003, 0x86DD, 0x8100
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33  # <asm-generic/socket.h>; Python knows no name for it. Past net.core.rmem_max: 100 frames fill that

HOPOPTS, TCP, UDP, ROUTING, FRAGMENT, ICMP6, DSTOPTS = 0, 6, 17, 43, 44, 58, 60
UNREACHABLE, TOO_BIG, TIME_EXCEEDED, PARAM_PROBLEM = 1, 2, 3, 4
ECHO_REQUEST, ECHO_REPLY = 128, 129
ROUTER_SOLICIT, ROUTER_ADVERT, NEIGH_SOLICIT, NEIGH_ADVERT, REDIRECT = 133, 134, 135, 136, 137
MLD2_REPORT = 143
FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10


def raw(address):
    return ipaddress.IPv6Address(address).packed


def _sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(source, target, protocol, data):
    pseudo = raw(source) + raw(target) + struct.pack("!II", len(data), protocol)
    return ~_sum(pseudo + data) & 0xFFFF


# --- builders ----------------------------------------------------------------------------


def ip6(source, target, protocol, payload, hop_limit=64, length=None):
    """`length` lies about the payload's size."""
    size = len(payload) if length is None else length
    return struct.pack("!IHBB", 6 << 28, size, protocol, hop_limit) + raw(source) + raw(target) + payload


def udp(source, target, sport, dport, data=b"knock"):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    value = checksum(source, target, UDP, head + data) or 0xFFFF
    return head[:6] + struct.pack("!H", value) + data


def tcp(source, target, sport, dport, flags=SYN, seq=1, ack=0, data=b""):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, flags, 65535, 0, 0)
    value = checksum(source, target, TCP, head + data)
    return head[:16] + struct.pack("!H", value) + head[18:] + data


def icmp6(source, target, kind, code=0, body=b"\0\0\0\0", wrong_checksum=False):
    head = struct.pack("!BBH", kind, code, 0)
    value = checksum(source, target, ICMP6, head + body) ^ (0x5555 if wrong_checksum else 0)
    return head[:2] + struct.pack("!H", value) + body


def echo(source, target, ident=7, seq=1, data=b"anybody there?"):
    return icmp6(source, target, ECHO_REQUEST, body=struct.pack("!HH", ident, seq) + data)


def options(next_header, octets=8):
    """The body of a hop-by-hop or destination options header: one experimental option
    that whoever does not know it skips (RFC 4727). The kernel refuses a PadN this long."""
    return bytes([next_header, octets // 8 - 1, 0x1E, octets - 4]) + bytes(octets - 4)


def routing0_left0(next_header):
    return bytes([next_header, 0, 253, 0, 0, 0, 0, 0])


def fragment(next_header, offset, more, ident=0xFA17):
    return struct.pack("!BBHI", next_header, 0, offset | more, ident)


def later(packet, octets):
    """The headers of a TCP packet as they would be `octets` further on in its stream."""
    at = 40 + 4
    seq = (struct.unpack("!I", packet[at:at + 4])[0] + octets) & 0xFFFFFFFF
    return packet[:at] + struct.pack("!I", seq) + packet[at + 4:]


class Packet:
    """What a test asks of a received IPv6 packet."""

    def __init__(self, data, vlan=None):
        self.data, self.vlan = data, vlan
        _, _, self.protocol, self.hop_limit = struct.unpack("!IHBB", data[:8])
        self.source = str(ipaddress.IPv6Address(data[8:24]))
        self.target = str(ipaddress.IPv6Address(data[24:40]))
        self.payload = data[40:]
        self.kind = self.payload[0] if self.protocol == ICMP6 and self.payload else None
        if self.protocol == TCP:
            self.sport, self.dport, self.seq, self.ack, offset, self.flags = struct.unpack(
                "!HHIIBB", self.payload[:14])
            self.body = self.payload[(offset >> 4) * 4:]

    def __repr__(self):
        what = {TCP: "TCP", UDP: "UDP", ICMP6: "ICMPv6"}.get(self.protocol, str(self.protocol))
        if self.protocol == TCP:
            names = [n for n, bit in zip("FSRPA", (FIN, SYN, RST, PSH, ACK)) if self.flags & bit]
            what += f" {self.sport}>{self.dport} {''.join(names)}"
        if self.kind is not None:
            what += f" type {self.kind}"
        return f"<{self.source} -> {self.target} {what} {len(self.payload)} octets>"


# --- the wire ----------------------------------------------------------------------------


def put(tap, frame):
    """Sends a frame when there is room for it. A veth with native XDP holds 256, and who takes them
    out may have to wait for a processor; no event says that there is room again."""
    while True:
        try:
            return tap.send(frame)
        except BlockingIOError:  # its own buffer, whose frames are still on their way
            select.select([], [tap], [])
            continue
        except OSError as error:
            if error.errno != errno.ENOBUFS:
                raise
        time.sleep(0.001)


@contextlib.contextmanager
def one_queue():
    """What is sent in here arrives in that order: frames wait in queues of the processor they were sent on."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


class Wire:
    """Sends on and listens to one interface, below the host's own stack."""

    _idents = itertools.count(1)

    def __init__(self, host, interface="eth0", peer_mac=None):
        self.host, self.interface = host, interface
        self.peer_mac = bytes.fromhex((peer_mac or "000000000000").replace(":", ""))
        self.own_mac = bytes.fromhex(host.mac(interface).replace(":", ""))
        self.tap = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        # A burst of a bulk transfer must not push the packet waited for out of the queue.
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.tap.bind((interface, ETH_P_ALL))
        self.tap.setblocking(False)

    def send(self, *packets, vlan=None):
        for packet in packets:
            if vlan is None:
                self.send_as(ETH_P_IPV6, packet)
            else:
                self.send_as(ETH_P_8021Q, struct.pack("!HH", vlan, ETH_P_IPV6) + packet)

    def send_as(self, ethertype, payload):
        put(self.tap, self.peer_mac + self.own_mac + struct.pack("!H", ethertype) + payload)

    def frame(self):
        """One frame with an IPv6 packet that came in, or None when none is waiting."""
        while True:
            try:
                frame, origin = self.tap.recvfrom(1 << 17)
            except BlockingIOError:
                return None
            if origin[2] != PACKET_OUTGOING and origin[1] == ETH_P_IPV6 and len(frame) >= 54:
                return frame

    def _next(self):
        frame = self.frame()
        return Packet(frame[14:]) if frame else None

    def forget(self):
        while self._next():
            pass

    def until(self, wanted, what, seconds=5.0):
        """Every packet that came in up to and with the first wanted one."""
        seen, deadline = [], time.monotonic() + seconds * SLOW
        while True:
            packet = self._next()
            if packet:
                seen.append(packet)
                if wanted(packet):
                    return seen
                continue
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no {what} on {self.host.name}'s {self.interface}; seen: {seen}")
            select.select([self.tap], [], [], left)

    def answers(self, source, own, packets, vlan=None):
        """Sends the packets and returns all that came back for them. `own` is an address
        of the gateway's, on this wire, that answers the marker."""
        ident = next(self._idents)
        mark = b"marker %d" % ident
        self.forget()
        with one_queue():
            self.send(*packets, vlan=vlan)
            self.send(ip6(source, own, ICMP6, echo(source, own, ident=ident, data=mark)))
        seen = self.until(lambda p: p.kind == ECHO_REPLY and p.payload.endswith(mark), "answer to the marker")
        return [p for p in seen[:-1] if not _chatter(p, own)]


class Loop(Wire):
    """The gateway's own loopback: what a program on the gateway sends and gets (F6)."""

    def __init__(self, host):
        super().__init__(host, "lo")
        self.out = host.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_RAW)

    def send(self, *packets, vlan=None):
        for packet in packets:
            self.out.sendto(packet, (Packet(packet).target, 0))

    def answers(self, source, own, packets, vlan=None):
        # A tap on lo sees the probes themselves too; answers are what they are not.
        sent = set(packets)
        return [p for p in super().answers(source, own, packets) if p.data not in sent
                and not (p.kind == ECHO_REQUEST and p.payload[8:].startswith(b"marker"))]


def _chatter(packet, own):
    """Neighbour discovery and MLD of the link itself. An advertisement for anything but
    the gateway's own address is no chatter: it would be ND proxying (F10)."""
    if packet.protocol == HOPOPTS:
        return packet.payload[:1] == bytes([ICMP6])
    if packet.kind == NEIGH_ADVERT:
        target = packet.payload[8:24]
        return target == raw(own) or target[:2] == b"\xfe\x80"
    return packet.kind in (ROUTER_SOLICIT, ROUTER_ADVERT, NEIGH_SOLICIT, MLD2_REPORT)
