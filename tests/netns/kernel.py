# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The few things a test asks of bpf(2) that no command does: load a stranger's XDP
program without a compiler, and tell which kernel objects a directory of pins holds."""
import ctypes
import json
import os
import platform
import re
import struct

from hosts import run

_SYSCALL = {"x86_64": 321, "aarch64": 280}.get(platform.machine())
_PROG_LOAD, _OBJ_GET, _LINK_CREATE = 5, 7, 28
_XDP_TYPE, _XDP_ATTACH = 6, 37
_libc = ctypes.CDLL(None, use_errno=True)


def _bpf(command, attributes):
    buffer = ctypes.create_string_buffer(attributes.ljust(128, b"\0"), 128)
    result = _libc.syscall(_SYSCALL, command, buffer, 128)
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), f"bpf({command})")
    return result


def strangers_program(name):
    """An XDP program that passes everything: r0 = XDP_PASS; exit. Returns its descriptor."""
    code = ctypes.create_string_buffer(struct.pack("<BBhi", 0xB7, 0, 0, 2) + struct.pack("<BBhi", 0x95, 0, 0, 0))
    licence = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("<IIQQIIQII16s", _XDP_TYPE, 2, ctypes.addressof(code), ctypes.addressof(licence),
                             0, 0, 0, 0, 0, name.encode())
    return _bpf(_PROG_LOAD, attributes)


def attach_link(program, ifindex):
    """Attaches by a bpf_link that lives as long as the returned descriptor."""
    return _bpf(_LINK_CREATE, struct.pack("<IIII", program, ifindex, _XDP_ATTACH, 0))


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


def live_ids():
    """Every map, program and link of the machine."""
    found = set()
    for kind in ("map", "prog", "link"):
        found |= {(kind, item["id"]) for item in _show(kind)}
    return found


def links():
    return _show("link")


def _show(kind):
    return json.loads(run(["bpftool", "-j", kind, "show"]) or "[]")
