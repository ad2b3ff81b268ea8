/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/map.h"

#include "faith/abi.h"

#include <bpf/libbpf.h>
#include <sys/mman.h>

#include <atomic>

namespace faith::datapath {

namespace {

Result<std::size_t> possible_cpus() {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0)
        return system_error(-cpus, "count the CPUs");
    return static_cast<std::size_t>(cpus);
}

} // namespace

/* In one call: a caller that reads twice within a moment has no time for one call an entry. */
Result<std::vector<std::uint64_t>> PerCpuCounters::sums(std::uint32_t entries) const {
    /* The kernel rounds what a CPU has up to eight bytes. */
    static_assert(sizeof(fgw_count) % 8 == 0);
    TRY_ASSIGN(const std::size_t cpus, possible_cpus());
    std::vector<std::uint32_t> keys(entries);
    std::vector<fgw_count> values(entries * cpus);
    std::uint32_t next = 0;
    std::uint32_t count = entries;
    /* ENOENT: the map ends here, and what was read counts. */
    if (bpf_map_lookup_batch(fd_, nullptr, &next, keys.data(), values.data(), &count, nullptr) !=
            0 &&
        errno != ENOENT)
        return system_error(errno, "read the counters");
    std::vector<std::uint64_t> sums(entries);
    for (std::size_t i = 0; i < count; ++i)
        for (std::size_t cpu = 0; cpu < cpus; ++cpu)
            sums[keys[i]] += values[i * cpus + cpu].packets;
    return sums;
}

namespace {

/* The whole map as memory. */
class MappedHits {
public:
    explicit MappedHits(int fd)
        : memory_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)) {}
    ~MappedHits() {
        if (*this)
            ::munmap(memory_, bytes);
    }
    MappedHits(const MappedHits &) = delete;
    MappedHits &operator=(const MappedHits &) = delete;
    explicit operator bool() const { return memory_ != MAP_FAILED; }
    /* The kernel adds to it meanwhile. */
    std::atomic_ref<__u64> at(std::size_t stripe, std::uint32_t slot) const {
        return std::atomic_ref(
            static_cast<fgw_count *>(memory_)[stripe * FGW_ACL_SLOTS + slot].packets);
    }

private:
    static constexpr std::size_t bytes =
        std::size_t{FGW_ACL_SLOTS} * FGW_HIT_STRIPES * sizeof(fgw_count);
    void *memory_;
};

} // namespace

Result<std::vector<std::uint64_t>>
HitCounters::sums_of(std::span<const std::uint32_t> slots) const {
    const MappedHits hits(fd_);
    if (!hits)
        return system_error(errno, "read the hits of the rules");
    std::vector<std::uint64_t> sums;
    sums.reserve(slots.size());
    for (const std::uint32_t slot : slots) {
        std::uint64_t &sum = sums.emplace_back(0);
        for (std::size_t stripe = 0; stripe < FGW_HIT_STRIPES; ++stripe)
            sum += hits.at(stripe, slot).load(std::memory_order_relaxed);
    }
    return sums;
}

Status HitCounters::clear(std::span<const std::uint32_t> slots) const {
    if (slots.empty())
        return Ok{};
    const MappedHits hits(fd_);
    if (!hits)
        return system_error(errno, "clear the hits of new rules");
    for (const std::uint32_t slot : slots)
        for (std::size_t stripe = 0; stripe < FGW_HIT_STRIPES; ++stripe)
            hits.at(stripe, slot).store(0, std::memory_order_relaxed);
    return Ok{};
}

} // namespace faith::datapath
