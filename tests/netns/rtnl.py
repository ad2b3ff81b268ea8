# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Lists of what rtnetlink knows of a namespace, a line for each object: links, addresses,
routes, rules, permanent neighbours, qdiscs, filters. As `ip` and `tc` would list them, but
without starting either, and complete: an attribute without a name here appears as a number
and its octets. Only what the kernel changes by itself (counters, ages) is left out.

Every function works where the calling thread is (`with host:`).
"""
import os
import socket
import struct

_ROUTE = 0  # NETLINK_ROUTE
_REQUEST_DUMP = 0x301
_ERROR, _DONE, _DUMP_INTERRUPTED = 2, 3, 0x10
_GETLINK, _GETADDR, _GETROUTE, _GETNEIGH, _GETRULE, _GETQDISC, _GETTFILTER = 18, 22, 26, 30, 34, 38, 46
_NESTED_BITS = 0x3FFF
INGRESS, EGRESS = 0xFFFFFFF2, 0xFFFFFFF3  # the two halves of clsact


# --- the protocol ------------------------------------------------------------------------


def _dump(kind, header):
    """[(header, {attribute: octets})]; once more when the list changed under the reading."""
    while True:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _ROUTE) as link:
            link.send(struct.pack("=IHHII", 16 + len(header), kind, _REQUEST_DUMP, 1, 0) + header)
            found, whole = _receive(link, len(header))
        if whole:
            return found


def _receive(link, header_size):
    found, whole = [], True
    while True:
        data, at = link.recv(1 << 18), 0
        while at < len(data):
            length, kind, flags, _, _ = struct.unpack_from("=IHHII", data, at)
            if kind in (_ERROR, _DONE) and length >= 20:
                number = -struct.unpack_from("=i", data, at + 16)[0]
                if number > 0:
                    raise OSError(number, os.strerror(number), "rtnetlink")
            whole = whole and not flags & _DUMP_INTERRUPTED
            if kind == _DONE:
                return found, whole
            body = data[at + 16:at + length]
            found.append((body[:header_size], attributes(body[header_size:])))
            at += (length + 3) & ~3


def attributes(data):
    found, at = {}, 0
    while at + 4 <= len(data):
        length, kind = struct.unpack_from("=HH", data, at)
        found[kind & _NESTED_BITS] = data[at + 4:at + length]
        at += (max(length, 4) + 3) & ~3
    return found


# --- octets into words -------------------------------------------------------------------


def _number(data):
    return str(int.from_bytes(data, "little"))


def _text(data):
    return data.rstrip(b"\0").decode(errors="replace")


def _address(data):
    families = {4: socket.AF_INET, 16: socket.AF_INET6}
    return socket.inet_ntop(families[len(data)], data) if len(data) in families else data.hex(":")


def _interface(data):
    return _name_of(int.from_bytes(data, "little"))


def _name_of(index):
    try:
        return socket.if_indextoname(index) if index else "-"
    except OSError:
        return f"if{index}"


def _words(attrs, names, without=()):
    """`names`: {attribute: (word, how its octets are shown)}; others by number, in hex."""
    shown = []
    for kind, data in sorted(attrs.items()):
        if kind not in without:
            word, show = names.get(kind, (f"#{kind}", bytes.hex))
            shown.append(f"{word} {show(data)}")
    return " ".join(shown)


# --- what there is -----------------------------------------------------------------------


def links():
    """{name: "index, flags, MTU, XDP programs"}"""
    found, ifname, mtu, xdp = {}, 3, 4, 43
    for header, attrs in _dump(_GETLINK, bytes(16)):
        _, _, _, index, flags, _ = struct.unpack("=BBHiII", header)
        words = _words(attributes(attrs.get(xdp, b"")), {1: ("fd", _number), 2: ("attached", _number), 3: ("flags", _number),
                                                         **{kind: ("id", _number) for kind in (4, 5, 6, 7)}})
        found[_text(attrs[ifname])] = f"index {index} flags {flags:#x} mtu {_number(attrs[mtu])} xdp {words}"
    return found


def addresses():
    found, cache_info = [], 6
    names = {1: ("address", _address), 2: ("local", _address), 3: ("label", _text), 4: ("broadcast", _address),
             8: ("flags", _number), 9: ("priority", _number), 11: ("proto", _number)}
    for header, attrs in _dump(_GETADDR, struct.pack("=BBBBi", 0, 0, 0, 0, 0)):
        _, length, _, scope, index = struct.unpack("=BBBBi", header)
        lifetimes = attrs.get(cache_info, b"")[:8].hex()
        found.append(f"{_name_of(index)} /{length} scope {scope} lifetimes {lifetimes} "
                     + _words(attrs, names, without=(cache_info,)))
    return sorted(found)


def routes(family):
    cached, cache_info, table = 0x200, 12, 15
    kinds = {1: "unicast", 2: "local", 3: "broadcast", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable",
             8: "prohibit", 9: "throw"}
    names = {1: ("to", _address), 2: ("from", _address), 4: ("dev", _interface), 5: ("via", _address),
             6: ("metric", _number), 7: ("src", _address), table: ("table", _number), 20: ("pref", _number)}
    found = []
    for header, attrs in _dump(_GETROUTE, struct.pack("=B11x", family)):
        _, to_length, from_length, tos, _, proto, scope, kind, flags = struct.unpack("=BBBBBBBBI", header)
        if not flags & cached:
            found.append(f"{kinds.get(kind, kind)} /{to_length} from /{from_length} tos {tos} proto {proto} scope {scope} "
                         f"flags {flags:#x} " + _words(attrs, names, without=(cache_info,)))
    return sorted(found)


def rules(family):
    names = {1: ("to", _address), 2: ("from", _address), 3: ("iif", _text), 6: ("pref", _number), 15: ("table", _number),
             17: ("oif", _text), 21: ("proto", _number)}
    return sorted(header.hex() + " " + _words(attrs, names) for header, attrs in _dump(_GETRULE, struct.pack("=B11x", family)))


def permanent_neighbours(family):
    permanent, cache_info, probes, found = 0x80, 3, 4, []
    names = {1: ("to", _address), 2: ("lladdr", _address), 12: ("proto", _number)}
    for header, attrs in _dump(_GETNEIGH, struct.pack("=B11x", family)):
        _, index, state, flags, _ = struct.unpack("=B3xiHBB", header)
        if state & permanent:
            found.append(f"{_name_of(index)} flags {flags:#x} " + _words(attrs, names, without=(cache_info, probes)))
    return sorted(found)


_TC_VOLATILE = (3, 4, 7)  # statistics, of three ages


def qdiscs():
    found = []
    for header, attrs in _dump(_GETQDISC, bytes(20)):
        _, index, handle, parent, references = struct.unpack("=B3xiIII", header)
        found.append(f"{_name_of(index)} handle {handle:#x} parent {parent:#x} refs {references} "
                     + _words(attrs, {1: ("kind", _text), 2: ("options", bytes.hex)}, without=_TC_VOLATILE))
    return sorted(found)


def filters(index, parent):
    found = []
    for header, attrs in _dump(_GETTFILTER, struct.pack("=B3xiIII", 0, index, 0, parent, 0)):
        handle, _, info = struct.unpack_from("=III", header, 8)
        found.append(f"pref {info >> 16} protocol {socket.ntohs(info & 0xFFFF):#x} handle {handle:#x} "
                     + _words(attrs, {1: ("kind", _text), 2: ("options", _filter_options(attrs))}, without=_TC_VOLATILE))
    return sorted(found)


def _filter_options(attrs):
    """A BPF filter by the name and id of its program; of another kind, its octets."""
    if attrs.get(1) != b"bpf\0":
        return bytes.hex
    return lambda data: _words(attributes(data), {7: ("name", _text), 10: ("tag", bytes.hex), 11: ("id", _number)})
