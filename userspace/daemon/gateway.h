/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The running gateway: everything wired together, in start order; stopping is the
 * reverse. Invariants:
 *
 *  1. Whoever has a Gateway holds the instance lock of this network namespace.
 *  2. The guards are in place before the first capture route, and go after the last.
 *  3. A start that fails at any step leaves the kernel as it found it.
 *  4. What the kernel is told (prefixes, exemptions, guards) and what the relay is told
 *     (own addresses, rules) both follow from one reading of the network, refresh().
 */
#pragma once

#include "base/result.h"
#include "daemon/control.h"
#include "daemon/followers.h"
#include "daemon/instance.h"
#include "daemon/local_services.h"
#include "daemon/network.h"
#include "daemon/plan.h"
#include "daemon/policy.h"
#include "daemon/slow_path.h"
#include "daemon/tunnel.h"
#include "datapath/dataplane.h"
#include "datapath/event_ring.h"
#include "relay/relay.h"
#include "sys/event_loop.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace faith::daemon {

class Gateway {
public:
    static Result<std::unique_ptr<Gateway>> start(Plan plan,
                                                  const datapath::StepHook &before_step = {});
    ~Gateway();

    /* Until unload is asked for or a signal says stop. */
    Status run();
    /* Things the operator should know about a load that succeeded; one line each. */
    const std::vector<std::string> &notes() const { return notes_; }
    Json status() const;

private:
    /* An interface the operator named, or the uplink of a tunnel. It may go and come back
     * under its name. */
    struct Loaded {
        std::string name;
        bool named = true;       /* not an uplink alone */
        std::uint32_t index = 0; /* 0 while it is absent */
        datapath::XdpMode mode = datapath::XdpMode::Native;
        bool fast = false; /* takes part in the fast path of tunnels */
    };

    explicit Gateway(Plan plan);
    Status bring_up(const datapath::StepHook &before_step);
    Status start_relay(const datapath::StepHook &before_step);
    Status open_local_services(const datapath::StepHook &before_step);
    Status start_dataplane(const datapath::StepHook &before_step);
    Status start_tunnels(const datapath::StepHook &before_step);
    Status start_watching(const datapath::StepHook &before_step);
    Status add_routes(const datapath::StepHook &before_step);
    Status stop(); /* everything but the lock; idempotent */

    Status attach(const std::string &name);
    Status attach_uplink(const std::string &name);
    bool is_uplink(const std::string &name) const;
    datapath::XdpMode mode_for(const std::string &name) const;
    Loaded *find_loaded(const std::string &name);
    Status guard_others();
    Status follow_tunnels();
    Status follow_fast_path();
    Status refresh(); /* network -> dataplane and relay */
    /* The one way to a new generation: the kernel is made ready, the relay told, the word
     * written. An error leaves the generation in force as it was. */
    Status put_in_force(RuleSetRef rules);
    Result<Json> reload(bool dry_run, bool revoke);
    void follow_interfaces();
    PolicyInputs policy_inputs(const Plan &plan, const RuleSetRef &rules) const;
    relay::PolicyRef policy() const;
    std::size_t denied_by(const Plan &plan, const RuleSetRef &rules) const;
    std::set<std::uint32_t> loaded_indexes() const;
    std::vector<int> listeners() const;

    Status listen_to_kernel();
    void drain_kernel_events();
    void on_kernel_event(const fgw_event &event);

    Status watch_signals();
    void on_signal(int number);
    std::map<std::string, ControlServer::Handler> handlers();
    Result<Json> do_load(const Json &request);
    Result<Json> do_unload_some(const Json &request);
    Result<Json> do_keepfaith(const Json &request);
    Result<Json> do_reload(const Json &request);
    void do_events(const Json &request, Reply reply);

    Plan plan_;
    Instance instance_;
    std::optional<sys::FileLock> lock_;
    sys::MonotonicClock clock_;
    std::unique_ptr<sys::EventLoop> loop_;
    sys::UniqueFd signals_;
    sys::Watch signal_watch_;
    Network network_;
    std::vector<Tunnel> tunnels_;
    std::vector<Loaded> loaded_;
    bool keepfaith_ = true;
    RuleSetRef rules_;             /* in force */
    RuleSetRef rules_before_;      /* those before, while events of theirs may be waiting */
    std::uint32_t generation_ = 0; /* of rules_ */
    std::function<void(const Judgement &)> witness_;
    int descriptors_before_ = 0; /* the soft limit that our starter gave */
    std::unique_ptr<relay::Relay> relay_;
    std::unique_ptr<LocalServices> local_;
    LocalServices::Opened local_opened_; /* between load's first step and its last */
    std::optional<datapath::Dataplane> dataplane_;
    std::optional<datapath::Ring> ring_;
    std::unique_ptr<SlowPath> slow_path_; /* nothing: there is no tunnel */
    Followers followers_;
    sys::Watch ring_watch_;
    std::unique_ptr<ControlServer> control_;
    std::unique_ptr<sys::RouteMonitor> monitor_;
    std::vector<std::string> notes_;
    std::optional<Reply> unloading_; /* to be answered when all is gone */
    bool up_ = false;
};

} // namespace faith::daemon
