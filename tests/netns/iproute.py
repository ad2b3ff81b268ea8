# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The commonest commands of ip(8) by rtnetlink itself, as `ip` would send them: most tests give
eight, and in an emulated guest each `ip` costs a tenth of a second.

    link set eth0 up            link set dev eth0 mtu 1400
    addr add 192.0.2.1/24 dev eth0        addr del 2001:db8::1/64 dev eth0
    route add default via 192.0.2.254     -6 route add 2001:db8::/32 via 2001:db8:7::1

What is not among them is ip's own: known() returns None, and the caller starts it.
Everything works where the calling thread is (`with host:`).
"""
import functools
import ipaddress
import os
import socket
import struct

_REQUEST_ACK, _CREATE_NEW = 0x5, 0x600  # NLM_F_REQUEST | NLM_F_ACK, NLM_F_CREATE | NLM_F_EXCL
_ERROR = 2
_NEWLINK, _NEWADDR, _DELADDR, _NEWROUTE = 16, 20, 21, 24
_UP, _NODAD, _HOST_SCOPE = 0x1, 0x02, 254
_MAIN, _BOOT, _UNICAST = 254, 3, 1
_LINK_NAME, _LINK_MTU, _LINK_INFO, _LINK_NETNS = 3, 4, 18, 28
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1


def attribute(kind, data):
    return struct.pack("=HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def send(*makers):
    """What each makes, (type, flags, octets), in its turn; the first that is refused raises OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, 0) as link:
        for make in makers:
            kind, flags, octets = make()
            link.send(struct.pack("=IHHII", 16 + len(octets), kind, _REQUEST_ACK | flags, 1, 0) + octets)
            answer = link.recv(1 << 16)
            number = -struct.unpack_from("=i", answer, 16)[0]
            if struct.unpack_from("=H", answer, 4)[0] == _ERROR and number:
                raise OSError(number, os.strerror(number))


def veth(a_name, a_path, b_name, b_path):
    """`link add A netns NS type veth peer name B netns NS`"""
    ends = [os.open(path, os.O_RDONLY | os.O_CLOEXEC) for path in (a_path, b_path)]
    try:
        first, peer = (bytes(16) + attribute(_LINK_NAME, name.encode() + b"\0") + attribute(_LINK_NETNS, struct.pack("=I", end))
                       for name, end in zip((a_name, b_name), ends))
        info = attribute(_INFO_KIND, b"veth") + attribute(_INFO_DATA, attribute(_VETH_PEER, peer))
        send(lambda: (_NEWLINK, _CREATE_NEW, first + attribute(_LINK_INFO, info)))
    finally:
        for end in ends:
            os.close(end)


# --- words into messages -----------------------------------------------------------------


def known(command):
    """A function that makes a command's message, for send(); None when it is none of these. It is
    called when the command's turn has come: an interface may be an earlier command's work."""
    match command.removeprefix("-6 ").split():
        case ["link", "set", "dev", name, *words] | ["link", "set", name, *words] if _is_of_link(words):
            return functools.partial(_link, name, *words)
        case ["addr", "add", address, "dev", name]:
            return functools.partial(_address, _NEWADDR, _CREATE_NEW, address, name, 0)
        case ["addr", "add", address, "dev", name, "nodad"]:
            return functools.partial(_address, _NEWADDR, _CREATE_NEW, address, name, _NODAD)
        case ["addr", "del", address, "dev", name]:
            return functools.partial(_address, _DELADDR, 0, address, name, 0)
        case ["route", "add", target, "via", gateway]:
            return functools.partial(_route, target, gateway)
    return None


def _is_of_link(words):
    return words in (["up"], ["down"]) or (len(words) == 2 and words[0] == "mtu")


def _link(name, word, mtu=None):
    flags, mask, octets = (_UP if word == "up" else 0), _UP, b""
    if mtu:
        flags, mask, octets = 0, 0, attribute(_LINK_MTU, struct.pack("=I", int(mtu)))
    return _NEWLINK, 0, struct.pack("=BBHiII", 0, 0, 0, socket.if_nametoindex(name), flags, mask) + octets


def _address(kind, more, text, name, flags):
    """Of an IPv4 address `ip` gives the host's scope to those of the loopback network."""
    there = ipaddress.ip_interface(text)
    family, packed = _family(there), there.packed
    scope = _HOST_SCOPE if there.version == 4 and there.ip.is_loopback else 0
    head = struct.pack("=BBBBI", family, there.network.prefixlen, flags, scope, socket.if_nametoindex(name))
    return kind, more, head + attribute(2, packed) + attribute(1, packed)


def _route(target, gateway):
    hop = ipaddress.ip_address(gateway)
    where = ipaddress.ip_network(target if target != "default" else "::/0" if hop.version == 6 else "0.0.0.0/0")
    octets = struct.pack("=BBBBBBBBI", _family(hop), where.prefixlen, 0, 0, _MAIN, _BOOT, 0, _UNICAST, 0)
    octets += attribute(1, where.network_address.packed) if where.prefixlen else b""
    return _NEWROUTE, _CREATE_NEW, octets + attribute(5, hop.packed)


def _family(address):
    return socket.AF_INET if address.version == 4 else socket.AF_INET6
