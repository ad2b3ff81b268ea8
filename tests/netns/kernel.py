# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What tests ask of bpf(2) itself: to load a stranger's XDP program without a compiler,
which kernel objects a directory of pins holds, and what there is, without starting bpftool."""
import ctypes
import json
import mmap
import os
import platform
import re
import struct
import subprocess

from harness import SLOW, wait_for

_SYSCALL = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
_PROG_LOAD, _OBJ_GET, _PROG_QUERY, _LINK_CREATE = 5, 7, 16, 28
_NEXT_ID = {"prog": 11, "map": 12, "link": 31}
_XDP_TYPE, _SK_LOOKUP_TYPE, _XDP_ATTACH = 6, 30, 37
_NAMESPACE_ATTACH = {"flow_dissector": 17, "sk_lookup": 36}
_libc = ctypes.CDLL(None, use_errno=True)


def _ask(command, attributes):
    """(what the call returned, the attributes as it left them)"""
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    result = _libc.syscall(_SYSCALL, command, buffer, 128)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"bpf({command})")
    return result, buffer.raw


def _bpf(command, attributes):
    return _ask(command, attributes)[0]


def strangers_program(name):
    """An XDP program that passes everything: r0 = XDP_PASS; exit. Returns its descriptor."""
    return _load(name, _XDP_TYPE, _XDP_ATTACH, 2)


def strangers_lookup(name):
    """A socket lookup program that leaves the choice to the kernel: r0 = SK_PASS; exit."""
    return _load(name, _SK_LOOKUP_TYPE, _NAMESPACE_ATTACH["sk_lookup"], 1)


def _load(name, kind, attach_type, result):
    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xB7, 0, 0, result) + struct.pack("<BBhi", 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQIIQII16sII", kind, 2, ctypes.addressof(code), ctypes.addressof(licence),
                             0, 0, 0, 0, 0, name.encode(), 0, attach_type)
    return _bpf(_PROG_LOAD, attributes)


def attach_link(program, ifindex):
    """Attaches by a bpf_link that lives as long as the returned descriptor."""
    return _bpf(_LINK_CREATE, struct.pack("<IIII", program, ifindex, _XDP_ATTACH, 0))


def attach_lookup(program, path):
    """The same, to a network namespace."""
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return _bpf(_LINK_CREATE, struct.pack("<IIII", program, namespace, _NAMESPACE_ATTACH["sk_lookup"], 0))
    finally:
        os.close(namespace)


def program_id(program):
    with open(f"/proc/self/fdinfo/{program}", encoding="ascii") as info:
        return int(re.search(r"prog_id:\s*(\d+)", info.read())[1])


def pinned_ids(directory):
    """{("map", 12), ("prog", 9), ...} of everything pinned below a directory."""
    found = set()
    for path in directory.rglob("*"):
        if path.is_dir():
            continue
        name = ctypes.create_string_buffer(str(path).encode())
        fd = _bpf(_OBJ_GET, struct.pack("<QII", ctypes.addressof(name), 0, 0))
        try:
            with open(f"/proc/self/fdinfo/{fd}", encoding="ascii") as info:
                found |= {(kind, int(number)) for kind, number in
                          re.findall(r"^(map|prog|link)_id:\s*(\d+)", info.read(), re.M)}
        finally:
            os.close(fd)
    return found


def ring_bytes(path):
    """How much was ever written to a pinned ring: its producer's position, by its own map."""
    name = ctypes.create_string_buffer(str(path).encode())
    fd = _bpf(_OBJ_GET, struct.pack("<QII", ctypes.addressof(name), 0, 0))
    try:
        with mmap.mmap(fd, mmap.PAGESIZE, mmap.MAP_SHARED, mmap.PROT_READ, offset=mmap.PAGESIZE) as page:
            return struct.unpack("<Q", page[:8])[0]
    finally:
        os.close(fd)


def live_ids():
    """Every map, program and link of the machine."""
    return {(kind, number) for kind, command in _NEXT_ID.items() for number in _ids(command)}


def _ids(command):
    number = 0
    while True:
        try:
            number = struct.unpack_from("=I", _ask(command, struct.pack("=II", number, 0))[1], 4)[0]
        except FileNotFoundError:
            return
        yield number


def namespace_programs(path):
    """The programs that are attached to a network namespace itself, by id."""
    found, space = [], (ctypes.c_uint32 * 16)()
    namespace = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        for word, attach_type in _NAMESPACE_ATTACH.items():
            _, answer = _ask(_PROG_QUERY, struct.pack("=IIIIQI", namespace, attach_type, 0, 0, ctypes.addressof(space),
                                                      len(space)))
            found += [f"{word} {number}" for number in space[:struct.unpack_from("=I", answer, 24)[0]]]
    finally:
        os.close(namespace)
    return found


def links():
    """As bpftool shows them to people. It gives up at one that somebody else is just making."""

    def shown():
        done = subprocess.run(["bpftool", "-j", "link", "show"], capture_output=True, text=True, timeout=30 * SLOW)
        return [json.loads(done.stdout or "[]")] if done.returncode == 0 else None

    return wait_for(shown, "bpftool to list the links")[0]
