/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "daemon/faithd.h"

#include "base/log.h"
#include "daemon/capture.h"
#include "daemon/data_ports.h"
#include "daemon/kernel_view.h"
#include "daemon/plan.h"
#include "daemon/state.h"
#include "daemon/witness.h"
#include "sys/handed.h"
#include "sys/process.h"
#include "sys/process_socket.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

namespace faith::daemon {

namespace {

/* For the pins, netlink and signals, when sessions use all others. */
constexpr int kept_descriptors = 40;

/* Sessions end in threads of their own, and only their number is known here. */
constexpr sys::Millis drain_step{100};

std::uint32_t worker_count() {
    return std::clamp(std::thread::hardware_concurrency(), 1U,
                      static_cast<unsigned>(FGW_MAX_LISTENERS));
}

std::string port_text(std::uint16_t port) { return "port " + std::to_string(port); }

/* The same for each connection as faithd logged, one line a step (D36). */
void log_steps(const std::string &service, const relay::Request &request,
               const relay::Decision &decision) {
    log::debug("accepted a client from " + to_string(request.client));
    log::debug("the client is connecting to " + to_string(request.destination));
    const relay::Dial *dial = std::get_if<relay::Dial>(&decision);
    if (dial == nullptr)
        return;
    log::debug("translating from v6 to v4");
    log::debug("the translator is connecting to " + to_string(dial->target));
    log::debug(dial->ftp ? "starting ftp control connection" : "starting " + service + " relay");
}

/* Who names them has turned them on (D59); -p is what makes them work (D57, D58). */
std::optional<config::Alg> remote_shell(const FaithdOptions &options) {
    if (options.port != config::login_port && options.port != config::shell_port)
        return std::nullopt;
    if (!options.reserved_source_port)
        return config::Alg::None;
    return options.port == config::shell_port ? config::Alg::Rsh : config::Alg::Rlogin;
}

std::vector<Ip6> own_addresses6(const Network &network) {
    std::vector<Ip6> own;
    for (const sys::Address6 &address : network.addresses6)
        own.push_back(address.prefix.address);
    std::ranges::sort(own);
    return own;
}

/* Whoever has the port, for the error of one who wants it. */
std::string owner_on(const Instance &instance, std::uint16_t port) {
    const Result<datapath::Services> services = open_services(instance);
    const Result<std::vector<datapath::Service>> list =
        services ? services->list() : std::vector<datapath::Service>();
    if (list)
        for (const datapath::Service &service : *list)
            if (service.port == port && service.listening)
                return datapath::owner_of(service) + " serves it";
    return "another program listens on it, see ss -ltnp";
}

} // namespace

Faithd::Faithd(FaithdOptions options, FaithdRules rules)
    : options_(std::move(options)), rules_(std::move(rules)) {}

Result<std::unique_ptr<Faithd>> Faithd::start(FaithdOptions options, FaithdRules rules) {
    std::unique_ptr<Faithd> faithd(new Faithd(std::move(options), std::move(rules)));
    TRY(faithd->bring_up());
    return faithd;
}

Status Faithd::bring_up() {
    TRY_ASSIGN(instance_, Instance::here());
    TRY_ASSIGN(loop_, sys::EventLoop::create(clock_));
    TRY(watch_signals());
    {
        TRY_ASSIGN(const datapath::Services services, open_services(instance_));
        TRY_ASSIGN(prefixes_, read_prefixes(services.maps()));
    }
    read_configuration();
    TRY_ASSIGN(network_, read_network());
    witness_ = make_witness([service = options_.service](const Judgement &judgement) {
        return describe_for_faithd(judgement, service);
    });
    limit_ = sys::raise_descriptor_limit();
    TRY(listen());
    TRY(start_relay());
    TRY_ASSIGN(monitor_, sys::RouteMonitor::create(*loop_, [this](sys::Change) {
                   if (Status followed = refresh(); !followed)
                       log::error("following a network change: " + followed.error().text);
               }));
    TRY(capture());
    if (local_)
        local_->commit(std::move(local_opened_), {service()});
    return refresh(); // what changed before the subscription
}

/* The port on the gateway's own addresses is ours as well, as it is faithd's: no other program
 * can have it (D8). With a local server its connections are that one's (D17), and the relay
 * listens where nobody comes but by sk_lookup. */
Status Faithd::listen() {
    const auto explained = [this](Error error) {
        if (error.sys_errno == EADDRINUSE)
            error.text =
                port_text(options_.port) + " is in use: " + owner_on(instance_, options_.port);
        return error;
    };
    if (options_.listener >= 0) {
        listener_.reset(options_.listener);
        return sys::make_ours(listener_.get());
    }
    if (!options_.local.path.empty()) {
        local_ = std::make_unique<LocalServices>(*loop_, clock_, is_own_now, limit_.before);
        Result<LocalServices::Opened> opened = local_->open({service()});
        if (!opened)
            return explained(std::move(opened).error());
        local_opened_ = *std::move(opened);
    }
    Result<sys::UniqueFd> made = local_ ? sys::listen6() : sys::listen6_on(options_.port);
    if (!made)
        return explained(std::move(made).error());
    listener_ = *std::move(made);
    return Ok{};
}

/* Timeouts are for its files to say, as in inetd mode; the command line has none (D43). */
void Faithd::read_configuration() {
    const Result<Options> loaded = load_options(instance_);
    if (!loaded)
        return;
    const Result<Plan> plan = make_plan(*loaded);
    if (!plan) { // changed since, and wrong
        log::warning("timeouts stay as they are: " + plan.error().text);
        return;
    }
    relay_settings_ = plan->config.relay;
    const auto ours =
        std::ranges::find(plan->config.services, options_.port, &config::Service::port);
    service_settings_ = ours == plan->config.services.end() ? config::Service{} : *ours;
}

/* What the command line says goes before the configuration. */
config::Service Faithd::service() const {
    config::Service service = service_settings_;
    service.port = options_.port;
    if (options_.reserved_source_port)
        service.reserved_source_port = true;
    const std::optional<config::Alg> alg = remote_shell(options_);
    if (alg && (options_.reserved_source_port || !service.alg))
        service.alg = alg;
    service.local = options_.local;
    return service;
}

Status Faithd::start_relay() {
    relay::Options options;
    options.workers = worker_count();
    options.listener = listener_.get();
    options.descriptor_ceiling =
        std::max(limit_.most - kept_descriptors - static_cast<int>(options.workers), 1);
    options.data_ports = data_ports_by(instance_, options_.port); // they come here as well
    options.complain = [](std::string_view text) { log::warning(text); };
    TRY_ASSIGN(relay_, relay::Relay::create(options, policy()));
    return relay_->start();
}

Status Faithd::capture() {
    TRY_ASSIGN(const datapath::Services services, open_services(instance_));
    TRY_ASSIGN(const std::uint64_t cookie, sys::cookie_of(listener_.get()));
    TRY(services.capture({.socket = listener_.get(),
                          .cookie = cookie,
                          .port = options_.port,
                          .pid = static_cast<std::uint32_t>(::getpid()),
                          .program = "faithd"}));
    TRY_ASSIGN(prefixes_, read_prefixes(services.maps()));
    TRY_ASSIGN(dataplane_, services.identity());
    return Ok{};
}

/* A port that somebody released on purpose stays released; a new dataplane knows nothing of
 * us yet. */
Status Faithd::rejoin() {
    std::uint32_t now = 0;
    {
        const Result<datapath::Services> services = open_services(instance_);
        if (!services && services.error().kind != Errc::NotLoaded)
            return services.error();
        if (services) {
            TRY_ASSIGN(now, services->identity());
        }
    }
    if (now == dataplane_)
        return Ok{};
    if (now == 0) {
        dataplane_ = 0;
        log::warning("no prefix is captured any more; waiting for the next faith-gw load");
        return Ok{};
    }
    TRY(capture());
    read_configuration();
    log::info(port_text(options_.port) + " is captured again");
    return Ok{};
}

Status Faithd::refresh() {
    if (terminating_)
        return Ok{};
    log::debug("update interface address list");
    TRY_ASSIGN(network_, read_network());
    Status joined = rejoin();
    relay_->set_policy(policy());
    return joined;
}

relay::PolicyRef Faithd::policy() const {
    const relay::PolicyRef made = make_policy(PolicyInputs{
        .prefixes = prefixes_,
        .exempt = exemptions(network_, prefixes_),
        .rules = rules_.rules,
        .never = never_targets(config::Faith{}),
        .own_addresses = own_addresses4(network_),
        .services = {service()},
        .relay = relay_settings_,
        .generation = 1,
        .witness = witness_,
    });
    auto local_first = std::make_shared<relay::Policy>(*made);
    local_first->judge = [made, own = own_addresses6(network_), witness = witness_,
                          service = options_.service,
                          debug = options_.debug](const relay::Request &request) {
        /* They come by the listener's own address, and may lie in a prefix (D15). */
        if (std::ranges::binary_search(own, request.destination)) {
            witness({.request = request, .reason = FGW_NOT_CAPTURED, .target = {}, .rule = {}});
            return relay::Decision(relay::Refuse{.reason = FGW_NOT_CAPTURED, .target = {}});
        }
        const relay::Decision decision = made->judge(request);
        if (debug)
            log_steps(service, request, decision);
        return decision;
    };
    return local_first;
}

Status Faithd::watch_signals() {
    TRY_ASSIGN(signals_, sys::signal_descriptor({SIGTERM, SIGINT, SIGHUP}));
    TRY_ASSIGN(signal_watch_,
               loop_->watch(signals_.get(), sys::Interest{.read = true, .write = false},
                            [this](sys::Ready) { on_signal(sys::next_signal(signals_.get())); }));
    return Ok{};
}

void Faithd::on_signal(int number) {
    if (number == SIGHUP)
        reload();
    else if (number != 0)
        terminate();
}

/* All or nothing. */
void Faithd::reload() {
    Result<FaithdRules> next = read_faithd_rules(options_);
    if (next && next->file.empty() && !rules_.file.empty())
        next = invalid(rules_.file + " is gone");
    if (!next) {
        log::error("SIGHUP: nothing was changed: " + next.error().text);
        return;
    }
    rules_ = *std::move(next);
    read_configuration();
    for (const std::string &warning : rules_.rules->warnings)
        log::warning(warning);
    relay_->set_policy(policy());
    log::info("reloaded " + (rules_.file.empty() ? std::string("(no file)") : rules_.file) + ": " +
              std::to_string(rules_.rules->rules.size()) + " rules");
}

/* New clients get a reset from here on; what is established goes on (D14). */
void Faithd::terminate() {
    if (terminating_) {
        loop_->stop();
        return;
    }
    terminating_ = true;
    log::info("Terminating faith daemon");
    monitor_.reset();
    local_.reset(); // its processes go on
    relay_->stop_accepting();
    listener_.reset();
    wait_for_sessions();
}

void Faithd::wait_for_sessions() {
    if (relay_->totals().sessions_active == 0)
        loop_->stop();
    else
        drain_timer_ = loop_->after(drain_step, [this] { wait_for_sessions(); });
}

Status Faithd::run() {
    log::info("Starting faith daemon for " + options_.service + " port");
    return loop_->run();
}

Faithd::~Faithd() {
    if (relay_)
        relay_->stop();
}

} // namespace faith::daemon
