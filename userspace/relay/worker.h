/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A listener, an event loop, and the sessions between them: accept, ask the judge,
 * dial. One thread runs it; other threads may read its stats and post to its loop.
 */
#pragma once

#include "relay/admission.h"
#include "relay/buffer.h"
#include "relay/expectations.h"
#include "relay/policy_box.h"
#include "relay/relay.h"
#include "relay/session.h"
#include "sys/event_loop.h"
#include "sys/pipe.h"
#include "sys/socket.h"

#include <array>
#include <deque>
#include <memory>
#include <vector>

namespace faith::relay {

class Worker {
public:
    /* policies and admission are shared by all workers and outlive them, as the clock. */
    struct Shared {
        sys::Clock &clock;
        const PolicyBox &policies;
        Admission &admission;
        Expectations &expectations;
    };
    static Result<std::unique_ptr<Worker>> create(const Options &options, Shared shared,
                                                  sys::UniqueFd listener);
    ~Worker();

    int listener() const { return listener_.get(); }
    sys::EventLoop &loop() { return *loop_; }
    const Stats &stats() const { return stats_; }
    const sys::PipePool &pipes() const { return pipes_; }

    /* From here on the worker's own thread only. */
    Status start_accepting();
    /* A connection that somebody else has accepted, and no other: the loop ends with its last
     * session. Of an error the totals know nothing. */
    Status adopt(sys::UniqueFd client);
    std::vector<SessionInfo> sessions() const;
    std::size_t revoke();  /* resets the sessions that the newest policy refuses; how many */
    void stop_accepting(); /* for good; the listener is closed */
    void end_sessions();   /* resets them all and stops accepting */
    bool paused() const { return static_cast<bool>(resume_timer_); }
    const BufferPool &buffers() const { return buffers_; }

private:
    Worker(const Options &options, Shared shared, sys::UniqueFd listener,
           std::unique_ptr<sys::EventLoop> loop);

    void on_listener();
    bool accept_one(); /* false: enough for now */
    void welcome(sys::Accepted accepted);
    bool expected(Parties &parties, std::uint16_t port, DataLease &lease);
    void join(ActiveData data);
    void refuse(sys::UniqueFd client, fgw_reason reason);
    void pause();
    void resume();
    void no_port(sys::Connect why, const Parties &parties);
    Session &take_session();
    void session_over(Session &session);
    void stop_if_idle();

    Shared shared_;
    PolicyBox::Copy policy_;
    const int ceiling_; /* see Options::descriptor_ceiling */
    sys::UniqueFd listener_;
    sys::UniqueFd spare_; /* the next session's server side, see accept_one() */
    std::unique_ptr<sys::EventLoop> loop_;
    Stats stats_;
    sys::PipePool pipes_;
    BufferPool buffers_;
    std::array<std::byte, read_bytes> scratch_;
    sys::ReservedPorts reserved_;
    ControlTools control_;
    SessionTools tools_;
    std::deque<Session> slab_;
    std::vector<Session *> free_;
    std::uint32_t burst_ = 1;
    bool until_idle_ = false;
    sys::Timer resume_timer_;                /* pending while accepting is paused */
    std::optional<sys::Millis> quiet_until_; /* complaints about ports */
    sys::Watch listener_watch_;
};

} // namespace faith::relay
