/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Life and death of the gateway. What it does in between is in gateway_live.cc. */
#include "daemon/gateway.h"

#include "base/log.h"
#include "daemon/fast_path.h"
#include "daemon/kernel_rules.h"
#include "daemon/reload.h"
#include "daemon/state.h"
#include "daemon/witness.h"
#include "faith/names.h"
#include "sys/ethtool.h"
#include "sys/process.h"

#include <signal.h>

#include <algorithm>
#include <thread>

namespace faith::daemon {

namespace {

/* For the control socket, netlink and libbpf, when sessions use all others. A worker may
 * take one more, for a client it has already accepted. */
constexpr int kept_descriptors = 24;

Error no_such_interface(const std::string &name, const Network &network) {
    std::string known;
    for (const sys::Interface &interface : network.interfaces)
        known += (known.empty() ? "" : ", ") + interface.name;
    return Error{.kind = Errc::System,
                 .sys_errno = ENODEV,
                 .text = "there is no interface '" + name + "' here (there are: " + known + ")"};
}

/* Connections to a prefix are delivered through lo, by the capture route. */
Status require_loopback(const Network &network) {
    const sys::Interface *lo = network.by_name("lo");
    if (lo != nullptr && lo->up)
        return Ok{};
    return Error{.kind = Errc::System,
                 .sys_errno = ENETDOWN,
                 .text = "interface lo is down, and captured connections pass through it "
                         "(ip link set lo up)"};
}

std::uint32_t worker_count(const config::Relay &relay) {
    if (relay.workers != 0)
        return relay.workers;
    return std::clamp(std::thread::hardware_concurrency(), 1U,
                      static_cast<unsigned>(FGW_MAX_LISTENERS));
}

} // namespace

Gateway::Gateway(Plan plan) : plan_(std::move(plan)) {}

Result<std::unique_ptr<Gateway>> Gateway::start(Plan plan, const datapath::StepHook &before_step) {
    std::unique_ptr<Gateway> gateway(new Gateway(std::move(plan)));
    const datapath::StepHook go = [](std::string_view) { return Status(Ok{}); };
    TRY(gateway->bring_up(before_step ? before_step : go)); // an error destroys it: stop()
    return gateway;
}

Status Gateway::bring_up(const datapath::StepHook &before_step) {
    TRY(before_step("take the instance lock"));
    TRY_ASSIGN(instance_, Instance::here());
    TRY_ASSIGN(network_, read_network());
    if (!plan_.prefixes.empty())
        TRY(require_loopback(network_));
    tunnels_ = make_tunnels(plan_.config.tunnels);
    for (const std::string &name : plan_.options.interfaces)
        if (network_.by_name(name) == nullptr)
            return no_such_interface(name, network_);
    for (const Tunnel &tunnel : tunnels_)
        if (network_.by_name(tunnel.uplink) == nullptr)
            return no_such_interface(tunnel.uplink, network_).wrap("uplink of " + tunnel.name);
    TRY_ASSIGN(sys::FileLock lock, lock_instance(instance_));
    lock_.emplace(std::move(lock));

    /* From here on we own what is ours in this namespace: also what a gateway that died
     * left behind. */
    up_ = true;
    TRY(before_step("clear what a dead gateway left"));
    TRY(remove_everything(instance_));
    remove_state(instance_);
    TRY(save_options(instance_, plan_.options));
    TRY_ASSIGN(loop_, sys::EventLoop::create(clock_));
    TRY(watch_signals());

    TRY(start_relay(before_step));
    TRY(open_local_services(before_step));
    TRY(start_dataplane(before_step));
    TRY(start_tunnels(before_step));
    TRY(start_watching(before_step));
    return add_routes(before_step);
}

Status Gateway::start_relay(const datapath::StepHook &before_step) {
    keepfaith_ = plan_.config.faith.keepfaith;
    witness_ = make_witness();
    std::set<std::uint32_t> indexes;
    for (const std::string &name : plan_.options.interfaces)
        indexes.insert(network_.by_name(name)->index);
    TRY_ASSIGN(rules_, effective_rules(plan_, networks_on(network_, indexes)));
    const std::vector<std::string> warnings = warnings_of(plan_, *rules_);
    notes_.insert(notes_.end(), warnings.begin(), warnings.end());
    if (!plan_.options.relay)
        return Ok{};
    TRY(before_step("make the listeners"));
    const sys::DescriptorLimit limit = sys::raise_descriptor_limit();
    descriptors_before_ = limit.before;
    if (!limit.note.empty())
        notes_.push_back(limit.note);
    relay::Options options;
    options.workers = worker_count(plan_.config.relay);
    options.descriptor_ceiling =
        std::max(limit.most - kept_descriptors - static_cast<int>(options.workers), 1);
    options.source_full = [this](std::uint64_t source, bool full) {
        dataplane_->set_source_full(source, full); // there before the workers, and after
    };
    const auto named = [](const relay::DataPort &port) {
        return datapath::Dataplane::Expected{
            .client = port.client, .destination = port.destination, .port = port.port};
    };
    options.data_ports = {
        .open = [this, named](const relay::DataPort &port,
                              relay::Millis wait) { dataplane_->expect(named(port), wait); },
        .close = [this, named](
                     const relay::DataPort &port) { dataplane_->forget_expected(named(port)); }};
    options.complain = [](std::string_view text) { log::warning(text); };
    TRY_ASSIGN(relay_, relay::Relay::create(options, policy()));
    return Ok{};
}

/* While nothing else is done: a port that is taken is the likeliest thing to go wrong. */
Status Gateway::open_local_services(const datapath::StepHook &before_step) {
    local_ = std::make_unique<LocalServices>(*loop_, clock_, is_own_now, descriptors_before_);
    TRY(before_step("open the local services"));
    TRY_ASSIGN(local_opened_, local_->open(plan_.config.services));
    return Ok{};
}

Status Gateway::start_dataplane(const datapath::StepHook &before_step) {
    datapath::Spec spec;
    spec.netns_inode = instance_.netns_inode;
    spec.build = "faith-gw " FGW_VERSION;
    spec.keepfaith = keepfaith_;
    spec.tunnels = !tunnels_.empty(); // a reload makes none
    spec.settings = settings_of(plan_);
    spec.prefixes = capture_of(plan_);
    spec.exempt = exemptions(network_, plan_.prefixes);
    spec.targets = targets_of(plan_, network_);
    spec.listeners = listeners();
    generation_ = 1;
    const KernelRules kernel = kernel_rules(*rules_, nullptr, generation_);
    spec.acl = kernel.update;
    TRY(save_rules(instance_, *rules_, generation_));
    TRY_ASSIGN(datapath::Dataplane plane, datapath::Dataplane::create(spec, before_step));
    dataplane_.emplace(std::move(plane));

    for (const std::string &name : plan_.options.interfaces) {
        TRY(before_step("attach to " + name));
        TRY(attach(name));
    }
    TRY(before_step("guard the other interfaces"));
    TRY(guard_others());
    TRY(before_step("publish the pins"));
    return dataplane_->publish();
}

/* Devices and programs; the tunnels claim nothing before refresh() fills their maps. */
Status Gateway::start_tunnels(const datapath::StepHook &before_step) {
    for (const Tunnel &tunnel : tunnels_) {
        TRY(before_step("attach to uplink " + tunnel.uplink));
        TRY(attach_uplink(tunnel.uplink));
        TRY(before_step("make " + tunnel.name));
        TRY(make_device(tunnel));
        if (!has_address(tunnel, network_))
            notes_.push_back(tunnel.name + " waits for " + to_string(tunnel.own) +
                             ", which is on no interface: it takes and sends nothing until then");
    }
    for (const Tunnel &tunnel : tunnels_)
        if (const sys::Interface *uplink = network_.by_name(tunnel.uplink))
            if (const std::string obstacle = mtu_obstacle(tunnel, uplink->mtu); !obstacle.empty())
                notes_.push_back(tunnel.name + ": " + obstacle);
    if (has_fast_path(tunnels_))
        for (const Loaded &loaded : loaded_)
            if (const std::string note =
                    fast_path_note(loaded.name, loaded.mode, sys::driver_of(loaded.name));
                !note.empty())
                notes_.push_back(note);
    return Ok{};
}

Status Gateway::start_watching(const datapath::StepHook &before_step) {
    TRY(before_step("follow addresses and routes"));
    TRY_ASSIGN(monitor_, sys::RouteMonitor::create(*loop_, [this](sys::Change) {
                   if (Status followed = refresh(); !followed)
                       log::error("following a network change: " + followed.error().text);
               }));
    TRY(before_step("listen to the programs"));
    TRY(listen_to_kernel());
    if (!tunnels_.empty()) {
        TRY(before_step("take fragments and errors for tunnels"));
        TRY_ASSIGN(slow_path_, SlowPath::start(*loop_, {.xdp_program = dataplane_->xdp_program(),
                                                        .ring = dataplane_->maps().stf_slow,
                                                        .path_mtus = dataplane_->maps().pmtu}));
    }
    TRY(before_step("open the control socket"));
    TRY_ASSIGN(control_, ControlServer::create(*loop_, instance_.socket(), handlers()));
    if (relay_) {
        TRY(before_step("start the workers"));
        TRY(relay_->start());
        if (const std::string note = relay_->notes(); !note.empty())
            notes_.push_back(note);
    }
    local_->commit(std::move(local_opened_), plan_.config.services);
    /* What changed between the first reading and the subscription. */
    return refresh();
}

Status Gateway::add_routes(const datapath::StepHook &before_step) {
    for (const prefix::FaithPrefix &prefix : plan_.prefixes) {
        TRY(before_step("route " + to_string(prefix.prefix)));
        /* COMMIT: with its route a prefix is captured; all that serves it is in place. */
        Result<sys::Added> added = sys::add_local_route6(prefix.prefix, FGW_ROUTE_PROTOCOL);
        if (!added)
            return std::move(added).error().wrap("route " + to_string(prefix.prefix));
        if (*added == sys::Added::AlreadyThere)
            notes_.push_back("local " + to_string(prefix.prefix) +
                             " was routed already; unload will leave that route alone");
    }
    return before_step("done");
}

Status Gateway::stop() {
    if (!up_)
        return Ok{};
    up_ = false;
    monitor_.reset();
    local_opened_.clear();
    local_.reset(); /* its processes go on */
    Status removed = Ok{};
    /* Routes go first (remove_everything), then sessions, then descriptors of links that
     * would keep a program attached after its pin is gone. */
    const auto keep_first = [&removed](Status next) {
        if (removed && !next)
            removed = std::move(next);
    };
    keep_first(remove_everything(instance_));
    if (relay_)
        relay_->stop();
    relay_.reset();
    ring_watch_ = sys::Watch{};
    ring_.reset(); // its memory would keep the map
    slow_path_.reset();
    dataplane_.reset();
    keep_first(remove_everything(instance_));
    return removed;
}

Gateway::~Gateway() {
    const Status stopped = stop();
    if (!stopped)
        log::error("stopping: " + stopped.error().text);
    control_.reset();
    /* When descriptors ran out, these make room for cleaning up. */
    signal_watch_ = sys::Watch{};
    signals_.reset();
    loop_.reset();
    if (lock_)
        remove_instance(instance_, *std::move(lock_));
    if (!unloading_)
        return;
    if (stopped)
        unloading_->give(Json::object());
    else
        unloading_->give(stopped.error());
}

Status Gateway::run() { return loop_->run(); }

Status Gateway::watch_signals() {
    TRY_ASSIGN(signals_, sys::signal_descriptor({SIGTERM, SIGINT, SIGHUP}));
    TRY_ASSIGN(signal_watch_,
               loop_->watch(signals_.get(), sys::Interest{.read = true, .write = false},
                            [this](sys::Ready) { on_signal(sys::next_signal(signals_.get())); }));
    return Ok{};
}

void Gateway::on_signal(int number) {
    if (number == SIGHUP) {
        if (const Result<Json> done = reload(false, false); !done)
            log::error("SIGHUP: nothing was changed: " + done.error().text);
    } else if (number != 0) {
        loop_->stop();
    }
}

} // namespace faith::daemon
