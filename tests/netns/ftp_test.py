#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Unmodified FTP clients and servers through the gateway: curl, lftp and tnftp in six, vsftpd
and pure-ftpd in four, both of which lie about their address in passive mode (V20, V24). Line by
line, and the attacks, in ftp_wire_test.py.
"""
import os
import pathlib
import pwd
import socket

from ftp_site import LIE, SMALL, TARGET, URL, Site, curl, vsftpd
from harness import check, contains, equal, main, test
from hosts import FOUR, PATIENCE
from peers import Program

PURE_FTPD = "/usr/local/lib/faith-gw-tests/pure-ftpd/usr/sbin/pure-ftpd"
BIG = 100 << 20


def pure_ftpd(site):
    # It serves the home of the user ftp, wherever that is; here, and for it alone, it is ours.
    users = pathlib.Path("/etc/passwd").read_text().splitlines()
    ours = [line if not line.startswith("ftp:") else ":".join([*line.split(":")[:5], str(site.root), "/bin/false"])
            for line in users]
    passwd = site.t.write("passwd", "\n".join(ours) + "\n")
    Program(site.net.four, "unshare", "-m", "sh", "-c", f'mount --bind {passwd} /etc/passwd && exec "$@"', "sh",
            PURE_FTPD, "-S", f"{FOUR},21", "-4", "-e", "-H", "-P", LIE, "-g", site.t.tmp / "pid", port=21)


# --- clients: each fetches, sends and lists, in either mode ----------------------------------


def lftp(site, mode):
    out = site.t.tmp / f"fetched-{mode}"
    listing = site.net.six.run("lftp", "-c", f"""
