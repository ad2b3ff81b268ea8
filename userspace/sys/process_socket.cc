/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/process_socket.h"

#include <asm/socket.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

namespace faith::sys {

namespace fs = std::filesystem;

namespace {

std::string described(int pid) {
    return "process " + std::to_string(pid) + " (" + process_name(pid) + ")";
}

Error no_process(int pid) {
    return Error{.kind = Errc::System,
                 .sys_errno = ESRCH,
                 .text = "there is no process " + std::to_string(pid)};
}

Error may_not_look(int pid, int number) {
    return system_error(number,
                        "look into " + described(pid) + ", which needs root or CAP_SYS_PTRACE");
}

Result<UniqueFd> open_process(int pid) {
    UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (process)
        return process;
    if (errno == EINVAL)
        return Error{.kind = Errc::System,
                     .sys_errno = EINVAL,
                     .text = std::to_string(pid) + " is no process, at best a thread of one"};
    if (errno == ESRCH)
        return no_process(pid);
    return system_error(errno, "open process " + std::to_string(pid));
}

Result<UniqueFd> copy_descriptor(int process, int pid, int number) {
    UniqueFd copy(static_cast<int>(::syscall(SYS_pidfd_getfd, process, number, 0)));
    if (copy)
        return copy;
    if (errno == EBADF)
        return Error{.kind = Errc::System,
                     .sys_errno = EBADF,
                     .text = described(pid) + " has no descriptor " + std::to_string(number)};
    if (errno == ESRCH)
        return no_process(pid);
    return may_not_look(pid, errno);
}

/* SO_TYPE and the like; nothing when it is no socket. */
std::optional<int> option(int socket, int name) {
    int value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(socket, SOL_SOCKET, name, &value, &size) != 0)
        return std::nullopt;
    return value;
}

std::optional<std::uint64_t> wide_option(int socket, int name) {
    std::uint64_t value = 0;
    socklen_t size = sizeof value;
    if (::getsockopt(socket, SOL_SOCKET, name, &value, &size) != 0)
        return std::nullopt;
    return value;
}

/* Why it is no listener for us; "" when it is one. */
std::string objection(int socket) {
    const std::optional<int> type = option(socket, SO_TYPE);
    if (!type)
        return "is no socket";
    if (type != SOCK_STREAM || (option(socket, SO_PROTOCOL) != IPPROTO_TCP &&
                                option(socket, SO_PROTOCOL) != IPPROTO_MPTCP))
        return "is no TCP socket";
    if (option(socket, SO_DOMAIN) == AF_INET)
        return "is a socket of IPv4, where no connection to an IPv6 prefix can arrive";
    if (option(socket, SO_DOMAIN) != AF_INET6)
        return "is no IPv6 socket";
    if (option(socket, SO_ACCEPTCONN) != 1)
        return "is a TCP socket that does not listen";
    if (option(socket, SO_PROTOCOL) == IPPROTO_MPTCP)
        return "speaks MPTCP, and the kernel gives only plain TCP sockets to sk_lookup "
               "(programs in Go: GODEBUG=multipathtcp=0)";
    const UniqueFd here(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (wide_option(socket, SO_NETNS_COOKIE) != wide_option(here.get(), SO_NETNS_COOKIE))
        return "belongs to another network namespace: capture it from there "
               "(nsenter --net=/proc/PID/ns/net)";
    return {};
}

Result<ProcessSocket> listener_from(UniqueFd fd, int number) {
    TRY_ASSIGN(const Endpoint6 bound, local6(fd.get()));
    TRY_ASSIGN(const std::uint64_t cookie, cookie_of(fd.get()));
    return ProcessSocket{.fd = std::move(fd), .number = number, .bound = bound, .cookie = cookie};
}

/* Those that are sockets. */
Result<std::vector<int>> socket_numbers(int pid) {
    std::vector<int> numbers;
    std::error_code failed;
    const fs::path directory = "/proc/" + std::to_string(pid) + "/fd";
    for (fs::directory_iterator entry(directory, failed), end; !failed && entry != end;
         entry.increment(failed)) {
        std::error_code gone;
        if (!fs::read_symlink(entry->path(), gone).string().starts_with("socket:"))
            continue;
        const std::string name = entry->path().filename();
        int number = 0;
        if (std::from_chars(name.data(), name.data() + name.size(), number).ec == std::errc())
            numbers.push_back(number);
    }
    if (failed)
        return may_not_look(pid, failed.value());
    std::ranges::sort(numbers);
    return numbers;
}

struct Candidates {
    std::vector<ProcessSocket> good;
    std::string others; /* what listens but cannot be taken */
};

Status consider(UniqueFd fd, int number, Candidates &candidates) {
    if (const std::string why_not = objection(fd.get()); !why_not.empty()) {
        if (option(fd.get(), SO_ACCEPTCONN) == 1)
            candidates.others += "; descriptor " + std::to_string(number) + " " + why_not;
        return Ok{};
    }
    TRY_ASSIGN(ProcessSocket one, listener_from(std::move(fd), number));
    /* The same socket twice, or one more of a SO_REUSEPORT group: the kernel spreads
     * connections over the group whichever of them is captured. */
    const bool known = std::ranges::any_of(candidates.good, [&](const ProcessSocket &other) {
        return other.bound.port == one.bound.port && other.bound.address == one.bound.address;
    });
    if (!known)
        candidates.good.push_back(std::move(one));
    return Ok{};
}

Error too_many(int pid, const std::vector<ProcessSocket> &sockets) {
    std::string list;
    for (const ProcessSocket &socket : sockets)
        list += (list.empty() ? "" : ", ") + std::string("--fd ") + std::to_string(socket.number) +
                " is [" + to_string(socket.bound.address) +
                "]:" + std::to_string(socket.bound.port);
    return Error{.kind = Errc::System,
                 .sys_errno = 0,
                 .text = described(pid) + " listens on several TCP sockets over IPv6: " + list +
                         "; --all takes all of them"};
}

Result<std::vector<ProcessSocket>> candidates_of(int pid) {
    TRY_ASSIGN(const UniqueFd process, open_process(pid));
    TRY_ASSIGN(const std::vector<int> numbers, socket_numbers(pid));
    Candidates candidates;
    for (const int number : numbers) {
        Result<UniqueFd> fd = copy_descriptor(process.get(), pid, number);
        if (!fd && fd.error().sys_errno == EBADF)
            continue; // closed meanwhile
        if (!fd)
            return std::move(fd).error();
        TRY(consider(*std::move(fd), number, candidates));
    }
    if (candidates.good.empty())
        return Error{.kind = Errc::System,
                     .sys_errno = 0,
                     .text = described(pid) + " has no TCP socket over IPv6 that listens" +
                             candidates.others};
    return std::move(candidates.good);
}

} // namespace

Result<std::uint64_t> cookie_of(int socket) {
    const std::optional<std::uint64_t> cookie = wide_option(socket, SO_COOKIE);
    if (!cookie)
        return system_error(errno, "ask for the cookie of a socket");
    return *cookie;
}

std::string process_name(int pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/comm");
    std::string name;
    return std::getline(file, name) ? name : "?";
}

Result<ProcessSocket> take_listener(int pid, int number) {
    TRY_ASSIGN(const UniqueFd process, open_process(pid));
    TRY_ASSIGN(UniqueFd fd, copy_descriptor(process.get(), pid, number));
    if (const std::string why_not = objection(fd.get()); !why_not.empty())
        return Error{.kind = Errc::System,
                     .sys_errno = 0,
                     .text = "descriptor " + std::to_string(number) + " of " + described(pid) +
                             " " + why_not};
    return listener_from(std::move(fd), number);
}

Result<ProcessSocket> take_only_listener(int pid) {
    TRY_ASSIGN(std::vector<ProcessSocket> good, candidates_of(pid));
    if (good.size() > 1)
        return too_many(pid, good);
    return std::move(good.front());
}

Result<std::vector<ProcessSocket>> take_listeners(int pid) {
    TRY_ASSIGN(std::vector<ProcessSocket> good, candidates_of(pid));
    const auto port = [](const ProcessSocket &one) { return one.bound.port; };
    std::ranges::stable_sort(good, {}, port);
    const auto rest = std::ranges::unique(good, {}, port);
    good.erase(rest.begin(), rest.end());
    return good;
}

} // namespace faith::sys
