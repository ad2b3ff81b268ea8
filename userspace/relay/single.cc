/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "relay/single.h"

#include "relay/worker.h"

namespace faith::relay {

Result<Totals> relay_one(const Options &options, PolicyRef policy, sys::UniqueFd client) {
    sys::MonotonicClock clock;
    const PolicyBox policies(std::move(policy));
    Admission admission;
    Expectations expectations(clock, options.data_ports);
    TRY_ASSIGN(const std::unique_ptr<Worker> worker,
               Worker::create(options,
                              Worker::Shared{.clock = clock,
                                             .policies = policies,
                                             .admission = admission,
                                             .expectations = expectations},
                              sys::UniqueFd()));
    TRY(worker->adopt(std::move(client)));
    TRY(worker->loop().run());
    Totals totals;
    totals.add(worker->stats());
    return totals;
}

} // namespace faith::relay
