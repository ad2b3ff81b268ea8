/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/map.h"

#include "faith/abi.h"

#include <bpf/libbpf.h>

namespace faith::datapath {

Result<std::vector<std::uint64_t>> PerCpuCounters::sums(std::uint32_t entries) const {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0)
        return system_error(-cpus, "count the CPUs");
    std::vector<fgw_count> per_cpu(static_cast<std::size_t>(cpus));
    std::vector<std::uint64_t> sums(entries);
    for (std::uint32_t index = 0; index < entries; ++index) {
        if (bpf_map_lookup_elem(fd_, &index, per_cpu.data()) != 0)
            return system_error(errno, "read the counters");
        for (const fgw_count &count : per_cpu)
            sums[index] += count.packets;
    }
    return sums;
}

} // namespace faith::datapath
