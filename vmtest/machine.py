# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The virtual machine: which accelerator works here, and one boot of one kernel."""
import ctypes
import mmap
import os
import pathlib
import platform
import re
import shlex
import shutil
import signal
import subprocess
import threading
import time

import busy

# How much slower than the machine itself, for every time-out. Emulation was measured at 4
# for plain computing and 10 for starting programs.
FACTOR = {"kvm": 2, "tcg": 8}
# Twelve seconds of an idle machine in emulation. No test, only the end of waiting for a guest that
# does not come up; a guest that the machine has no time for does come up, later.
BOOT_SECONDS = {"kvm": 45, "tcg": 600}
PROBE_SECONDS = 8
GUEST_OUT = "/run/faith-vmtest"
CPUS = 2
# What a kernel need not do in emulation. It reads time from a device, an exit each, unless told
# that the time stamp counter can be trusted: a fifth less processor time for the same tests. The
# rest protects a processor that is not there (every indirect call by a retpoline, every page
# zeroed twice, five levels of page tables): a third less for each program that is started. And where
# every run of a program finds its libraries at the same addresses, the emulator finds what it has
# translated of them: a seventh less for the same tests.
TCG_OPTIONS = ["tsc=reliable", "mitigations=off", "randomize_kstack_offset=off", "init_on_alloc=0", "no5lvl", "norandmaps"]
# A processor that says its string instructions are fast gets them for every copy and every cleared page. Emulated
# they go octet by octet: of loads, a quarter of what was not idle; a page touched first costs a third less without.
TCG_CPU = {"x86_64": "max,-erms,-fsrm"}


def tsc_khz():
    """How fast this machine's time stamp counter runs, which is the guest's in emulation.
    Left to itself the guest measures it against an emulated timer; on a busy machine one
    came to a twentieth of it, and every second in there was 50 ms."""
    if platform.machine() != "x86_64":
        return None
    with mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC) as code:
        code.write(b"\x0f\x31\x48\xc1\xe2\x20\x48\x09\xd0\xc3")  # rdtsc; shl rdx, 32; or rax, rdx; ret
        octets = ctypes.c_char.from_buffer(code)
        counter = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(octets))

        def reading():
            """(nanoseconds, ticks), of a hundred the one least disturbed between the two."""
            tried = [(time.monotonic_ns(), counter(), time.monotonic_ns()) for _ in range(100)]
            before, ticks, after = min(tried, key=lambda one: one[2] - one[0])
            return (before + after) // 2, ticks

        first = reading()
        time.sleep(0.2)  # the longer, the more exact: here to a few parts in a million
        last = reading()
        counter = octets = None  # they hold the page
    return (last[1] - first[1]) * 1_000_000 // (last[0] - first[0])


def tcg_options():
    khz = tsc_khz()
    return TCG_OPTIONS + ([f"tsc_early_khz={khz}"] if khz else [])


