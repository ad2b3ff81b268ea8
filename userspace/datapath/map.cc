/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/map.h"

#include "faith/abi.h"

#include <bpf/libbpf.h>

#include <algorithm>
#include <numeric>

namespace faith::datapath {

namespace {

Result<std::size_t> possible_cpus() {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0)
        return system_error(-cpus, "count the CPUs");
    return static_cast<std::size_t>(cpus);
}

} // namespace

Result<std::vector<std::uint64_t>>
PerCpuCounters::sums_of(std::span<const std::uint32_t> entries) const {
    TRY_ASSIGN(const std::size_t cpus, possible_cpus());
    std::vector<fgw_count> per_cpu(cpus);
    std::vector<std::uint64_t> sums;
    sums.reserve(entries.size());
    for (const std::uint32_t entry : entries) {
        if (bpf_map_lookup_elem(fd_, &entry, per_cpu.data()) != 0)
            return system_error(errno, "read the counters");
        std::uint64_t &sum = sums.emplace_back(0);
        for (const fgw_count &count : per_cpu)
            sum += count.packets;
    }
    return sums;
}

Result<std::vector<std::uint64_t>> PerCpuCounters::sums(std::uint32_t entries) const {
    std::vector<std::uint32_t> all(entries);
    std::iota(all.begin(), all.end(), 0U);
    return sums_of(all);
}

Status PerCpuCounters::clear(std::span<const std::uint32_t> entries) const {
    TRY_ASSIGN(const std::size_t cpus, possible_cpus());
    constexpr std::size_t at_once = 4096; /* a value is as long as there are CPUs */
    const std::vector<fgw_count> zeros(std::min(entries.size(), at_once) * cpus);
    while (!entries.empty()) {
        std::uint32_t count = static_cast<std::uint32_t>(std::min(entries.size(), at_once));
        if (bpf_map_update_batch(fd_, entries.data(), zeros.data(), &count, nullptr) != 0)
            return system_error(errno, "clear the counters");
        entries = entries.subspan(count);
    }
    return Ok{};
}

} // namespace faith::datapath
