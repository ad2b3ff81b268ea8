#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""faithd(8) of 2011 as a new user takes it: its faithd.conf, its command lines and its lines of
inetd.conf, word for word, with real servers on both sides. What Linux wants otherwise is said
where it is changed.
"""
import os
import pathlib
import shutil
import subprocess

from gateway import BINARY, more, newsletter, on
from harness import SLOW, check, contains, equal, main, test, wait_for
from hosts import FOUR, PATIENCE, run
from peers import Banner, Program, Terminal, banner

FAITHD = str(pathlib.Path(BINARY).parent / "faithd")
PROGRAMS = pathlib.Path("/usr/local/lib/faith-gw-tests")
TELNET = PROGRAMS / "inetutils-telnet/usr/bin/inetutils-telnet"
TELNETD = PROGRAMS / "inetutils-telnetd/usr/sbin/telnetd"
FTPD = PROGRAMS / "inetutils-ftpd/usr/sbin/ftpd"
INETD = PROGRAMS / "openbsd-inetd/usr/sbin/inetd"
NEEDS = ("vsftpd", "curl", "sshd", "ssh", "ssh-keygen", *map(str, (TELNET, TELNETD, FTPD, INETD)))

# The manual page, under "Access control samples", "Daemon mode samples" and "inetd mode samples".
FAITHD_CONF = """# permit anyone from 3ffe:501:ffff::/48 to use the translator,
# to connect to the following IPv4 destinations:
# - any location except 10.0.0.0/8 and 127.0.0.0/8.
# Permit no other connections.
#
3ffe:501:ffff::/48 deny 10.0.0.0/8
3ffe:501:ffff::/48 deny 127.0.0.0/8
3ffe:501:ffff::/48 permit 0.0.0.0/0
"""
NO_LOCAL_TELNET = "faithd telnet"
LOCAL_TELNET = "faithd telnet /usr/libexec/telnetd telnetd"
LOCAL_FTP = "faithd ftp /usr/libexec/ftpd ftpd -l"
SSH = "faithd ssh"
INETD_CONF = """telnet  stream  tcp6/faith  nowait  root  faithd  telnetd
ftp     stream  tcp6/faith  nowait  root  faithd  ftpd -l
ssh     stream  tcp6/faith  nowait  root  faithd  /usr/sbin/sshd -i
"""
PREFIX = "3ffe:501:4819:ffff::"
TARGET = on(FOUR, PREFIX)
CLIENT, OWN = "3ffe:501:ffff:1::2", "3ffe:501:ffff:1::1"

VSFTPD = f"""listen=YES
listen_address={FOUR}
background=NO
anonymous_enable=YES
no_anon_password=YES
xferlog_enable=NO
seccomp_sandbox=NO
isolate_network=NO
"""
# The one host key there is, so that a client knows either server by it.
SSHD_CONFIG = """HostKey /etc/ssh/key
AuthorizedKeysFile /etc/ssh/user.pub
PidFile none
StrictModes no
UsePAM no
"""
PAM = "auth required pam_permit.so\naccount required pam_permit.so\nsession required pam_permit.so\n"


class Machine:
    """An /etc and a /usr/libexec of the test's own: the manual page's paths are there, and what
    the machine has stays as it is."""

    def __init__(self, t, net):
        self.t, self.net = t, net
        self.etc, self.libexec, self.ftp = t.tmp / "etc", t.tmp / "libexec", t.tmp / "ftp"
        for directory in (self.etc, self.etc / "ssh", self.etc / "pam.d", self.libexec, self.ftp):
            directory.mkdir()
        for name in ("group", "nsswitch.conf", "services", "protocols", "ld.so.cache", "shells", "login.defs"):
            if (path := pathlib.Path("/etc") / name).exists():
                shutil.copy(path, self.etc)
        (self.etc / "passwd").write_text("root:x:0:0::/root:/bin/sh\nsshd:x:101:65534::/run/sshd:/usr/sbin/nologin\n"
                                         f"ftp:x:102:65534::{self.ftp}:/usr/sbin/nologin\nnobody:x:65534:65534::/:/usr/sbin/nologin\n")
        (self.etc / "shadow").write_text("root:*:19000::::::\n")
        (self.ftp / "who").write_text("dual")
        for name in ("ftp", "other", "login"):
            (self.etc / "pam.d" / name).write_text(PAM)
        for path in (TELNETD, FTPD):
            shutil.copy(path, self.libexec)
        (self.etc / "faithd.conf").write_text(FAITHD_CONF)
        for name in ("key", "user"):
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", t.tmp / name])
            for file in (t.tmp / name, t.tmp / f"{name}.pub"):
                shutil.copy(file, self.etc / "ssh")
        (self.etc / "ssh/sshd_config").write_text(SSHD_CONFIG)
        os.makedirs("/run/sshd", exist_ok=True)

    def argv(self, name, *words):
        """There, with faithd and faith-gw where a shell finds them."""
        script = (f"hostname {name} && mount --bind {self.etc} /etc && mount --bind {self.libexec} /usr/libexec && "
                  f"PATH={pathlib.Path(BINARY).parent}:$PATH && exec \"$@\"")
        return ["unshare", "--mount", "--uts", "sh", "-c", script, "sh", *words]

    def type(self, line, rc=0):
        """A command line on the gateway; what it says. It may leave a daemon behind, so its
        output is a file."""
        said = self.t.tmp / "said"
        with open(said, "wb") as out:
            process = self.net.dual.start(*self.argv("dual", *line.split()), stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            code = process.wait(30 * SLOW)
        text = said.read_text()
        self.t.note(f"# {line} [{code}]\n{text}")
        equal(code, rc, f"exit code of `{line}` ({text.strip()})")
        return text


def world(t):
    """The three hosts with the manual page's addresses, the gateway loaded as docs/faithd.8 says."""
    net, gw = newsletter(t)
    net.six.ip(f"addr add {CLIENT}/64 dev eth0 nodad")
    net.dual.ip(f"addr add {OWN}/64 dev eth0 nodad")
    machine = Machine(t, net)
    contains(machine.type(NO_LOCAL_TELNET, rc=1), "first run `faith-gw load IFACE --no-relay`", "before load")
    contains(machine.type(f"faith-gw load eth0 --no-relay --prefix {PREFIX}/96"), "loaded on eth0", "load")
    equal(gw.status()["acl"]["file"], "/etc/faithd.conf", "the list that load has read")
    return net, gw, machine


