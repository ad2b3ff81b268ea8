# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""A peer that speaks IPv6 in IPv4 byte for byte, as nothing on the machine would."""
import ipaddress
import select
import socket
import struct
import time

from harness import SLOW, wait_for
from wire import ETH_P_ALL, ICMP6, PACKET_OUTGOING, SO_RCVBUFFORCE, _sum, echo, ip6, one_queue, put

ETH_P_IP = 0x0800
ICMP4, ECHO4, ECHO4_REPLY = 1, 8, 0


def ip4(source, target, protocol, payload, ttl=64, fragment=0, wrong_checksum=False):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 77, fragment, ttl, protocol, 0)
    packet = head + ipaddress.IPv4Address(source).packed + ipaddress.IPv4Address(target).packed + payload
    packet = Sea.with_checksum(packet)
    return packet[:10] + bytes([packet[10] ^ 0x55]) + packet[11:] if wrong_checksum else packet


def proto41(source4, target4, source6, target6, data=b"anybody there?", **how):
    """An echo request in a tunnel packet."""
    return ip4(source4, target4, 41, ip6(source6, target6, ICMP6, echo(source6, target6, data=data)), **how)


def icmp4_error(source, target, quoted, kind=3, code=1, mtu=0, wrong_checksum=False):
    """An error about a packet of `target`, of which `quoted` is as much as is quoted."""
    message = struct.pack("!BBHHH", kind, code, 0, 0, mtu) + quoted
    value = ~_sum(message) & 0xFFFF ^ (0x5555 if wrong_checksum else 0)
    return ip4(source, target, ICMP4, message[:2] + struct.pack("!H", value) + message[4:])


def fragments(packet, size=1480):
    """The same packet as a router cuts it; `size` of each payload, a multiple of eight."""
    head, payload = packet[:20], packet[20:]
    for at in range(0, len(payload), size):
        more = 0x2000 if at + size < len(payload) else 0
        piece = payload[at:at + size]
        yield Sea.with_checksum(head[:2] + struct.pack("!HHH", 20 + len(piece), 77, more | at // 8) + head[8:]) + piece


class Packet4:
    def __init__(self, frame):
        self.frame, data = frame, frame[14:]
        self.fragment = struct.unpack("!H", data[6:8])[0]
        self.service, self.ttl, self.protocol = data[1], data[8], data[9]
        self.source, self.target = (str(ipaddress.IPv4Address(data[at:at + 4])) for at in (12, 16))
        self.payload = data[(data[0] & 15) * 4:struct.unpack("!H", data[2:4])[0]]

    def __repr__(self):
        return f"<{self.source} -> {self.target} protocol {self.protocol} {len(self.payload)} octets>"


class Sea:
    """An interface of the IPv4 network between gateways."""

    def __init__(self, host, interface, peer_mac="000000000000"):
        self.own_mac = bytes.fromhex(host.mac(interface).replace(":", ""))
        self.peer_mac = bytes.fromhex(peer_mac.replace(":", ""))
        self.tap = host.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
        self.tap.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 8 << 20)
        self.tap.bind((interface, ETH_P_ALL))
        self.tap.setblocking(False)
        self.marks = 0

    @staticmethod
    def with_checksum(packet):
        head = packet[:10] + b"\0\0" + packet[12:20]
        return packet[:10] + struct.pack("!H", ~_sum(head) & 0xFFFF) + packet[12:]

    def send(self, *packets):
        for packet in packets:
            put(self.tap, self.peer_mac + self.own_mac + struct.pack("!H", ETH_P_IP) + packet)

    def packets(self, incoming_only=False):
        """IPv4 packets seen so far, both ways unless told otherwise."""
        seen = []
        while True:
            try:
                frame, origin = self.tap.recvfrom(1 << 17)
            except BlockingIOError:
                return seen
            if origin[1] == ETH_P_IP and not (incoming_only and origin[2] == PACKET_OUTGOING):
                seen.append(Packet4(frame))

    def gather(self, number, wanted, what):
        """What is wanted of the packets that came in, once there are so many."""
        seen = []

        def come():
            seen.extend(packet for packet in self.packets(incoming_only=True) if wanted(packet))
            return len(seen) >= number

        wait_for(come, what)
        return seen

    def answers(self, *packets, ask):
        """Sends the packets and returns what came back for them; `ask` are the gateway's
        address and ours, for the echo request that is sent behind them."""
        self.packets()
        self.marks += 1
        request = struct.pack("!BBHHH", ECHO4, 0, 0, 0x41, self.marks)
        request = request[:2] + struct.pack("!H", ~_sum(request) & 0xFFFF) + request[4:]
        with one_queue():
            self.send(*packets, ip4(ask[1], ask[0], ICMP4, request))
        seen, deadline = [], time.monotonic() + 5 * SLOW
        while True:
            for packet in self.packets(incoming_only=True):
                if packet.protocol == ICMP4 and packet.payload[0] == ECHO4_REPLY and \
                        packet.payload[4:8] == request[4:8]:
                    return seen
                seen.append(packet)
            left = deadline - time.monotonic()
            if left <= 0:
                raise AssertionError(f"no answer to the marker; seen: {seen}")
            select.select([self.tap], [], [], left)


def counted(gw, reason, send):
    """Whether sending moves the counter, within a moment."""
    before = gw.reasons()[reason]
    send()
    for _ in range(20):
        if gw.reasons()[reason] > before:
            return True
    return False
