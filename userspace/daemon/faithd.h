/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * faithd(8), daemon mode: the relay for one service, on the dataplane that `faith-gw load`
 * put in place. It listens on the service's port and captures it like any other program
 * (daemon/capture.h), so several of them live side by side, and beside the gateway's own
 * relay. A dataplane that goes takes the capture with it; the next one is joined as soon as
 * its routes are there.
 *
 * The dataplane's rules have decided before a connection comes here. The faithd.conf of this
 * daemon can deny more, never less.
 */
#pragma once

#include "base/result.h"
#include "daemon/instance.h"
#include "daemon/local_services.h"
#include "daemon/network.h"
#include "daemon/policy.h"
#include "datapath/services.h"
#include "relay/relay.h"
#include "sys/event_loop.h"
#include "sys/process.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace faith::daemon {

struct FaithdOptions {
    std::string service; /* as typed */
    std::uint16_t port = 0;
    std::optional<std::string> rules_file; /* -f, absolute; else /etc/faithd.conf, if it is there */
    bool debug = false;                    /* -d */
    int listener = -1;                 /* handed over by systemd (Accept=no); -1: one of our own */
    bool reserved_source_port = false; /* -p (D32) */
    config::Local local{};             /* serverpath and serverargs; no path: none (D5) */
};

/* The list that faithd reads before it becomes a daemon (D6). No file: whatever the dataplane
 * permits. Invalid, with FILE:LINE:COL, when there is a mistake in it (D26, D29). */
struct FaithdRules {
    RuleSetRef rules;
    std::string file; /* "": none */
};
Result<FaithdRules> read_faithd_rules(const FaithdOptions &options);

/* As faithd says it: "translation to 10.0.0.1 not permitted for 2001:db8::/32" (D30),
 * "no local service for telnet" (D17). Pure. */
std::string describe_for_faithd(const Judgement &judgement, const std::string &service);

class Faithd {
public:
    /* Listens, captures and serves when it returns. */
    static Result<std::unique_ptr<Faithd>> start(FaithdOptions options, FaithdRules rules);
    ~Faithd();

    /* Until SIGTERM or SIGINT, and then until the last session ends (D14) or the second
     * signal. */
    Status run();

private:
    Faithd(FaithdOptions options, FaithdRules rules);
    Status bring_up();
    Status start_relay();
    Status listen();
    config::Service service() const;
    Status capture(); /* the port, in the dataplane in place */
    Status refresh(); /* network and dataplane -> capture and policy */
    Status rejoin();  /* another dataplane than before? */
    relay::PolicyRef policy() const;

    Status watch_signals();
    void on_signal(int number);
    void reload();
    void terminate();
    void wait_for_sessions();
    void read_configuration(); /* of the gateway that is loaded */

    FaithdOptions options_;
    FaithdRules rules_;
    config::Relay relay_settings_;
    config::Service service_settings_; /* of our port */
    Instance instance_;
    sys::MonotonicClock clock_;
    std::unique_ptr<sys::EventLoop> loop_;
    sys::UniqueFd signals_;
    sys::Watch signal_watch_;
    Network network_;
    std::vector<prefix::FaithPrefix> prefixes_;
    std::function<void(const Judgement &)> witness_;
    sys::DescriptorLimit limit_;
    sys::UniqueFd listener_; /* of what is captured, and without a local server of the rest, too */
    std::unique_ptr<LocalServices> local_; /* null: no local server */
    LocalServices::Opened local_opened_;   /* until we serve */
    std::uint32_t dataplane_ = 0;          /* that has our capture; 0: there is none */
    std::unique_ptr<relay::Relay> relay_;
    std::unique_ptr<sys::RouteMonitor> monitor_;
    sys::Timer drain_timer_;
    bool terminating_ = false;
};

} // namespace faith::daemon
