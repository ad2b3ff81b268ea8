/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/session.h"

#include <algorithm>
#include <cassert>
#include <utility>

namespace faith::relay {

using sys::Interest;
using sys::Millis;
using sys::Ready;

namespace {

/*
 * A client that resets while its server is being dialled is noticed after this long;
 * before, its socket is not watched at all. Nearly every server answers sooner, and
 * then one system call per connection is saved.
 */
constexpr Millis unwatched_for{100};

/* A timeout of zero is none. */
Millis deadline(Millis from, Millis timeout) {
    return timeout > Millis{0} ? from + timeout : Millis::max();
}

} // namespace

/* --- beginning and end --------------------------------------------------------------------- */

void Session::start(SessionTools &tools, const Parties &parties, Ticket ticket,
                    sys::UniqueFd client, sys::UniqueFd server, DataLease lease) {
    begin(tools, parties, std::move(ticket), std::move(lease));
    client_ = std::move(client);
    server_ = std::move(server);
    const Dial &dial = parties_.dial;
    const Ip4 source = dial.source.value_or(Ip4{});
    const sys::Endpoint4 target{.address = dial.target, .port = dial.port};
    connecting(Side::Server,
               dial.reserved_port
                   ? tools.control.reserved.connect4(server_, source, target)
                   : sys::connect4(server_.get(), {.address = source, .port = 0}, target));
}

void Session::start_active(SessionTools &tools, ActiveData data, Ticket ticket,
                           sys::Dialled client) {
    begin(tools, data.parties, std::move(ticket), std::move(data.lease));
    client_ = std::move(client.fd);
    server_ = std::move(data.server);
    together_ = std::move(data.together);
    moved();
    connecting(Side::Client, client.outcome);
}

void Session::begin(SessionTools &tools, const Parties &parties, Ticket ticket, DataLease lease) {
    tools_ = &tools;
    phase_ = Phase::Connecting;
    parties_ = parties;
    ticket_ = std::move(ticket);
    lease_ = std::move(lease);
    started_ = active_ = tools.loop.now();
    tools.stats.sessions_opened.add(1);
}

void Session::connecting(Side dialled, sys::Connect outcome) {
    dialled_ = dialled;
    if (outcome == sys::Connect::NoPort || outcome == sys::Connect::NotAllowed)
        tools_->no_port(outcome, parties_);
    if (outcome != sys::Connect::Pending) {
        happen(not_connected(outcome));
        return;
    }
    if (!watch(dialled, Interest{.read = false, .write = true})) {
        stop();
        return;
    }
    timer_deadline_ =
        std::min(deadline(started_, parties_.dial.connect_timeout), started_ + unwatched_for);
    timer_ = tools_->loop.at(timer_deadline_, [this] { on_timer(); });
}

Event Session::not_connected(sys::Connect failure) const {
    if (failure == sys::Connect::NoPort || failure == sys::Connect::NotAllowed)
        return Event::NoPort;
    if (dialled_ == Side::Client)
        return together_ ? Event::NoRshClient : Event::NoClient;
    switch (failure) {
    case sys::Connect::Refused:
        return Event::Refused;
    case sys::Connect::TimedOut:
        return Event::TimedOut;
    default:
        return Event::Unreachable;
    }
}

void Session::stop() {
    if (live())
        happen(Event::Stop);
}

void Session::revoke() {
    if (live())
        happen(Event::Revoke);
}

Request Session::request() const {
    return Request{.client = parties_.client.address,
                   .destination = parties_.destination,
                   .port = parties_.dial.port,
                   .client_port = parties_.client.port};
}

/* The only place where a session changes its phase. */
void Session::happen(Event event) {
    const Step step = decide(phase_, event);
    assert(step.action != Action::Never);
    if (step.action == Action::Never)
        return;
    phase_ = step.next;
    if (step.reason)
        tools_->stats.reasons[*step.reason].add(1);
    switch (step.action) {
    case Action::Never:
        break;
    case Action::Start:
        open();
        break;
    case Action::FinToServer:
        sys::finish_sending(server_.get());
        hasten();
        break;
    case Action::FinToClient:
        sys::finish_sending(client_.get());
        hasten();
        break;
    case Action::Reset:
        /* close() in over() turns into a RST. */
        sys::reset_on_close(client_.get());
        sys::reset_on_close(server_.get());
        [[fallthrough]];
    case Action::Close:
        over();
        break;
    }
}

void Session::open() {
    lease_.connected();
    carrier_.open(tools_->control, parties_, client_.get(), server_.get(),
                  [this] { (void)settle(); });
    if (carrier_.rsh() != nullptr)
        together_ = carrier_.rsh()->together();
    moved();
    hasten();
    /* Most clients have spoken by now: one attempt, instead of a turn of the loop. */
    if (advance(Direction::Up, Pump::Told::Nothing))
        (void)settle();
}

/* The timer may stand for a later time than the new phase's limit, never mind an earlier. */
void Session::hasten() {
    const Millis quiet = quiet_deadline();
    if (quiet < timer_deadline_)
        timer_.set(timer_deadline_ = quiet);
}

void Session::moved() {
    active_ = tools_->loop.now();
    if (together_)
        *together_ = active_;
}

void Session::over() {
    carrier_.close(tools_->pumps);
    client_watch_.drop();
    server_watch_.drop();
    timer_ = sys::Timer{};
    client_.reset();
    server_.reset();
    ticket_ = Ticket{};
    lease_ = DataLease{};
    together_.reset();
    tools_->stats.sessions_closed.add(1);
    tools_->over(*this);
}

/* --- what epoll and the clock tell ---------------------------------------------------------- */

bool Session::watch(Side side, Interest interest) {
    Result<sys::Watch> watch = tools_->loop.watch(
        fd(side), interest, [this, side](Ready ready) { on_ready(side, ready); });
    if (!watch)
        return false;
    watch_of(side) = std::move(*watch);
    return true;
}

void Session::on_ready(Side side, Ready ready) {
    if (phase_ == Phase::Connecting) {
        on_ready_connecting(side, ready);
        return;
    }
    const Direction from = side == Side::Client ? Direction::Up : Direction::Down;
    const Direction to = side == Side::Client ? Direction::Down : Direction::Up;
    if (ready.write && carrier_.want_write(to) && !advance(to, Pump::Told::Nothing))
        return;
    if (ready.urgent)
        carrier_.urgent_told(from);
    /* Errors too come by way of recv(), after the bytes that arrived before them. */
    if ((ready.read || ready.ended || ready.error) && carrier_.want_read(from) &&
        !advance(from, ready.ended ? Pump::Told::Ended : Pump::Told::Readable))
        return;
    if (ready.error && sys::take_error(fd(side)) != 0) {
        happen(side == Side::Client ? Event::ClientReset : Event::ServerReset);
        return;
    }
    if (!settle())
        return;
    /* Shut both ways, but the other side still has to take what came from it: EPOLLHUP
     * is reported without being asked for, again and again. */
    if (ready.error && interest(side) == Interest{})
        watch_of(side).mute();
}

void Session::on_ready_connecting(Side side, Ready ready) {
    if (side != dialled_) {
        if (ready.error)
            happen(side == Side::Client ? Event::ClientReset : Event::ServerReset);
        return;
    }
    if (ready.error)
        happen(not_connected(sys::connect_failure(sys::take_error(fd(side)))));
    else if (ready.write)
        happen(Event::Connected);
}

/* A side that has ended, and another that neither goes on nor ends, are less patient. */
Millis Session::quiet_deadline() const {
    const FtpControl *control = carrier_.control();
    const Dial &dial = parties_.dial;
    const bool half = phase_ != Phase::Open && dial.half_closed_timeout > Millis{0};
    return deadline(control != nullptr ? control->active(active_) : last_moved(),
                    half ? dial.half_closed_timeout : dial.idle_timeout);
}

/*
 * One timer for everything. Activity stores the time and nothing more; the timer, when
 * it fires, looks how long ago that was and sleeps for the rest. So it is exact and
 * costs nothing per byte.
 */
void Session::on_timer() {
    const Millis now = tools_->loop.now();
    if (phase_ == Phase::Connecting) {
        timer_deadline_ = deadline(started_, parties_.dial.connect_timeout);
        if (now >= timer_deadline_)
            happen(not_connected(sys::Connect::TimedOut));
        else if (watch_of(other(dialled_)) || watch(other(dialled_), Interest{}))
            timer_.set(timer_deadline_);
        else
            stop();
        return;
    }
    timer_deadline_ = quiet_deadline();
    if (now >= timer_deadline_)
        happen(Event::Idle);
    else
        timer_.set(timer_deadline_);
}

/* --- the two pumps -------------------------------------------------------------------------- */

bool Session::advance(Direction direction, Pump::Told told) {
    const bool up = direction == Direction::Up;
    const Pump::Result result = carrier_.step(direction, told, tools_->pumps);
    if (carrier_.take_progress(direction))
        moved();
    if (result == Pump::Result::SourceFailed) {
        happen(up ? Event::ClientReset : Event::ServerReset);
        return false;
    }
    if (result == Pump::Result::SinkFailed) {
        /* What the one that reset us had said before: a server that refuses an upload
         * answers, closes, and resets because of the bytes still coming. */
        const Direction back = up ? Direction::Down : Direction::Up;
        carrier_.urgent_told(back); /* or not; then the pump looks for it */
        if (carrier_.want_read(back))
            (void)carrier_.step(back, Pump::Told::Ended, tools_->pumps);
        happen(up ? Event::ServerReset : Event::ClientReset);
        return false;
    }
    const FtpControl *control = carrier_.control();
    if (control != nullptr && control->hung_up()) {
        happen(Event::Hangup);
        return false;
    }
    if (carrier_.rsh() != nullptr && carrier_.rsh()->hung_up()) {
        happen(Event::BadOpening);
        return false;
    }
    const Phase passed_on = up ? Phase::ClientDone : Phase::ServerDone;
    if (carrier_.finished(direction) && phase_ != passed_on)
        happen(up ? Event::ClientEnd : Event::ServerEnd);
    return live();
}

Interest Session::interest(Side side) const {
    const bool client = side == Side::Client;
    const Direction from = client ? Direction::Up : Direction::Down;
    return Interest{.read = carrier_.want_read(from),
                    .write = carrier_.want_write(client ? Direction::Down : Direction::Up),
                    .urgent = carrier_.want_urgent(from)};
}

bool Session::settle() {
    for (const Side side : {Side::Client, Side::Server}) {
        const bool told = watch_of(side) ? static_cast<bool>(watch_of(side).want(interest(side)))
                                         : watch(side, interest(side));
        if (!told) {
            stop();
            return false;
        }
    }
    return true;
}

SessionInfo Session::info() const {
    const Millis now = tools_->loop.now();
    const Result<sys::Endpoint4> source = sys::local4(server_.get());
    SessionInfo info;
    info.client = parties_.client.address;
    info.client_port = parties_.client.port;
    info.destination = parties_.destination;
    info.server = parties_.dial.target;
    info.port = parties_.dial.port;
    info.source = source ? source->address : Ip4{};
    info.rule = parties_.dial.rule;
    info.age_ms = static_cast<std::uint64_t>((now - started_).count());
    info.idle_ms = static_cast<std::uint64_t>((now - last_moved()).count());
    info.bytes_to_server = carrier_.bytes(Direction::Up);
    info.bytes_to_client = carrier_.bytes(Direction::Down);
    info.engine = phase_ == Phase::Connecting ? "connecting" : carrier_.engine();
    return info;
}

} // namespace faith::relay
