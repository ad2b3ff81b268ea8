# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Where kernels come from. A Debian kernel is downloaded by apt and unpacked under build/,
never installed: no boot loader, no initramfs hook and no /lib/modules of the machine is
touched. What is unpacked already is used again without a network.
"""
import dataclasses
import pathlib
import re
import subprocess

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
META_PACKAGE = "linux-image-amd64"


class Unobtainable(Exception):
    """The kernel cannot be had; the text says why and what to do."""


@dataclasses.dataclass(frozen=True)
class Kernel:
    name: str  # as in kernels.txt, or the file's name
    image: str  # what `vng --run` takes


@dataclasses.dataclass(frozen=True)
class Line:
    name: str
    when: str
    kind: str
    where: str


def read_list(path):
    lines = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        words = text.split("#")[0].split()
        if not words:
            continue
        if len(words) != 4 or words[1] not in ("always", "asked") or words[2] not in ("debian", "upstream", "file"):
            raise Unobtainable(f"{path}:{number}: want NAME always|asked debian|upstream|file WHERE, not {text!r}")
        lines.append(Line(*words))
    return lines


def chosen(lines, asked):
    """The lines to run: those marked `always`, or the one asked for by name or by file."""
    if not asked:
        return [line for line in lines if line.when == "always"]
    named = [line for line in lines if line.name == asked]
    if named:
        return named
    if pathlib.Path(asked).exists():
        return [Line(pathlib.Path(asked).name, "asked", "file", asked)]
    if re.fullmatch(r"v\d+\.\d+[\w.-]*", asked):
        return [Line(asked, "asked", "upstream", asked)]
    known = ", ".join(line.name for line in lines)
    raise Unobtainable(f"KERNEL={asked} is neither a file, nor vX.Y, nor in kernels.txt ({known})")


def obtain(line, store):
    if line.kind == "file":
        if not pathlib.Path(line.where).is_file():
            raise Unobtainable(f"{line.where}: no such kernel image")
        return Kernel(line.name, str(pathlib.Path(line.where).resolve()))
    if line.kind == "upstream":
        return Kernel(line.name, line.where)
    return Kernel(line.name, str(_debian(line, store)))


# --- Debian ------------------------------------------------------------------------------


def _run(argv, **how):
    return subprocess.run(argv, capture_output=True, text=True, check=False, **how)


def _debian(line, store):
    apt = _apt_options(line.where, store)
    found = _newest(apt, line.where)
    if not found and _refresh(apt):
        found = _newest(apt, line.where)
    if not found:
        ready = _unpacked(store / line.name)
        if ready:
            return ready[-1]
        raise Unobtainable(f"apt knows no {META_PACKAGE} in {line.where}: run apt-get update, "
                           "or give an image: make vmtest KERNEL=/path/to/vmlinuz")
    package, version = found
    place = store / line.name / package.removeprefix("linux-image-")
    if not (place / "complete").exists():
        _unpack(apt, f"{package}={version}", place)
    return next(place.glob("boot/vmlinuz-*"))


def _unpacked(directory):
    return sorted(image for mark in directory.glob("*/complete") for image in mark.parent.glob("boot/vmlinuz-*"))


def _apt_options(suite, store):
    """None of our own when the machine's apt has the suite; otherwise a private set of lists
    beside the kernels, so that the machine's sources stay as they are."""
    wanted = "$(REPO_URI) $(RELEASE) $(LABEL)"
    targets = [row.split(None, 2) for row in
               _run(["apt-get", "indextargets", "--format", wanted, "Created-By: Packages"]).stdout.splitlines()]
    if any(row[1] == suite for row in targets):
        return []
    archives = [row[0] for row in targets if row[2] == "Debian"]
    if not archives:
        raise Unobtainable(f"apt has no Debian archive on this machine, so no kernel of {suite}; "
                           "give an image: make vmtest KERNEL=/path/to/vmlinuz")
    private = store / "apt" / suite
    (private / "lists/partial").mkdir(parents=True, exist_ok=True)
    (private / "cache/archives/partial").mkdir(parents=True, exist_ok=True)
    sources = private / "sources.list"
    sources.write_text(f"deb [signed-by={KEYRING}] {archives[0]} {suite} main\n")
    options = {"Dir::Etc::SourceList": sources, "Dir::Etc::SourceParts": "/dev/null",
               "Dir::State::Lists": private / "lists", "Dir::Cache": private / "cache"}
    return [word for key, value in options.items() for word in ("-o", f"{key}={value}")]


def _newest(apt, suite):
    """(package, version) of the kernel that the suite's meta package points to."""
    shown = _run(["apt-cache", *apt, "show", f"{META_PACKAGE}/{suite}" if apt else META_PACKAGE]).stdout
    if not shown:
        shown = _run(["apt-cache", *apt, "show", META_PACKAGE]).stdout
    found = re.search(r"^Depends:.*?(linux-image-[\w.+-]+) \(= ([^)]+)\)", shown, re.M)
    return found.groups() if found else None


def _refresh(apt):
    return _run(["apt-get", *apt, "update", "-q"]).returncode == 0


def _unpack(apt, package, place):
    print(f"vmtest: downloading {package}", flush=True)
    place.mkdir(parents=True, exist_ok=True)
    # apt would drop its privileges for a directory that its user can write; this one is ours.
    fetch = ["apt-get", *apt, "-o", "APT::Sandbox::User=root", "download", "-q", package]
    done = _run(fetch, cwd=place)
    if done.returncode != 0 and _refresh(apt):
        done = _run(fetch, cwd=place)
    archives = list(place.glob("*.deb"))
    if done.returncode != 0 or not archives:
        raise Unobtainable(f"apt-get download {package}: {(done.stderr or done.stdout).strip()}")
    unpacked = _run(["dpkg-deb", "-x", str(archives[0]), str(place)])
    if unpacked.returncode != 0:
        raise Unobtainable(f"dpkg-deb -x {archives[0].name}: {unpacked.stderr.strip()}")
    archives[0].unlink()
    (place / "complete").touch()
