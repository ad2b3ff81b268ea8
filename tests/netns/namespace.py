# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Network namespaces by system calls: what `ip netns`, nsenter, setpriv and ss do, without
starting them. In an emulated guest each program costs a tenth of a second, and a test looks
at its hosts a hundred times.

A file of a namespace is /run/netns/NAME, as `ip netns` has it, so that its commands work.
"""
import contextlib
import ctypes
import fcntl
import os
import pathlib
import socket
import struct

DIRECTORY = pathlib.Path("/run/netns")

_CLONE_NEWNET, _MS_BIND, _MNT_DETACH = 0x40000000, 0x1000, 2
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _SIOCGIFHWADDR, _IFF_UP = 0x8913, 0x8914, 0x8927, 1
_OURS = "/proc/thread-self/ns/net"
_libc = ctypes.CDLL(None, use_errno=True)


def _call(function, *words):
    if function(*words) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), function.__name__)


# --- being there -------------------------------------------------------------------------


@contextlib.contextmanager
def _back_afterwards():
    outside = os.open(_OURS, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield
    finally:
        _call(_libc.setns, outside, _CLONE_NEWNET)
        os.close(outside)


@contextlib.contextmanager
def inside(path):
    """This thread is in that namespace: its sockets, its /proc/thread-self/net, its children."""
    with _back_afterwards():
        there = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            _call(_libc.setns, there, _CLONE_NEWNET)
        finally:
            os.close(there)
        yield


def make(path):
    """A new namespace with its `lo` up, kept by the file until remove()."""
    path.parent.mkdir(exist_ok=True)
    path.touch(exist_ok=False)
    with _back_afterwards():
        _call(_libc.unshare, _CLONE_NEWNET)
        _call(_libc.mount, _OURS.encode(), str(path).encode(), None, _MS_BIND, None)
        set_up("lo")


def remove(path):
    with contextlib.suppress(OSError):
        _call(_libc.umount2, str(path).encode(), _MNT_DETACH)
    path.unlink(missing_ok=True)


# --- looking, from inside ----------------------------------------------------------------


def _interface(command, name, rest=b""):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        return fcntl.ioctl(any_socket, command, struct.pack("16s24s", name.encode(), rest))


def set_up(name):
    flags = struct.unpack_from("H", _interface(_SIOCGIFFLAGS, name), 16)[0]
    _interface(_SIOCSIFFLAGS, name, struct.pack("H", flags | _IFF_UP))


def mac(name):
    return _interface(_SIOCGIFHWADDR, name)[18:24].hex(":")


def is_settled(name, link_local=True):
    """Whether an interface has its link-local address and all its IPv6 addresses are in force, each with its local
    route and nobody looking for its double: the kernel does that after it has answered, in its own time."""
    tentative, rtf_local = 0x40, 0x80000000
    rows = [row for row in map(str.split, _table("if_inet6")) if row[5] == name]
    local = {row[0] for row in map(str.split, _table("ipv6_route")) if int(row[8], 16) & rtf_local}
    has_link_local = any(row[0].startswith("fe80") for row in rows)
    return has_link_local >= link_local and all(row[0] in local and not int(row[4], 16) & tentative for row in rows)


def listeners():
    """[(protocol, address, port)] of listening TCP and unconnected UDP and raw sockets."""
    found = []
    for protocol, state in (("tcp", "0A"), ("udp", "07"), ("raw", "07")):
        for version in ("", "6"):
            rows = [line.split() for line in _table(protocol + version)[1:]]
            found += [(protocol + version, *_endpoint(row[1])) for row in rows if row[3] == state]
    return found


def unix_listeners():
    """The UNIX sockets that listen or are not connected, by inode, as `ss -lx` has them."""
    accepts, unconnected = 0x10000, "01"
    rows = [line.split() for line in _table("unix")[1:]]
    return [f"unix type {row[4]} {row[6]} {' '.join(row[7:])}" for row in rows
            if int(row[3], 16) & accepts or row[5] == unconnected]


def _table(name):
    try:
        return pathlib.Path(f"/proc/thread-self/net/{name}").read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:  # a machine without IPv6
        return []


def _endpoint(text):
    """The kernel prints an address as 32-bit numbers of its own byte order."""
    address, _, port = text.partition(":")
    packed = b"".join(struct.pack("=I", int(address[at:at + 8], 16)) for at in range(0, len(address), 8))
    return socket.inet_ntop(socket.AF_INET if len(packed) == 4 else socket.AF_INET6, packed), int(port, 16)


# --- looking, from outside ---------------------------------------------------------------


def pids(inode):
    """The processes in a namespace. Never this one, which is only there for a moment."""
    found = []
    for entry in os.scandir("/proc"):
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{entry.name}/ns/net").st_ino == inode:
                    found.append(int(entry.name))
    return found
