/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/control.h"

#include <utility>

namespace faith::relay {

using sys::Accepted;
using sys::Accepted4;

bool Awaited::open(ControlTools &tools, sys::UniqueFd listener, Guest guest) {
    if (!listener || listener.get() >= tools.ceiling)
        return false;
    Result<sys::Watch> watch =
        tools.loop.watch(listener.get(), sys::Interest{.read = true, .write = false},
                         [this](sys::Ready) { look(); });
    if (!watch)
        return false;
    tools_ = &tools;
    listener_ = std::move(listener);
    watch_ = *std::move(watch);
    guest_ = std::move(guest);
    return true;
}

void Awaited::close() {
    watch_ = sys::Watch{};
    listener_.reset();
}

void Awaited::look() {
    while (listener_) {
        Accepted4 accepted = sys::accept4(listener_.get());
        if (accepted.kind == Accepted::Kind::Aborted)
            continue;
        if (accepted.kind == Accepted::Kind::Again)
            return;
        if (accepted.kind != Accepted::Kind::Got) {
            tools_->stats.reasons[FGW_OUT_OF_FDS].add(1);
            close(); /* which resets it; left in the queue it would wake the loop for ever */
            return;
        }
        if (!guest_.admitted(accepted.peer)) {
            tools_->stats.reasons[guest_.stranger].add(1);
            sys::reset_on_close(accepted.fd.get());
            continue;
        }
        close();
        const auto welcome = std::exchange(guest_.welcome, {});
        welcome(std::move(accepted));
    }
}

} // namespace faith::relay