def servers_of_four(t, net, machine):
    """telnetd, vsftpd and sshd."""
    name = t.write("name", "#!/bin/sh\necho this is four\ncat\n")
    os.chmod(name, 0o755)
    there = t.tmp / "there"
    there.mkdir(mode=0o755)
    (there / "who").write_text("four")
    (t.tmp / "empty").mkdir()
    Program(net.four, *machine.argv("four", INETD, "-d", t.write(
        "four.conf", f"telnet stream tcp4 nowait root {TELNETD} telnetd -h -E {name}\n")), port=23)
    Program(net.four, "vsftpd", t.write("vsftpd.conf", VSFTPD + f"anon_root={there}\nsecure_chroot_dir={t.tmp}/empty\n"), port=21)
    Program(net.four, *machine.argv("four", "/usr/sbin/sshd", "-D", "-e", "-o", f"ListenAddress={FOUR}"), port=22)


def telnet_shows(net, address, words):
    terminal = Terminal(net.six, TELNET, "-6", address)
    terminal.until(words)
    terminal.process.kill()


def fetch(net, address, *how):
    return net.six.run("curl", "-sS", "-g", "--max-time", PATIENCE, *how, f"ftp://[{address}]/who")


def ssh_server(t, net, address):
    """The address at which a server of ssh sees itself."""
    key = (t.tmp / "key.pub").read_text().split()
    t.write("known_hosts", f"{address} {key[0]} {key[1]}\n")
    said = net.six.run("ssh", "-6", "-F", "none", "-i", t.tmp / "user", "-o", f"UserKnownHostsFile={t.tmp}/known_hosts", "-o",
                       "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", f"root@{address}", "echo $SSH_CONNECTION", seconds=60)
    return said.split()[2]


def ftp_and_ssh_meet_four(t, net):
    """Behind the prefix; FTP at the gateway's own address is the gateway's."""
    for how in ((), ("-P", "-")):
        equal(fetch(net, TARGET, *how), "four", f"FTP on the prefix {how}")
        equal(fetch(net, OWN, *how), "dual", f"FTP on the gateway {how}")
    equal(ssh_server(t, net, TARGET), FOUR, "ssh on the prefix")


