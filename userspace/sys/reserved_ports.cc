/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/reserved_ports.h"

#include <algorithm>
#include <cerrno>

namespace faith::sys {

template <class Try>
bool ReservedPorts::search(Try attempt) {
    for (int tried = 0; tried <= high_ - low_; ++tried) {
        last_ = last_ == low_ ? high_ : static_cast<std::uint16_t>(last_ - 1);
        if (!attempt(last_))
            return true;
    }
    return false;
}

bool ReservedPorts::is_known(const InVain &search) const {
    const auto found = std::ranges::find(in_vain_, search);
    return found != in_vain_.end() && clock_.now() < found->until;
}

void ReservedPorts::remember(InVain search) {
    search.until = clock_.now() + believed_for;
    const auto found = std::ranges::find(in_vain_, search);
    if (found != in_vain_.end())
        *found = search;
    else
        in_vain_[next_in_vain_++ % in_vain_.size()] = search;
}

Connect ReservedPorts::connect4(UniqueFd &fd, Ip4 source, const Endpoint4 &target) {
    Connect outcome = Connect::NoPort;
    const InVain wanted{.source = source, .target = target, .until = {}};
    if (is_known(wanted))
        return outcome;
    const bool over = search([&](std::uint16_t port) {
        outcome = sys::connect4(fd.get(), Endpoint4{.address = source, .port = port}, target);
        if (outcome != Connect::NoPort)
            return false;
        /* It keeps its port for ever. The old one is closed first: there may be no descriptor
         * for a second one. */
        int error = 0;
        fd.reset();
        fd = open_tcp4(error);
        if (!fd)
            outcome = Connect::Unreachable;
        return static_cast<bool>(fd);
    });
    if (!over)
        remember(wanted);
    return outcome;
}

Dialled ReservedPorts::dial6(const Ip6 &source, const Endpoint6 &target) {
    Dialled dialled;
    (void)search([&](std::uint16_t port) {
        dialled = dial6_from(Endpoint6{.address = source, .port = port}, target);
        return dialled.fd && dialled.outcome == Connect::NoPort;
    });
    return dialled;
}

Result<UniqueFd> ReservedPorts::listen4(Ip4 address) {
    Result<UniqueFd> listener = UniqueFd{};
    const bool found = search([&](std::uint16_t port) {
        listener = sys::listen4(Endpoint4{.address = address, .port = port});
        return !listener && listener.error().sys_errno == EADDRINUSE;
    });
    if (!found)
        return system_error(EADDRINUSE, "every reserved port");
    return listener;
}

} // namespace faith::sys
