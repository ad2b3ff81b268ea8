/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/local_services.h"

#include "base/log.h"

#include <algorithm>
#include <cerrno>

namespace faith::daemon {

namespace {

constexpr sys::Interest reading{.read = true, .write = false};

/* A descriptor may come free anywhere in the process, and nobody tells. */
constexpr sys::Millis retry_after{100};

Error listen_failure(Error error, const config::Service &service) {
    if (error.sys_errno == EADDRINUSE) {
        error.kind = Errc::Busy;
        error.text += " (another program serves the gateway's own addresses on this port; end "
                      "it, or leave local out)";
    }
    return std::move(error).wrap("local service " + std::to_string(service.port));
}

} // namespace

LocalServices::LocalServices(sys::EventLoop &loop, const sys::Clock &clock, IsOwn is_own,
                             int descriptors)
    : loop_(loop), clock_(clock), is_own_(std::move(is_own)), descriptors_(descriptors) {}

Result<LocalServices::Opened> LocalServices::open(const std::vector<config::Service> &services) {
    Opened opened;
    for (const config::Service &service : services) {
        const auto present = entries_.find(service.port);
        if (service.local.path.empty() || (present != entries_.end() && present->second.listener))
            continue;
        Result<sys::UniqueFd> socket = sys::listen_on_own6(service.port);
        if (!socket)
            return listen_failure(std::move(socket).error(), service);
        TRY_ASSIGN(sys::Watch watch,
                   loop_.watch(socket->get(), sys::Interest{},
                               [this, port = service.port](sys::Ready) { on_connection(port); }));
        opened.emplace(
            service.port,
            Listener{.socket = *std::move(socket), .watch = std::move(watch), .retry = {}});
    }
    return opened;
}

void LocalServices::commit(Opened opened, const std::vector<config::Service> &services) {
    const auto wanted = [&](std::uint16_t port) {
        return std::any_of(services.begin(), services.end(), [port](const config::Service &s) {
            return s.port == port && !s.local.path.empty();
        });
    };
    for (auto &[port, entry] : entries_)
        if (!wanted(port))
            entry.listener.reset();
    std::erase_if(entries_, [](const auto &one) {
        return !one.second.listener && one.second.service.counts().running == 0;
    });
    for (const config::Service &service : services) {
        if (service.local.path.empty())
            continue;
        const auto [entry, is_new] = entries_.try_emplace(
            service.port,
            Entry{.service = LocalService(loop_, clock_, service.port, service.local, descriptors_),
                  .listener = {}});
        if (!is_new)
            entry->second.service.change(service.local);
        if (const auto fresh = opened.find(service.port); fresh != opened.end()) {
            entry->second.listener = std::move(fresh->second);
            /* Only what is registered changes: this needs no memory. */
            static_cast<void>(entry->second.listener->watch.want(reading));
        }
    }
}

void LocalServices::on_connection(std::uint16_t port) {
    const auto found = entries_.find(port);
    if (found == entries_.end() || !found->second.listener)
        return;
    sys::Accepted accepted = sys::accept6(found->second.listener->socket.get());
    switch (accepted.kind) {
    case sys::Accepted::Kind::Got:
        welcome(found->second, std::move(accepted));
        return;
    case sys::Accepted::Kind::Again:
    case sys::Accepted::Kind::Aborted:
        return;
    case sys::Accepted::Kind::Failed:
        log::error("local service " + std::to_string(port) + ": " +
                   system_error(accepted.error, "accept").text);
        break;
    case sys::Accepted::Kind::OutOfFds:
        break;
    }
    pause(port);
}

void LocalServices::welcome(Entry &entry, sys::Accepted accepted) {
    const Result<sys::Endpoint6> local = sys::local6(accepted.fd.get());
    const Result<bool> own = local ? is_own_(*local) : local.error();
    if (!own)
        log::error("connection of " + to_string(accepted.peer) +
                   " to a local service reset: " + own.error().text);
    if (own && *own)
        entry.service.serve(std::move(accepted.fd), accepted.peer);
    else /* an address that is delivered here by a route alone is nobody's to answer for */
        sys::reset_on_close(accepted.fd.get());
}

/* The connection waits in the queue. */
void LocalServices::pause(std::uint16_t port) {
    Listener &listener = *entries_.at(port).listener;
    static_cast<void>(listener.watch.want(sys::Interest{}));
    listener.retry = loop_.after(retry_after, [this, port] {
        if (const auto found = entries_.find(port);
            found != entries_.end() && found->second.listener)
            static_cast<void>(found->second.listener->watch.want(reading));
    });
}

std::vector<LocalServices::Report> LocalServices::report() const {
    std::vector<Report> all;
    for (const auto &[port, entry] : entries_)
        all.push_back(
            {.port = port, .path = entry.service.path(), .counts = entry.service.counts()});
    return all;
}

} // namespace faith::daemon