@test("manual: faithd's command lines as they are written, real telnet, FTP and ssh on both sides (D2, D5, D15, D17)", seconds=90,
      needs=NEEDS)
def command_lines(t):
    net, gw, machine = world(t)
    servers_of_four(t, net, machine)
    equal(machine.type(NO_LOCAL_TELNET), "", "what it says")
    telnet_shows(net, TARGET, "this is four")
    equal(banner(net.six, OWN, 23), "refused", "telnet to the gateway without a local server")
    (service,) = gw.status()["services"]
    contains(machine.type(LOCAL_TELNET, rc=1), f"port 23 is in use: faithd (process {service['pid']}) serves it", "a second one")
    machine.type(f"kill {service['pid']}")
    wait_for(lambda: gw.status()["services"][0]["state"] == "gone", "the end of the first")
    for line in (LOCAL_TELNET, LOCAL_FTP, SSH):
        equal(machine.type(line), "", f"what `{line}` says")
    equal([(s["port"], s["state"]) for s in gw.status()["services"]], [(port, "listening") for port in (21, 22, 23)], "services")

    telnet_shows(net, TARGET, "this is four")
    telnet_shows(net, OWN, "dual login:")
    ftp_and_ssh_meet_four(t, net)
    equal(banner(net.six, OWN, 22), "refused", "ssh to the gateway without a local server")


@test("manual: its faithd.conf, by faith-gw load and by faithd (D24, D27, D28)", needs=NEEDS)
def access_control(t):
    net, gw, machine = world(t)
    Banner(net.four, FOUR, 23)
    machine.type(NO_LOCAL_TELNET)
    with gw.counts(SERVICE_STEERED=more(1), ACL_DENY=0, ACL_NO_MATCH=0):
        equal(banner(net.six, TARGET, 23), "four", "a permitted location")
    with gw.counts(ACL_DENY=more(1)):
        equal(banner(net.six, on("10.1.1.1", PREFIX), 23), "refused", "10.0.0.0/8")
    with gw.counts(NEVER_TARGET=more(1)):
        equal(banner(net.six, on("127.0.0.1", PREFIX), 23), "refused", "127.0.0.0/8, which no list opens")
    with gw.counts(ACL_NO_MATCH=more(1)):
        equal(banner(net.six, TARGET, 23, source=("2001:db8:6::2", 0)), "refused", "another client")
    said = machine.type(f"faith-gw explain {CLIENT} 10.1.1.1 23", rc=1)
    contains(said, "/etc/faithd.conf:6: 3ffe:501:ffff::/48 deny 10.0.0.0/8", "explain")
    contains(machine.type("faith-gw check"), "/etc/faithd.conf", "check")


@test("manual: its lines of inetd.conf, all three by one inetd, tcp6 for tcp6/faith and a path for faithd (D60, D61, D62)", seconds=90,
      needs=NEEDS)
def inetd_lines(t):
    net, gw, machine = world(t)
    servers_of_four(t, net, machine)
    # Unchanged they are taken without a word, and are IPv4's.
    program = Program(net.dual, *machine.argv("dual", INETD, "-d", t.write("inetd.conf", INETD_CONF)), port=22)
    said = machine.type(f"faith-gw capture --pid {program.process.pid} --all", rc=1)
    contains(said, "is a socket of IPv4, where no connection to an IPv6 prefix can arrive", "with tcp6/faith")
    program.end()
    lines = INETD_CONF.replace("tcp6/faith", "tcp6      ").replace(" faithd ", f" {FAITHD} ")
    program = Program(net.dual, *machine.argv("dual", INETD, "-d", t.write("inetd.conf", lines)), port=22)
    said = machine.type(f"faith-gw capture --pid {program.process.pid} --all")
    equal(said, "".join(f"port {port} is captured by inetd (process {program.process.pid})\n" for port in (21, 22, 23)), "capture")

    telnet_shows(net, TARGET, "this is four")
    telnet_shows(net, OWN, "dual login:")
    ftp_and_ssh_meet_four(t, net)
    equal(ssh_server(t, net, OWN), OWN, "ssh on the gateway")
    check(gw.reasons()["SERVICE_STEERED"] >= 5, "connections that inetd had of the prefix")


if __name__ == "__main__":
    main()
