/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the programs tell the gateway: denials, and odd marks in tunnels, for the log. */
#include "daemon/gateway.h"

#include "base/log.h"
#include "daemon/event.h"

namespace faith::daemon {

Status Gateway::listen_to_kernel() {
    TRY_ASSIGN(datapath::Ring ring,
               datapath::open_event_ring(dataplane_->maps().events, [this](const fgw_event &event) {
                   on_kernel_event(event);
               }));
    ring_.emplace(std::move(ring));
    TRY_ASSIGN(ring_watch_, loop_->watch(ring_->fd(), sys::Interest{.read = true, .write = false},
                                         [this](sys::Ready) { drain_kernel_events(); }));
    return Ok{};
}

void Gateway::drain_kernel_events() {
    if (!ring_)
        return;
    if (Status drained = ring_->consume(); !drained)
        log::warning(drained.error().text);
}

void Gateway::on_kernel_event(const fgw_event &event) {
    const sys::Interface *interface = network_.by_index(event.interface_index);
    const std::string name =
        interface != nullptr ? interface->name : std::to_string(event.interface_index);
    if (is_of_tunnel(event)) { /* the kernel lets few of them through */
        log::info(name + ": " + describe_marks(event));
        return followers_.tell(event_json(event, nullptr, name));
    }
    /* A slot means what it meant in the event's own generation. */
    const RuleSetRef &rules = event.generation == generation_ ? rules_ : rules_before_;
    const acl::Rule *rule =
        rules ? deciding_rule(event.verdict, rules->rules, rules->by_slot) : nullptr;
    witness_(judgement_of(event, rule));
    followers_.tell(event_json(event, rule, name));
}

/* What is remembered; then, for who follows, a line for each that comes. */
void Gateway::do_events(const Json &request, Reply reply) {
    drain_kernel_events();
    std::uint64_t lost = 0;
    if (const auto sums = dataplane_->maps().events_lost.sums(1))
        lost = sums->front();
    const Json answer = {{"recent", followers_.recent()}, {"lost", lost}};
    if (!request.value("follow", false))
        return reply.give(answer);
    if (followers_.full())
        return reply.give(Error{.kind = Errc::Busy,
                                .sys_errno = 0,
                                .text = std::to_string(Followers::most) +
                                        " already follow the events; end one of them"});
    followers_.add(reply.begin(answer));
}

} // namespace faith::daemon
