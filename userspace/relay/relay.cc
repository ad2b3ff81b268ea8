/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/relay.h"

#include "relay/worker.h"
#include "sys/signal.h"

#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <future>
#include <iterator>
#include <mutex>
#include <optional>
#include <system_error>
#include <thread>

namespace faith::relay {

namespace {

class Threads final : public Relay {
public:
    Threads(const Options &options, PolicyRef policy)
        : policies_(policy), admission_(options.source_full),
          expectations_(clock_, options.data_ports) {
        admission_.watch_sources(policy->max_sessions_per_source);
        crews_.reserve(options.workers);
    }
    ~Threads() override { Threads::stop(); }

    Status add_worker(const Options &options);

    std::vector<int> listeners() const override;
    Status start() override;
    void set_policy(PolicyRef policy) override {
        const std::uint32_t per_source = policy->max_sessions_per_source;
        policies_.set(std::move(policy));
        admission_.watch_sources(per_source);
    }
    Totals totals() const override;
    std::vector<SessionInfo> sessions() const override;
    std::size_t revoke() override;
    std::string notes() const override;
    void stop_accepting() override;
    void stop() override;

private:
    struct Crew {
        std::unique_ptr<Worker> worker;
        std::thread thread;
    };

    void run(std::size_t number);
    template <class Value, class Work>
    static std::optional<Value> ask(const Crew &crew, Work work);

    sys::MonotonicClock clock_;
    PolicyBox policies_;
    Admission admission_;
    Expectations expectations_; /* outlives the sessions in crews_, which hold leases */
    std::vector<Crew> crews_;
    mutable std::mutex mutex_; /* guards failures_ */
    std::string failures_;
};

Status Threads::add_worker(const Options &options) {
    TRY_ASSIGN(sys::UniqueFd listener,
               options.listener < 0 ? sys::listen6() : sys::duplicate(options.listener));
    TRY_ASSIGN(std::unique_ptr<Worker> worker,
               Worker::create(options,
                              Worker::Shared{.clock = clock_,
                                             .policies = policies_,
                                             .admission = admission_,
                                             .expectations = expectations_},
                              std::move(listener)));
    crews_.push_back(Crew{.worker = std::move(worker), .thread = {}});
    return Ok{};
}

std::vector<int> Threads::listeners() const {
    std::vector<int> fds;
    for (const Crew &crew : crews_)
        fds.push_back(crew.worker->listener());
    return fds;
}

Status Threads::start() {
    const sys::SignalsBlocked inherited_by_the_workers;
    for (std::size_t number = 0; number < crews_.size(); ++number) {
        TRY(crews_[number].worker->start_accepting());
        try {
            crews_[number].thread = std::thread([this, number] { run(number); });
        } catch (const std::system_error &error) {
            stop();
            return system_error(error.code().value(), "start a relay worker");
        }
    }
    return Ok{};
}

void Threads::run(std::size_t number) {
    const std::string name = "fgw-worker-" + std::to_string(number);
    (void)pthread_setname_np(pthread_self(), name.c_str());
    Worker &worker = *crews_[number].worker;
    if (const Status status = worker.loop().run(); !status) {
        const std::lock_guard lock(mutex_);
        failures_ += "worker " + std::to_string(number) + " stopped: " + status.error().text + "\n";
    }
    worker.end_sessions();
}

Totals Threads::totals() const {
    Totals totals;
    for (const Crew &crew : crews_)
        totals.add(crew.worker->stats());
    return totals;
}

/* Has a worker do something on its own thread and waits for what comes of it. Nothing
 * comes of one that failed: a reload or the end must not hang on it. Any other answers at
 * once, unless the machine is so busy that it does not get to run, and sessions that are not
 * told then pass for none. So it may take long: only sessions(), revoke() and
 * stop_accepting() wait, none of which carries data or answers `status`. */
template <class Value, class Work>
std::optional<Value> Threads::ask(const Crew &crew, Work work) {
    if (!crew.thread.joinable())
        return std::nullopt;
    const auto promise = std::make_shared<std::promise<Value>>();
    std::future<Value> answer = promise->get_future();
    Worker &worker = *crew.worker;
    worker.loop().post([promise, &worker, work] { promise->set_value(work(worker)); });
    if (answer.wait_for(std::chrono::seconds(10)) != std::future_status::ready)
        return std::nullopt;
    return answer.get();
}

std::vector<SessionInfo> Threads::sessions() const {
    using List = std::vector<SessionInfo>;
    List all;
    for (const Crew &crew : crews_) {
        std::optional<List> part =
            ask<List>(crew, [](const Worker &worker) { return worker.sessions(); });
        if (part)
            std::move(part->begin(), part->end(), std::back_inserter(all));
    }
    return all;
}

std::size_t Threads::revoke() {
    std::size_t revoked = 0;
    for (const Crew &crew : crews_)
        revoked +=
            ask<std::size_t>(crew, [](Worker &worker) { return worker.revoke(); }).value_or(0);
    return revoked;
}

std::string Threads::notes() const {
    std::string notes;
    {
        const std::lock_guard lock(mutex_);
        notes = failures_;
    }
    std::uint32_t least = 0;
    std::uint32_t refused = 0;
    std::uint32_t asked = 0;
    for (const Crew &crew : crews_) {
        const sys::PipePool &pipes = crew.worker->pipes();
        const std::uint32_t shrunk = pipes.shrunk_to();
        if (shrunk != 0 && (least == 0 || shrunk < least))
            least = shrunk;
        refused += pipes.refused();
        asked = pipes.asked();
    }
    if (least != 0)
        notes += "the kernel gave pipes of " + std::to_string(least) + " bytes where " +
                 std::to_string(asked) +
                 " were asked: see fs.pipe-max-size and fs.pipe-user-pages-soft\n";
    if (refused != 0)
        notes += "no useful pipe to be had " + std::to_string(refused) +
                 " times: bulk was copied instead of spliced\n";
    if (!notes.empty())
        notes.pop_back();
    return notes;
}

void Threads::stop_accepting() {
    for (const Crew &crew : crews_)
        ask<bool>(crew, [](Worker &worker) {
            worker.stop_accepting();
            return true;
        });
}

void Threads::stop() {
    for (Crew &crew : crews_)
        if (crew.thread.joinable())
            crew.worker->loop().stop();
    for (Crew &crew : crews_)
        if (crew.thread.joinable())
            crew.thread.join();
}

} // namespace

Result<std::unique_ptr<Relay>> Relay::create(const Options &options, PolicyRef policy) {
    if (options.workers == 0)
        return invalid("a relay needs at least one worker");
    std::unique_ptr<Threads> relay = std::make_unique<Threads>(options, std::move(policy));
    for (std::uint32_t number = 0; number < options.workers; ++number)
        TRY(relay->add_worker(options));
    return std::unique_ptr<Relay>(std::move(relay));
}

} // namespace faith::relay
