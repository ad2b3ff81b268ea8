/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/worker.h"

#include "sys/handed.h"

#include <algorithm>
#include <limits>
#include <utility>
#include <variant>

namespace faith::relay {

using sys::Accepted;

namespace {

constexpr std::uint32_t longest_burst = 64;
constexpr int no_ceiling = std::numeric_limits<int>::max();
constexpr sys::Interest reading{.read = true, .write = false};

/* A descriptor may come free anywhere in the process, and nobody tells. */
constexpr sys::Millis retry_after{100};

/* Who has no port left has none for the next hundred clients. */
constexpr sys::Millis between_complaints{10'000};

} // namespace

Result<std::unique_ptr<Worker>> Worker::create(const Options &options, Shared shared,
                                               sys::UniqueFd listener) {
    TRY_ASSIGN(std::unique_ptr<sys::EventLoop> loop, sys::EventLoop::create(shared.clock));
    return std::unique_ptr<Worker>(
        new Worker(options, shared, std::move(listener), std::move(loop)));
}

Worker::Worker(const Options &options, Shared shared, sys::UniqueFd listener,
               std::unique_ptr<sys::EventLoop> loop)
    : shared_(shared),
      ceiling_(options.descriptor_ceiling > 0 ? options.descriptor_ceiling : no_ceiling),
      listener_(std::move(listener)), loop_(std::move(loop)),
      pipes_(options.max_pipes_per_worker, options.pipe_bytes, ceiling_), reserved_(shared.clock),
      control_{.loop = *loop_,
               .clock = shared.clock,
               .stats = stats_,
               .scratch = scratch_,
               .expectations = shared.expectations,
               .reserved = reserved_,
               .ceiling = ceiling_,
               .judge =
                   [this](const Request &request) {
                       return shared_.policies.newest(policy_).judge(request);
                   },
               .join = [this](ActiveData data) { join(std::move(data)); },
               .complain = options.complain},
      tools_{
          .loop = *loop_,
          .stats = stats_,
          .pumps = {.scratch = scratch_,
                    .buffers = buffers_,
                    .pipes = pipes_,
                    .spliced = stats_.bytes_spliced},
          .control = control_,
          .over = [this](Session &session) { session_over(session); },
          .no_port = [this](sys::Connect why, const Parties &parties) { no_port(why, parties); }} {}

Worker::~Worker() { end_sessions(); }

Status Worker::start_accepting() {
    TRY_ASSIGN(listener_watch_,
               loop_->watch(listener_.get(), reading, [this](sys::Ready) { on_listener(); }));
    return Ok{};
}

Status Worker::adopt(sys::UniqueFd client) {
    int error = 0;
    spare_ = sys::open_tcp4(error);
    if (!spare_)
        return system_error(error, "IPv4 socket");
    TRY_ASSIGN(const sys::Ends ends, sys::ends_of(client.get()));
    until_idle_ = true;
    welcome({.kind = Accepted::Kind::Got, .fd = std::move(client), .peer = ends.peer, .error = 0});
    stop_if_idle(); /* refused */
    return Ok{};
}

/* --- accepting ------------------------------------------------------------------------------ */

/*
 * How many to accept before looking at the sessions again. It doubles while more are
 * waiting and falls back when they are not: under load few accepts are in vain, and
 * without load none is.
 */
void Worker::on_listener() {
    for (std::uint32_t accepted = 0; accepted < burst_; ++accepted) {
        if (!accept_one()) {
            burst_ = std::max<std::uint32_t>(1, accepted);
            return;
        }
    }
    burst_ = std::min(2 * burst_, longest_burst);
}

bool Worker::accept_one() {
    /* The server's socket is made before the client is accepted. When descriptors run
     * out (D11) the client stays in the queue and is served later; accepted first, it
     * would have to be turned away. */
    if (!spare_) {
        int error = 0;
        spare_ = sys::open_tcp4(error);
        if (!spare_ || spare_.get() >= ceiling_) {
            spare_.reset();
            pause();
            return false;
        }
    }
    Accepted accepted = sys::accept6(listener_.get());
    switch (accepted.kind) {
    case Accepted::Kind::Got:
        welcome(std::move(accepted));
        return true;
    case Accepted::Kind::Aborted:
        return true;
    case Accepted::Kind::Again:
        return false;
    case Accepted::Kind::OutOfFds:
    case Accepted::Kind::Failed:
        break;
    }
    pause();
    return false;
}

void Worker::welcome(Accepted accepted) {
    if (accepted.peer.address.is_v4_mapped()) {
        refuse(std::move(accepted.fd), FGW_CLIENT_NOT_IP6); /* D12 */
        return;
    }
    const Result<sys::Endpoint6> local = sys::local6(accepted.fd.get());
    if (!local) {
        refuse(std::move(accepted.fd), FGW_CLIENT_RESET);
        return;
    }
    const Policy &policy = shared_.policies.newest(policy_);
    const Decision decision = policy.judge(Request{.client = accepted.peer.address,
                                                   .destination = local->address,
                                                   .port = local->port,
                                                   .client_port = accepted.peer.port});
    if (const Refuse *no = std::get_if<Refuse>(&decision)) {
        refuse(std::move(accepted.fd), no->reason);
        return;
    }
    Parties parties{
        .client = accepted.peer, .destination = local->address, .dial = std::get<Dial>(decision)};
    DataLease lease;
    if (!shared_.expectations.empty() && !expected(parties, local->port, lease)) {
        refuse(std::move(accepted.fd), FGW_FTP_STRANGER);
        return;
    }
    stats_.reasons[FGW_ACL_PERMIT].add(1);
    Ticket ticket;
    if (const std::optional<fgw_reason> full =
            shared_.admission.admit(accepted.peer.address, policy, ticket)) {
        refuse(std::move(accepted.fd), *full);
        return;
    }
    take_session().start(tools_, parties, std::move(ticket), std::move(accepted.fd),
                         std::move(spare_), std::move(lease));
}

/* A data connection that a client was told to make goes where its control connection went,
 * from the same address. False: the port is somebody else's for now. */
bool Worker::expected(Parties &parties, std::uint16_t port, DataLease &lease) {
    std::optional<Expectations::Taken> taken;
    const Expectations::Answer answer = shared_.expectations.take(
        DataPort{
            .client = parties.client.address, .destination = parties.destination, .port = port},
        taken);
    if (taken) {
        stats_.reasons[FGW_FTP_DATA].add(1);
        parties.dial.source = taken->source;
        parties.dial.ftp = std::nullopt;
        lease = std::move(taken->lease);
    }
    return answer != Expectations::Answer::Stranger;
}

/* The same in active mode, and for rsh's standard error: the server has connected, the client
 * is dialled. */
void Worker::join(ActiveData data) {
    Ticket ticket;
    if (const std::optional<fgw_reason> full = shared_.admission.admit(
            data.parties.client.address, shared_.policies.newest(policy_), ticket)) {
        refuse(std::move(data.server), *full);
        return;
    }
    const bool rsh = data.kind == ActiveData::Kind::Rsh;
    const Ip6 &from = data.parties.destination;
    sys::Dialled client =
        rsh ? reserved_.dial6(from, data.parties.client)
            : sys::dial6({.address = from, .port = FtpControl::data_port}, data.parties.client);
    if (!client.fd || client.fd.get() >= ceiling_) {
        refuse(std::move(data.server), FGW_OUT_OF_FDS);
        return;
    }
    stats_.reasons[FGW_ACL_PERMIT].add(1);
    stats_.reasons[rsh ? FGW_RSH_STDERR : FGW_FTP_DATA].add(1);
    data.parties.dial.ftp = std::nullopt;
    data.parties.dial.rsh = false;
    take_session().start_active(tools_, std::move(data), std::move(ticket), std::move(client));
}

void Worker::refuse(sys::UniqueFd client, fgw_reason reason) {
    stats_.reasons[reason].add(1);
    sys::reset_on_close(client.get());
}

void Worker::pause() {
    stats_.reasons[FGW_OUT_OF_FDS].add(1);
    pipes_.close_idle();
    (void)listener_watch_.want(sys::Interest{});
    resume_timer_ = loop_->after(retry_after, [this] { resume(); });
}

void Worker::resume() {
    resume_timer_ = sys::Timer{};
    (void)listener_watch_.want(reading);
}

void Worker::no_port(sys::Connect why, const Parties &parties) {
    const sys::Millis now = loop_->now();
    if (!control_.complain || (quiet_until_ && now < *quiet_until_))
        return;
    quiet_until_ = now + between_complaints;
    const std::string what = why == sys::Connect::NotAllowed
                                 ? "no permission for a reserved source port (CAP_NET_BIND_SERVICE)"
                                 : "every reserved source port is in use";
    control_.complain(what + ": " + to_string(parties.client.address) + " cannot be connected to " +
                      to_string(parties.dial.target) + ":" + std::to_string(parties.dial.port));
}

/* --- sessions ------------------------------------------------------------------------------- */

Session &Worker::take_session() {
    if (free_.empty()) {
        free_.reserve(slab_.size() + 1); /* so that session_over() never allocates */
        return slab_.emplace_back();
    }
    Session &session = *free_.back();
    free_.pop_back();
    return session;
}

void Worker::session_over(Session &session) {
    free_.push_back(&session);
    if (paused())
        resume();
    stop_if_idle();
}

void Worker::stop_if_idle() {
    if (until_idle_ && free_.size() == slab_.size())
        loop_->stop();
}

std::vector<SessionInfo> Worker::sessions() const {
    std::vector<SessionInfo> list;
    for (const Session &session : slab_)
        if (session.live())
            list.push_back(session.info());
    return list;
}

std::size_t Worker::revoke() {
    const Policy &policy = shared_.policies.newest(policy_);
    std::size_t revoked = 0;
    for (Session &session : slab_) {
        if (!session.live() || std::holds_alternative<Dial>(policy.judge(session.request())))
            continue;
        session.revoke();
        revoked++;
    }
    return revoked;
}

void Worker::stop_accepting() {
    listener_watch_ = sys::Watch{};
    resume_timer_ = sys::Timer{};
    listener_.reset();
}

void Worker::end_sessions() {
    stop_accepting();
    for (Session &session : slab_)
        session.stop();
}

} // namespace faith::relay
