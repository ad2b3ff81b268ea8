/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/capture.h"

#include "sys/process_socket.h"
#include "sys/program.h"

#include <charconv>

namespace faith::daemon {

namespace {

Error unit_error(const std::string &unit, const std::string &what) {
    return Error{.kind = Errc::System, .sys_errno = 0, .text = "unit " + unit + " " + what};
}

/* The value behind "KEY=" at the start of a line. */
std::string_view value_of(std::string_view lines, std::string_view key) {
    while (!lines.empty()) {
        const std::size_t end = std::min(lines.find('\n'), lines.size());
        const std::string_view line = lines.substr(0, end);
        if (line.size() > key.size() && line.starts_with(key) && line[key.size()] == '=')
            return line.substr(key.size() + 1);
        lines.remove_prefix(std::min(end + 1, lines.size()));
    }
    return {};
}

} // namespace

Result<datapath::Services> open_services(const Instance &instance) {
    Result<datapath::Services> services =
        datapath::Services::open(datapath::Pins(instance.netns_inode));
    if (!services && services.error().kind == Errc::NotLoaded)
        return Error{.kind = Errc::NotLoaded,
                     .sys_errno = 0,
                     .text = "no prefix is captured in this network namespace: first run "
                             "`faith-gw load IFACE --no-relay` (without --no-relay the relay "
                             "serves all other ports)"};
    return services;
}

namespace {

Result<Json> capture_one(const datapath::Services &services, int pid,
                         const sys::ProcessSocket &socket) {
    const datapath::Services::Offer offer{.socket = socket.fd.get(),
                                          .cookie = socket.cookie,
                                          .port = socket.bound.port,
                                          .pid = static_cast<std::uint32_t>(pid),
                                          .program = sys::process_name(pid)};
    TRY(services.capture(offer));
    Json report = to_json(datapath::Service{
        .port = offer.port, .program = offer.program, .pid = offer.pid, .listening = true});
    report["fd"] = socket.number;
    return report;
}

} // namespace

Result<Json> capture(const Instance &instance, int pid, std::optional<int> fd) {
    TRY_ASSIGN(const datapath::Services services, open_services(instance));
    TRY_ASSIGN(const sys::ProcessSocket socket,
               fd ? sys::take_listener(pid, *fd) : sys::take_only_listener(pid));
    return capture_one(services, pid, socket);
}

Result<Json> capture_all(const Instance &instance, int pid) {
    TRY_ASSIGN(const datapath::Services services, open_services(instance));
    TRY_ASSIGN(const std::vector<sys::ProcessSocket> sockets, sys::take_listeners(pid));
    Json reports = Json::array();
    std::string before;
    for (const sys::ProcessSocket &socket : sockets) {
        Result<Json> report = capture_one(services, pid, socket);
        if (!report) {
            Error error = std::move(report).error();
            error.text += before.empty() ? "; nothing was captured" : "; captured are" + before;
            return error;
        }
        before += " " + std::to_string(socket.bound.port);
        reports.push_back(*std::move(report));
    }
    return reports;
}

Result<Json> release(const Instance &instance, std::uint16_t port) {
    TRY_ASSIGN(const datapath::Services services, open_services(instance));
    TRY_ASSIGN(const datapath::Service released, services.release(port));
    return to_json(released);
}

Result<int> main_pid_of(const std::string &unit) {
    TRY_ASSIGN(const std::string shown,
               sys::output_of({"systemctl", "show", "--property=LoadState,MainPID", "--", unit}));
    return read_main_pid(shown, unit);
}

Result<int> read_main_pid(std::string_view shown, const std::string &unit) {
    const std::string_view state = value_of(shown, "LoadState");
    if (state == "not-found")
        return unit_error(unit, "is not known to systemd");
    const std::string_view word = value_of(shown, "MainPID");
    int pid = 0;
    const auto [end, failed] = std::from_chars(word.data(), word.data() + word.size(), pid);
    if (failed != std::errc() || end != word.data() + word.size() || pid < 0)
        return unit_error(unit, "has no MainPID that systemctl would tell");
    if (pid == 0)
        return unit_error(unit, "has no main process: it does not run, or is no service");
    return pid;
}

Json to_json(const datapath::Service &service) {
    return {{"port", service.port},
            {"program", service.program},
            {"pid", service.pid},
            {"state", service.listening ? "listening" : "gone"}};
}

} // namespace faith::daemon
