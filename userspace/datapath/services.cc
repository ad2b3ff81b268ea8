/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/services.h"

#include "faith/names.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace faith::datapath {

namespace {

/* Released when the descriptor closes, also by a process that dies. bpffs takes locks on
 * directories. */
Result<sys::UniqueFd> lock_directory(const std::string &path) {
    sys::UniqueFd directory(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!directory)
        return system_error(errno, "open the directory of the pins");
    while (::flock(directory.get(), LOCK_EX) != 0)
        if (errno != EINTR)
            return system_error(errno, "lock the directory of the pins");
    return directory;
}

Service service_of(std::uint32_t port, const fgw_service &entry, bool listening) {
    return Service{.port = static_cast<std::uint16_t>(port),
                   .program =
                       std::string(entry.program, ::strnlen(entry.program, sizeof entry.program)),
                   .pid = entry.pid,
                   .listening = listening};
}

Result<std::optional<Service>> find_service(const Maps &maps, std::uint16_t port) {
    TRY_ASSIGN(const auto entry, maps.services.find(port));
    if (!entry)
        return std::optional<Service>();
    TRY_ASSIGN(const auto cookie, maps.service_socks.find(port));
    return std::optional(service_of(port, *entry, cookie.has_value()));
}

Error taken(const Service &service) {
    return Error{.kind = Errc::Busy,
                 .sys_errno = 0,
                 .text = "port " + std::to_string(service.port) + " is captured by " +
                         owner_of(service) + ", which listens on it (faith-gw capture --release " +
                         std::to_string(service.port) + " gives it back)"};
}

/* Of one map, for callers that come often. */
Result<sys::UniqueFd> open_map(const Pins &pins, const char *name) {
    sys::UniqueFd map(bpf_obj_get(pins.path("maps", name).c_str()));
    if (!map)
        return system_error(errno, std::string("open the pinned map ") + name);
    return map;
}

fgw_expected_key make_key(const DataPortOfService &data) {
    fgw_expected_key key{};
    std::copy(data.client.bytes.begin(), data.client.bytes.end(), key.client);
    std::copy(data.destination.bytes.begin(), data.destination.bytes.end(), key.destination);
    key.port = data.port;
    return key;
}

} // namespace

std::string owner_of(const Service &service) {
    return service.program + " (process " + std::to_string(service.pid) + ")";
}

Result<std::vector<Service>> list_services(const Maps &maps) {
    TRY_ASSIGN(const auto entries, maps.services.entries());
    std::vector<Service> services;
    for (const auto &[port, entry] : entries) {
        TRY_ASSIGN(const auto cookie, maps.service_socks.find(port));
        services.push_back(service_of(port, entry, cookie.has_value()));
    }
    std::ranges::sort(services, {}, &Service::port);
    return services;
}

Result<Services> Services::open(const Pins &pins) {
    if (::access(pins.directory().c_str(), F_OK) != 0 && errno == EACCES)
        return system_error(EACCES, "look for the gateway's pins; this needs root");
    if (!pins.exists()) { // says why not
        TRY_ASSIGN(PinnedMaps none, open_pinned_maps(pins));
        static_cast<void>(none);
    }
    TRY_ASSIGN(sys::UniqueFd lock, lock_directory(pins.directory()));
    TRY_ASSIGN(PinnedMaps pinned, open_pinned_maps(pins));
    return Services(std::move(lock), std::move(pinned));
}

Status Services::capture(const Offer &offer) const {
    const Maps &maps = pinned_.maps;
    TRY_ASSIGN(const auto present, find_service(maps, offer.port));
    TRY_ASSIGN(const auto cookie, maps.service_socks.find(offer.port));
    if (present && cookie && *cookie != offer.cookie)
        return taken(*present);
    fgw_service entry{};
    entry.cookie = offer.cookie;
    entry.pid = offer.pid;
    std::strncpy(entry.program, offer.program.c_str(), sizeof entry.program - 1);
    TRY(maps.service_socks.put(offer.port, static_cast<std::uint64_t>(offer.socket)));
    /* COMMIT: from here on the port is this program's. */
    Status put = maps.services.put(offer.port, entry);
    if (put)
        return Ok{};
    if (!present)
        static_cast<void>(maps.service_socks.erase(offer.port));
    if (put.error().sys_errno == E2BIG)
        return Error{.kind = Errc::Unsupported,
                     .sys_errno = E2BIG,
                     .text = "more than " + std::to_string(FGW_MAX_SERVICES) + " captured ports"};
    return put;
}

Result<Service> Services::release(std::uint16_t port) const {
    TRY_ASSIGN(const auto present, find_service(pinned_.maps, port));
    if (!present)
        return Error{.kind = Errc::System,
                     .sys_errno = 0,
                     .text = "port " + std::to_string(port) + " is not captured by any program"};
    /* COMMIT: whoever serves other ports serves this one now. */
    TRY(pinned_.maps.services.erase(port));
    TRY(pinned_.maps.service_socks.erase(port));
    return *present;
}

Result<std::uint32_t> Services::identity() const {
    bpf_map_info info{};
    std::uint32_t size = sizeof info;
    if (bpf_obj_get_info_by_fd(pinned_.maps.services.fd(), &info, &size) != 0)
        return system_error(errno, "ask about a map");
    return info.id;
}

Status expect_data(const Pins &pins, const DataPortOfService &data,
                   std::chrono::nanoseconds longest) {
    TRY_ASSIGN(const sys::UniqueFd map, open_map(pins, FGW_MAP_SERVICE_DATA));
    /* The clock of bpf_ktime_get_ns(). */
    const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
    return MapRef<fgw_expected_key, fgw_service_data>(map.get()).put(
        make_key(data), {.until_ns = static_cast<std::uint64_t>((now + longest).count()),
                         .service = data.service,
                         .pad = 0});
}

Status forget_data(const Pins &pins, const DataPortOfService &data) {
    TRY_ASSIGN(const sys::UniqueFd map, open_map(pins, FGW_MAP_SERVICE_DATA));
    return MapRef<fgw_expected_key, fgw_service_data>(map.get()).erase(make_key(data));
}

} // namespace faith::datapath
