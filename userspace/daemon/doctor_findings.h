/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the doctor's checks write down. Private to the doctor's files. */
#pragma once

#include "daemon/doctor.h"

#include <algorithm>
#include <utility>

namespace faith::daemon {

class Findings {
public:
    void problem(const char *check, std::string about, std::string says, std::string remedy) {
        add(Severity::Problem, check, std::move(about), std::move(says), std::move(remedy));
    }
    void note(const char *check, std::string about, std::string says, std::string remedy = "") {
        add(Severity::Note, check, std::move(about), std::move(says), std::move(remedy));
    }
    std::vector<Finding> take() {
        /* Problems first, each in the order of the checks. */
        std::stable_partition(all_.begin(), all_.end(), [](const Finding &finding) {
            return finding.severity == Severity::Problem;
        });
        return std::move(all_);
    }

private:
    void add(Severity severity, const char *check, std::string about, std::string says,
             std::string remedy) {
        all_.push_back({.severity = severity,
                        .check = check,
                        .about = std::move(about),
                        .says = std::move(says),
                        .remedy = std::move(remedy)});
    }
    std::vector<Finding> all_;
};

/* doctor_tunnel.cc: one tunnel, its uplink, its routes and its site. */
void check_tunnel(const Snapshot &seen, const Tunnel &tunnel, Findings &found);

} // namespace faith::daemon
