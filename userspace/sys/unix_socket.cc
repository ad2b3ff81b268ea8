/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/unix_socket.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace faith::sys {

namespace {

Result<sockaddr_un> address_of(const std::string &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        return invalid("socket path too long: " + path);
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

const sockaddr *generic(const sockaddr_un &address) {
    return reinterpret_cast<const sockaddr *>(&address);
}

} // namespace

Result<UniqueFd> listen_unix(const std::string &path) {
    TRY_ASSIGN(const sockaddr_un address, address_of(path));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!fd)
        return system_error(errno, "make the control socket");
    ::unlink(path.c_str());
    /* fchmod on the unbound socket sets the mode the file is born with. */
    if (::fchmod(fd.get(), 0600) != 0 || ::bind(fd.get(), generic(address), sizeof address) != 0 ||
        ::listen(fd.get(), 16) != 0)
        return system_error(errno, "listen on " + path);
    return fd;
}

Result<UniqueFd> connect_unix(const std::string &path) {
    TRY_ASSIGN(const sockaddr_un address, address_of(path));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd)
        return system_error(errno, "make a socket");
    if (::connect(fd.get(), generic(address), sizeof address) != 0)
        return system_error(errno, "connect to " + path);
    return fd;
}

Result<UniqueFd> accept_unix(int listener) {
    UniqueFd fd(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
    if (!fd && errno != EAGAIN && errno != ECONNABORTED && errno != EINTR)
        return system_error(errno, "accept on the control socket");
    return fd;
}

Status set_timeouts(int fd, Millis longest) {
    const timeval time{.tv_sec = longest.count() / 1000,
                       .tv_usec = (longest.count() % 1000) * 1000};
    if (::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time) != 0 ||
        ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) != 0)
        return system_error(errno, "set socket timeouts");
    return Ok{};
}

Status send_line(int fd, std::string_view line) {
    std::string whole(line);
    whole += '\n';
    std::size_t sent = 0;
    while (sent < whole.size()) {
        const ssize_t n = ::send(fd, whole.data() + sent, whole.size() - sent, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return system_error(errno, "send on the control socket");
        sent += static_cast<std::size_t>(n);
    }
    return Ok{};
}

Result<std::string> receive_line(int fd, std::size_t longest_bytes) {
    return LineReader(fd, longest_bytes).next();
}

Result<std::size_t> send_now(int fd, std::string_view bytes) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0)
        return static_cast<std::size_t>(sent);
    if (errno == EAGAIN || errno == EINTR)
        return std::size_t{0};
    return system_error(errno, "send on the control socket");
}

Result<std::string> LineReader::next() {
    std::size_t newline = read_.find('\n');
    while (newline == std::string::npos && read_.size() <= longest_) {
        char chunk[4096];
        const ssize_t n = ::recv(fd_, chunk, sizeof chunk, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return system_error(errno, "receive on the control socket");
        if (n == 0)
            return system_error(EPIPE, "the peer closed the control socket");
        read_.append(chunk, static_cast<std::size_t>(n));
        newline = read_.find('\n');
    }
    if (newline == std::string::npos)
        return invalid("a control message longer than " + std::to_string(longest_) + " bytes");
    std::string line = read_.substr(0, newline);
    read_.erase(0, newline + 1);
    return line;
}

Result<int> peer_pid(int fd) {
    ucred credentials{};
    socklen_t length = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &length) != 0)
        return system_error(errno, "ask who is behind the control socket");
    return credentials.pid;
}

} // namespace faith::sys