def kvm_works(image):
    """/dev/kvm may exist and a guest hang under it all the same (seen on a nested machine:
    the real-mode part of the kernel never ended). So a kernel is given a few seconds to get
    as far as missing its root file system."""
    if not os.access("/dev/kvm", os.R_OK | os.W_OK) or not os.path.isfile(image):
        return False
    probe = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512M", "-nodefaults", "-display", "none",
             "-serial", "stdio", "-no-reboot", "-kernel", image, "-append", "console=ttyS0 panic=-1"]
    child = subprocess.Popen(probe, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        said, _ = child.communicate(timeout=PROBE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        said, _ = child.communicate()
    return b"Kernel panic - not syncing: VFS" in said


def accelerator(image):
    asked = os.environ.get("FAITH_VM_ACCEL")
    if asked in FACTOR:
        return asked
    return "kvm" if kvm_works(image) else "tcg"


class Guest:
    """One boot. The host's files are the guest's, read-only; `out` is shared for writing."""

    def __init__(self, tree, venv, image, accel, out, busy=None):
        self.tree, self.venv, self.image, self.accel, self.out, self.busy = tree, venv, image, accel, out, busy

    def argv(self, shell=False):
        guest = f"{self.tree}/vmtest/guest.sh"
        argv = [f"{self.venv}/bin/vng", "--run", self.image, "--cpus", str(CPUS), "--memory", "2G", "--user", "root",
                "--force-9p", f"--rwdir={GUEST_OUT}={self.out}", "--cwd", "/",
                "--qemu-opts=-fsdev local,id=faithhost,path=/,security_model=none,readonly=on,multidevs=remap "
                "-device virtio-9p-pci,fsdev=faithhost,mount_tag=faithhost"]
        if self.accel == "tcg":
            cpu = TCG_CPU.get(platform.machine())
            argv[-1] += f" -cpu {cpu}" if cpu else ""  # the last one counts
            argv += ["--disable-kvm", *(word for option in tcg_options() for word in ("--append", option))]
        if shell:
            return argv + ["--shell", guest]
        return argv + ["--disable-monitor", "--verbose", "--", shlex.quote(guest)]

    def environment(self):
        # virtme-run lies beside vng and is looked up in PATH; modprobe and depmod in sbin.
        return os.environ | {"PATH": f"{self.venv}/bin:{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "SHELL": "/bin/sh"}

    def shell(self):
        return subprocess.run(self.argv(shell=True), env=self.environment(), cwd="/", check=False).returncode

    def run(self, seconds, say):
        """Boots and waits for the end. Returns None, or why there was none."""
        console = self.out / "console.log"
        # vng opens what it is given by name, so it must be a pipe and no file of ours.
        child = subprocess.Popen(self.argv(), env=self.environment(), cwd="/", stdin=subprocess.DEVNULL,
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        reader = threading.Thread(target=_copy, args=(child.stdout, console, say), daemon=True)
        reader.start()
        trouble = busy.Busy(child.pid, self.busy) if self.busy is not None else None
        try:
            why = self._wait(child, seconds)
        finally:
            if trouble:
                say(f"vmtest: busy: seed {self.busy}: {trouble.leave()}", flush=True)
            # Also when we are ended ourselves: nobody else knows of this guest.
            _end(child)
        reader.join(10)
        if not why and not (self.out / "record.json").exists():
            why = f"the guest ended ({child.returncode}) without a record"
        return why

    def _wait(self, child, seconds):
        """Until the guest ends or its time is over; returns why it must end early."""
        began = time.monotonic()
        while child.poll() is None:
            time.sleep(0.1)
            waited = time.monotonic() - began
            if not (self.out / "started").exists() and waited > BOOT_SECONDS[self.accel]:
                return f"no sign of life after {BOOT_SECONDS[self.accel]} s"
            if waited > seconds:
                return f"not done after {seconds:.0f} s"
        return None


def _copy(stream, path, say):
    """The console into a file, and the harness's own lines to whoever watches."""
    with open(path, "wb") as file:
        for line in stream:
            file.write(line)
            file.flush()
            found = re.search(rb"vmtest: .*", line)
            if found and b"virtme" not in line and b"faith-gw" not in line:
                say(found[0].decode(errors="replace").strip(), flush=True)


def _end(child):
    """Ends the process group that run() started: vng, virtme-run, qemu."""
    if child.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(child.pid, number)
            child.wait(10)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def make_venv(place, requirements):
    """virtme-ng of the pinned version, beside the kernels. A changed pin makes a new one."""
    mark = place / "requirements.txt"
    if mark.exists() and mark.read_text() == requirements.read_text():
        return
    print("vmtest: installing virtme-ng into a venv", flush=True)
    shutil.rmtree(place, ignore_errors=True)
    subprocess.run(["python3", "-m", "venv", str(place)], check=True)
    subprocess.run([f"{place}/bin/pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes",
                    "--only-binary", ":all:", "-r", str(requirements)], check=True)
    shutil.copy(requirements, mark)


def console_tail(out, lines=60):
    console = pathlib.Path(out) / "console.log"
    return "\n".join(console.read_text(errors="replace").splitlines()[-lines:]) if console.exists() else ""
