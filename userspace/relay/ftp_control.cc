/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/ftp_control.h"

#include <algorithm>
#include <deque>
#include <utility>
#include <variant>

namespace faith::relay {

using sys::Moved;

namespace {

constexpr std::size_t read_at_once = 4096; /* a control connection is words */

/* More than this only waits for a peer that asks and does not read. */
constexpr std::size_t most_waiting = 256 * 1024;

ftp::Side source_of(Direction direction) {
    return direction == Direction::Up ? ftp::Side::Client : ftp::Side::Server;
}

} // namespace

FtpControl::FtpControl(ControlTools &tools, const Parties &parties, int client, int server,
                       std::function<void()> again)
    : tools_(tools), parties_(parties), alg_(parties.dial.ftp.value_or(ftp::Dialect::Rfc6384),
                                             parties.client.address, parties.destination) {
    flow(Direction::Up) =
        Flow{.source = client, .sink = server, .moved = &tools.stats.bytes_to_server, .out = {}};
    flow(Direction::Down) =
        Flow{.source = server, .sink = client, .moved = &tools.stats.bytes_to_client, .out = {}};
    if (const Result<sys::Endpoint4> local = sys::local4(server))
        local_ = *local;
    /* From the loop, never from within a step. */
    traffic_->dialled = [this, again = std::move(again)] {
        again_ = tools_.loop.after(Millis{0}, again);
    };
}

FtpControl::~FtpControl() {
    withdraw();
    traffic_->dialled = {};
}

/* --- bytes ---------------------------------------------------------------------------------- */

Pump::Result FtpControl::step(Direction direction, Pump::Told told) {
    Flow &here = flow(direction);
    if (!drain(here))
        return Pump::Result::SinkFailed;
    if (direction == Direction::Down)
        awaited_.look(); /* the server connects before it says so; events come in any order */
    bool more = true;
    while (more && want_read(direction)) {
        const bool urgent = direction == Direction::Up && sys::at_urgent_mark(here.source);
        const std::span<std::byte> into = tools_.scratch.first(urgent ? 1 : read_at_once);
        const Moved in = sys::receive(here.source, into);
        more =
            in.kind == Moved::Kind::Some && (in.bytes == into.size() || told == Pump::Told::Ended);
        if (in.kind == Moved::Kind::Error)
            return Pump::Result::SourceFailed;
        if (in.kind == Moved::Kind::Again)
            break;
        here.progress = true;
        if (in.kind == Moved::Kind::End) {
            perform(alg_.end(source_of(direction)));
            here.ended = true;
        } else {
            const char *text = reinterpret_cast<const char *>(into.data());
            perform(urgent ? alg_.feed_urgent(*text)
                           : alg_.feed(source_of(direction), std::string_view(text, in.bytes)));
        }
        if (!drain(here))
            return Pump::Result::SinkFailed;
    }
    if (hung_up_)
        (void)drain(flow(Direction::Down)); /* the 421, if it can be had */
    return Pump::Result::Going;
}

bool FtpControl::drain(Flow &flow) {
    while (!flow.out.empty()) {
        const Moved out = send(flow);
        if (out.kind == Moved::Kind::Again)
            return true;
        if (out.kind != Moved::Kind::Some)
            return false;
        flow.out.erase(0, out.bytes);
        if (flow.urgent)
            flow.urgent =
                *flow.urgent >= out.bytes ? std::optional(*flow.urgent - out.bytes) : std::nullopt;
        flow.bytes += out.bytes;
        flow.moved->add(out.bytes);
        flow.progress = true;
    }
    return true;
}

/* Up to the urgent byte, or that, or all. */
Moved FtpControl::send(const Flow &flow) const {
    const std::span<const std::byte> all = std::as_bytes(std::span(flow.out));
    if (!flow.urgent)
        return sys::send(flow.sink, all);
    return *flow.urgent == 0 ? sys::send_urgent(flow.sink, all.front())
                             : sys::send(flow.sink, all.first(*flow.urgent));
}

bool FtpControl::want_read(Direction direction) const {
    const Flow &here = flow(direction);
    const bool waits = direction == Direction::Down && traffic_->dialling > 0;
    return !hung_up_ && !waits && !here.ended && here.out.empty() &&
           alg_.takes(source_of(direction));
}

bool FtpControl::take_progress(Direction direction) {
    return std::exchange(flow(direction).progress, false);
}

Millis FtpControl::active(Millis here) const {
    if (traffic_->live.load(std::memory_order_acquire) > 0)
        return tools_.loop.now();
    return std::max(here, Millis{traffic_->ended.load(std::memory_order_relaxed)});
}

/* --- effects -------------------------------------------------------------------------------- */

void FtpControl::perform(ftp::Step first) {
    std::deque<ftp::Step> steps;
    for (steps.push_back(std::move(first)); !steps.empty(); steps.pop_front()) {
        const ftp::Step step = std::move(steps.front());
        if (step.urgent)
            flow(Direction::Up).urgent = flow(Direction::Up).out.size() + *step.urgent;
        add(Direction::Up, step.to_server);
        add(Direction::Down, step.to_client);
        for (const ftp::Effect &effect : step.effects) {
            if (const ftp::Listen *wanted = std::get_if<ftp::Listen>(&effect))
                steps.push_back(listen(wanted->client_port));
            else if (const ftp::Expect *told = std::get_if<ftp::Expect>(&effect))
                steps.push_back(expect(told->port) ? alg_.expecting() : alg_.failed());
            else if (const ftp::Notice *seen = std::get_if<ftp::Notice>(&effect))
                (void)expect(seen->port); /* what is not permitted will be refused when it comes */
            else if (const ftp::Hangup *end = std::get_if<ftp::Hangup>(&effect))
                hang_up(end->why);
            else
                withdraw();
        }
    }
    for (const Flow &flow : flows_)
        if (flow.out.size() > most_waiting)
            hang_up("a peer that does not read");
}

/* Behind a side's end only the gateway itself might still say something, "no" to a Telnet
 * option of the other side. Its FIN is sent or waits to be. */
void FtpControl::add(Direction direction, std::string_view text) {
    if (!flow(direction).ended)
        flow(direction).out += text;
}

/* What a connection of its own would be told (4). */
std::optional<Dial> FtpControl::permitted(std::uint16_t port) {
    const Decision decision = tools_.judge(Request{
        .client = parties_.client.address, .destination = parties_.destination, .port = port});
    if (const Refuse *no = std::get_if<Refuse>(&decision)) {
        tools_.stats.reasons[no->reason].add(1);
        return std::nullopt;
    }
    return std::get<Dial>(decision);
}

bool FtpControl::expect(std::uint16_t port) {
    withdraw();
    if (!permitted(port))
        return false;
    expectation_ = tools_.expectations.add(
        DataPort{
            .client = parties_.client.address, .destination = parties_.destination, .port = port},
        Expected{
            .source = local_.address, .traffic = traffic_, .wait = parties_.dial.data_timeout});
    wait_for_data();
    return true;
}

ftp::Step FtpControl::listen(std::uint16_t client_port) {
    withdraw();
    const std::optional<Dial> dial = permitted(data_port);
    if (!dial)
        return alg_.failed();
    Result<sys::UniqueFd> listener =
        sys::listen4(sys::Endpoint4{.address = local_.address, .port = 0});
    if (!listener)
        return alg_.failed();
    const Result<sys::Endpoint4> local = sys::local4(listener->get());
    Awaited::Guest server{
        .admitted =
            [this](const sys::Endpoint4 &peer) { return peer.address == parties_.dial.target; },
        .stranger = FGW_FTP_STRANGER,
        .welcome = [this](sys::Accepted4 it) { welcome(std::move(it)); }};
    if (!local || !awaited_.open(tools_, *std::move(listener), std::move(server)))
        return alg_.failed();
    active_ = Parties{
        .client = {.address = parties_.client.address, .port = client_port},
        .destination = parties_.destination,
        .dial = *dial,
    };
    wait_for_data();
    return alg_.listening(local->address, local->port);
}

void FtpControl::welcome(sys::Accepted4 accepted) {
    withdraw();
    active_.dial.port = accepted.peer.port;
    tools_.join(ActiveData{.parties = active_,
                           .server = std::move(accepted.fd),
                           .lease = DataLease::active(tools_.clock, traffic_)});
}

void FtpControl::wait_for_data() {
    wait_ = tools_.loop.after(parties_.dial.data_timeout, [this] { withdraw(); });
}

void FtpControl::withdraw() {
    awaited_.close();
    if (expectation_.number != 0)
        tools_.expectations.withdraw(std::exchange(expectation_, ExpectationId{}));
    wait_ = sys::Timer{};
}

void FtpControl::hang_up(std::string_view why) {
    if (std::exchange(hung_up_, true))
        return;
    if (tools_.complain)
        tools_.complain("FTP of " + to_string(parties_.client.address) + " to " +
                        to_string(parties_.dial.target) + " ended: " + std::string(why));
}

} // namespace faith::relay
