# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""An FTP server in four with files behind a gateway, which lies about its address in passive mode,
and curl in six as its client."""
import os
import pathlib
import pwd

from gateway import newsletter, on
from harness import SLOW, check, contains, equal
from hosts import FOUR
from peers import Program, noise

PREFIX = "64:ff9b::"
TARGET = on(FOUR, PREFIX)
URL = f"ftp://[{TARGET}]"
LIE = "203.0.113.7"
SMALL = 2 << 20


class Site:
    """A gateway, and an FTP server behind it with files to fetch and a directory to fill."""

    def __init__(self, t, server, size=SMALL):
        self.t = t
        self.net, self.gw = newsletter(t)
        self.gw.load(prefix=PREFIX + "/96")
        self.root = t.tmp / "ftp"
        (self.root / "up").mkdir(parents=True)
        owner = pwd.getpwnam("ftp")
        os.chown(self.root / "up", owner.pw_uid, owner.pw_gid)
        self.data = noise(size, 1)
        (self.root / "file").write_bytes(self.data)
        self.local = pathlib.Path(t.write("local", self.data))
        server(self)

    def uploaded(self, name, what):
        self.fetched(self.root / "up" / name, what)

    def fetched(self, path, what):
        check(path.exists(), f"{what}: nothing at {path}")
        equal(path.read_bytes(), self.data, what)


VSFTPD = f"""listen=YES
listen_address={FOUR}
background=NO
anonymous_enable=YES
no_anon_password=YES
anon_upload_enable=YES
anon_other_write_enable=YES
anon_umask=022
write_enable=YES
connect_from_port_20=YES
pasv_address={LIE}
vsftpd_log_file=/dev/null
seccomp_sandbox=NO
"""


def vsftpd(site, more=""):
    empty = site.t.tmp / "empty"
    empty.mkdir()
    conf = site.t.write("vsftpd.conf", VSFTPD + f"anon_root={site.root}\nsecure_chroot_dir={empty}\n" + more)
    Program(site.net.four, "vsftpd", conf, port=21)


def curl(site, mode, seconds=30):
    """Fetches, sends and lists, in one of both modes; each takes at most so long."""

    def run(*words):
        return site.net.six.run(*how, *words, seconds=seconds + 10)

    how = ["curl", "-sS", "--fail", "--max-time", str(int(seconds * SLOW)), *(["-P", "-"] if mode == "active" else [])]
    out = site.t.tmp / f"fetched-{mode}"
    run("-o", out, f"{URL}/file")
    site.fetched(out, f"curl's {mode} download")
    run("-T", site.local, f"{URL}/up/curl-{mode}")
    site.uploaded(f"curl-{mode}", f"curl's {mode} upload")
    contains(run(f"{URL}/up/"), f"curl-{mode}", "the listing")
    contains(run("-l", f"{URL}/up/"), f"curl-{mode}\n", "the list of names")
