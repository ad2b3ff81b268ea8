/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/local_service.h"

#include "base/log.h"

namespace faith::daemon {

namespace {

std::string address_of(const sys::Endpoint6 &endpoint) {
    std::string text = to_string(endpoint.address);
    if (endpoint.scope != 0)
        text += "%" + std::to_string(endpoint.scope);
    return text;
}

} // namespace

std::vector<std::string> local_environment(const sys::Endpoint6 &client) {
    return {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "REMOTE_ADDR=" + address_of(client), "REMOTE_PORT=" + std::to_string(client.port)};
}

std::string to_string(const sys::Endpoint6 &endpoint) {
    return "[" + address_of(endpoint) + "]:" + std::to_string(endpoint.port);
}

LocalService::LocalService(sys::EventLoop &loop, const sys::Clock &clock, std::uint16_t port,
                           const config::Local &local, int descriptors)
    : loop_(loop), clock_(clock), port_(port), descriptors_(descriptors), local_(local),
      limits_(clock, local.most, local.rate), damper_(clock) {}

void LocalService::change(const config::Local &local) {
    const bool same_limits = local.most == local_.most && local.rate == local_.rate;
    local_ = local;
    if (!same_limits) /* else a reload would refill what an attacker has used up */
        limits_ = LocalLimits(clock_, local.most, local.rate);
}

void LocalService::serve(sys::UniqueFd connection, const sys::Endpoint6 &client) {
    if (!admit(to_string(client))) {
        ++refused_;
        return;
    }
    if (Status started = start(connection.get(), client); !started) {
        ++refused_;
        log::error(name() + ": connection of " + to_string(client) +
                   " closed: " + started.error().text);
        return;
    }
    ++started_;
    log::info(name() + ": executing " + local_.path + " for " + to_string(client));
}

bool LocalService::admit(const std::string &client) {
    std::string why;
    switch (limits_.admit(running_.size())) {
    case LocalLimits::Verdict::Run:
        return true;
    case LocalLimits::Verdict::TooMany:
        why = std::to_string(running_.size()) + " are running, as many as may (local_max)";
        break;
    case LocalLimits::Verdict::TooFast:
        why = "more than " + std::to_string(local_.rate) + " a second (local_rate)";
        break;
    }
    const std::optional<std::uint64_t> left_out = damper_.tell();
    if (left_out)
        log::warning(name() + ": connection of " + client + " closed: " + why +
                     (*left_out == 0 ? "" : "; so were " + std::to_string(*left_out) + " before"));
    return false;
}

Status LocalService::start(int connection, const sys::Endpoint6 &client) {
    TRY_ASSIGN(sys::Child child,
               sys::spawn_on(connection, sys::Program{.path = local_.path,
                                                      .argv = local_.argv,
                                                      .environment = local_environment(client),
                                                      .descriptors = descriptors_}));
    Result<sys::Watch> watch =
        loop_.watch(child.handle.get(), sys::Interest{.read = true, .write = false},
                    [this, pid = child.pid](sys::Ready) { on_end(pid); });
    if (!watch) {
        sys::end_child(child);
        return std::move(watch).error();
    }
    const int pid = child.pid;
    running_.emplace(pid, Running{.child = std::move(child), .watch = *std::move(watch)});
    return Ok{};
}

void LocalService::on_end(int pid) {
    const auto found = running_.find(pid);
    const std::optional<sys::Ended> ended = sys::reap(found->second.child);
    if (!ended)
        return;
    if (ended->status != 0 || ended->signal != 0)
        log::warning(name() + ": process " + std::to_string(pid) + " of " + local_.path +
                     " ended: " + sys::to_string(*ended));
    running_.erase(found);
}

LocalService::Counts LocalService::counts() const {
    return {.running = running_.size(), .started = started_, .refused = refused_};
}

std::string LocalService::name() const { return "local service " + std::to_string(port_); }

} // namespace faith::daemon