set net:max-retries 1; set net:timeout {PATIENCE}; set cmd:fail-exit yes; set ftp:ssl-allow no; set net:connection-limit 1;
set ftp:passive-mode {"yes" if mode == "passive" else "no"};
open {URL}; get file -o {out}; put {site.local} -o up/lftp-{mode}; ls up; nlist up""")
    site.fetched(out, f"lftp's {mode} download")
    site.uploaded(f"lftp-{mode}", f"lftp's {mode} upload")
    equal(listing.count(f"lftp-{mode}"), 2, "lines of both listings with the file")


def tnftp(site, mode):
    out = site.t.tmp / f"fetched-{mode}"
    words = f"binary\nget file {out}\nput {site.local} up/tnftp-{mode}\nls up\nquit\n"
    said = site.net.six.run("tnftp", "-p" if mode == "passive" else "-A", "-v", "-a", TARGET, stdin=words)
    site.t.note(said)
    site.fetched(out, f"tnftp's {mode} download")
    site.uploaded(f"tnftp-{mode}", f"tnftp's {mode} upload")
    contains(said, f"tnftp-{mode}", "the listing")


CLIENTS = {"curl": curl, "lftp": lftp, "tnftp": tnftp}
SERVERS = {"vsftpd": vsftpd, "pure-ftpd": pure_ftpd}


def register(server, client):
    @test(f"ftp: {client} and {server}: fetch, send and list, passive and active (V20)",
          needs=(client, PURE_FTPD if server == "pure-ftpd" else server))
    def both_modes(t):
        site = Site(t, SERVERS[server])
        for mode in ("passive", "active"):
            before = site.gw.reasons()
            CLIENTS[client](site, mode)
            after = site.gw.reasons()
            check(after["FTP_DATA"] - before["FTP_DATA"] >= 3, f"{mode} data did not come as announced")
            equal(after["FTP_STRANGER"] + after["FTP_HANGUP"] + after["FTP_NO_CLIENT"], 0, "what must not happen")


for _server in SERVERS:
    for _client in CLIENTS:
        register(_server, _client)


@test("ftp: 100 MB down and up with curl and vsftpd, passive and active, spliced", needs=("curl", "vsftpd"))
def big(t):
    site = Site(t, vsftpd, BIG)
    spliced = 0

    def was_spliced(what):
        """How much depends on who runs when: small reads are copied (engine.h)."""
        nonlocal spliced
        before, spliced = spliced, site.gw.relay()["bytes_spliced"]
        check(spliced > before, f"nothing of {what} was spliced")

    for mode, words in (("passive", []), ("active", ["-P", "-"])):
        how = ["curl", "-sS", "--fail", "--max-time", PATIENCE, *words]
        site.net.six.run(*how, "-o", t.tmp / mode, f"{URL}/file")
        was_spliced(f"the {mode} download")
        site.fetched(t.tmp / mode, f"the {mode} download")
        site.net.six.run(*how, "-T", site.local, f"{URL}/up/{mode}")
        was_spliced(f"the {mode} upload")
        site.uploaded(mode, f"the {mode} upload")
        for path in (t.tmp / mode, site.root / "up" / mode):
            path.unlink()


@test("ftp: resuming a download and an upload, in either mode", needs=("curl", "vsftpd"))
def resume(t):
    site = Site(t, vsftpd)
    for mode, words in (("passive", []), ("active", ["-P", "-"])):
        how = ["curl", "-sS", "--fail", "--max-time", PATIENCE, *words, "-C", "-"]
        out = site.t.tmp / f"half-{mode}"
        out.write_bytes(site.data[:SMALL // 3])
        site.net.six.run(*how, "-o", out, f"{URL}/file")
        site.fetched(out, f"the {mode} download that went on")
        half = site.root / "up" / f"half-{mode}"
        half.write_bytes(site.data[:SMALL // 3])
        os.chown(half, pwd.getpwnam("ftp").pw_uid, -1)
        site.net.six.run(*how, "-T", site.local, f"{URL}/up/half-{mode}")
        site.uploaded(f"half-{mode}", f"the {mode} upload that went on")


@test("ftp: an ABOR with the urgent byte stops a transfer that nobody reads (R28, D53)", needs=("vsftpd",))
def abort(t):
    site = Site(t, lambda site: vsftpd(site, "async_abor_enable=YES\n"), 20 << 20)
    control = site.net.six.connect(TARGET, 21)
    lines = control.makefile("rb")

    def ask(line, code):
        control.sendall(line + b"\r\n")
        return expect(code)

    def expect(code):
        heard = lines.readline()
        equal(heard[:3], code, f"the answer {heard!r}")
        return heard

    expect(b"220")
    ask(b"USER anonymous", b"230")
    ask(b"TYPE I", b"200")
    port = int(ask(b"EPSV", b"229").split(b"|")[3])
    data = site.net.six.connect(TARGET, port)
    ask(b"RETR file", b"150")
    data.recv(1)
    # As BSD's ftp does it; vsftpd hears of it only by the signal that the urgent byte raises.
    control.send(b"\xff\xf4\xff", socket.MSG_OOB)
    ask(b"\xf2ABOR", b"426")
    expect(b"226")


@test("ftp: explicit TLS goes through untouched, data by the server's EPSV (D56, R28, V24)",
      needs=("curl", "vsftpd", "openssl"))
def tls(t):
    key, cert = t.tmp / "key.pem", t.tmp / "cert.pem"

    def server(site):
        site.net.four.run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=four",
                          "-keyout", key, "-out", cert)
        vsftpd(site, f"ssl_enable=YES\nallow_anon_ssl=YES\nforce_anon_data_ssl=YES\nforce_anon_logins_ssl=YES\n"
                     f"require_ssl_reuse=NO\nrsa_cert_file={cert}\nrsa_private_key_file={key}\n")

    site = Site(t, server)
    # With TLS 1.3 curl closes without having read the server's tickets, which resets what it sent.
    how = ["curl", "-sS", "--fail", "--max-time", PATIENCE, "--ssl-reqd", "-k", "--tls-max", "1.2"]
    with site.gw.counts(FTP_DATA=0, FTP_HANGUP=0):
        site.net.six.run(*how, "-o", t.tmp / "fetched", f"{URL}/file")
        site.fetched(t.tmp / "fetched", "the download")
        site.net.six.run(*how, "-T", site.local, f"{URL}/up/tls")
        site.uploaded("tls", "the upload")


if __name__ == "__main__":
    main()
