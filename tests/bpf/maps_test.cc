/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The maps as the kernel holds them: the names, limits and types that were promised. */
#include "loaded.h"

#include "faith/names.h"
#include "sys/fd.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <map>
#include <vector>

using namespace faith;
using namespace faith::test;

namespace {

std::map<std::string, bpf_map_info> maps_of(Loaded &loaded) {
    std::map<std::string, bpf_map_info> found;
    for (const datapath::Object::Named &map : loaded.object().all_maps()) {
        bpf_map_info info{};
        std::uint32_t size = sizeof info;
        REQUIRE(bpf_obj_get_info_by_fd(map.fd, &info, &size) == 0);
        CHECK(std::string(info.name) == map.name);
        found[info.name] = info;
    }
    return found;
}

} // namespace

TEST_CASE("maps: each has its name, and the sizes and the limit of the contract") {
    Loaded loaded;
    const std::map<std::string, bpf_map_info> maps = maps_of(loaded);
    struct Row {
        const char *name;
        bpf_map_type type;
        std::size_t key;
        std::size_t value;
        std::uint32_t limit;
    };
    const Row rows[] = {
        {FGW_MAP_META, BPF_MAP_TYPE_ARRAY, 4, sizeof(fgw_meta), 1},
        {FGW_MAP_CONFIG, BPF_MAP_TYPE_ARRAY, 4, sizeof(fgw_config), 1},
        {FGW_MAP_PREFIXES, BPF_MAP_TYPE_LPM_TRIE, sizeof(fgw_prefix_key), sizeof(fgw_prefix_val),
         FGW_MAX_PREFIX_RULES},
        {FGW_MAP_PORTS, BPF_MAP_TYPE_ARRAY, 4, sizeof(fgw_port_word), FGW_PORT_WORDS},
        {FGW_MAP_SOCKS, BPF_MAP_TYPE_SOCKMAP, 4, 8, FGW_MAX_LISTENERS},
        {FGW_MAP_STF, BPF_MAP_TYPE_HASH, sizeof(fgw_stf_key), sizeof(fgw_stf), FGW_MAX_TUNNELS * 3},
        {FGW_MAP_IP4, BPF_MAP_TYPE_HASH, sizeof(fgw_ip4_key), sizeof(fgw_ip4_val),
         FGW_MAX_LOCAL_IP4},
        {FGW_MAP_REASONS, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(fgw_count), FGW_REASON_MAX},
        {FGW_MAP_TARGETS, BPF_MAP_TYPE_LPM_TRIE, sizeof(fgw_target_key), sizeof(fgw_target_val),
         FGW_MAX_TARGETS},
        {FGW_MAP_INTERFACES, BPF_MAP_TYPE_HASH, 4, sizeof(fgw_interface), FGW_MAX_INTERFACES},
        {FGW_MAP_ACL, BPF_MAP_TYPE_HASH, 4, sizeof(fgw_rule), FGW_ACL_SLOTS},
        {FGW_MAP_ACL_TABLES, BPF_MAP_TYPE_ARRAY_OF_MAPS, 4, 4, 2},
        {FGW_MAP_ACL_GENERATION, BPF_MAP_TYPE_ARRAY, 4, 4, 1},
        {FGW_MAP_HITS, BPF_MAP_TYPE_ARRAY, 4, sizeof(fgw_count), FGW_ACL_SLOTS * FGW_HIT_STRIPES},
        {FGW_MAP_RATES, BPF_MAP_TYPE_LRU_HASH, sizeof(fgw_rate_key), sizeof(fgw_rate),
         FGW_RATE_ENTRIES},
        {FGW_MAP_FULL, BPF_MAP_TYPE_HASH, sizeof(fgw_source_key), sizeof(fgw_sessions),
         FGW_MAX_FULL_SOURCES},
        {FGW_MAP_EXPECTED, BPF_MAP_TYPE_LRU_HASH, sizeof(fgw_expected_key), sizeof(fgw_expected),
         FGW_MAX_EXPECTED},
        {FGW_MAP_SERVICES, BPF_MAP_TYPE_HASH, 4, sizeof(fgw_service), FGW_MAX_SERVICES},
        {FGW_MAP_SERVICE_SOCKS, BPF_MAP_TYPE_SOCKHASH, 4, 8, FGW_MAX_SERVICES},
        {FGW_MAP_SERVICE_DATA, BPF_MAP_TYPE_LRU_HASH, sizeof(fgw_expected_key),
         sizeof(fgw_service_data), FGW_MAX_EXPECTED},
        {FGW_MAP_PMTU, BPF_MAP_TYPE_LRU_HASH, sizeof(fgw_pmtu_key), sizeof(fgw_pmtu), FGW_MAX_PMTU},
        {FGW_MAP_FLOWS, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(fgw_flow), FGW_FLOW_SLOTS},
        {FGW_MAP_STF_SLOW, BPF_MAP_TYPE_RINGBUF, 0, 0, FGW_SLOW_BYTES},
        {FGW_MAP_EVENTS, BPF_MAP_TYPE_RINGBUF, 0, 0, FGW_EVENT_BYTES},
        {FGW_MAP_EVENTS_LOST, BPF_MAP_TYPE_PERCPU_ARRAY, 4, sizeof(fgw_count), 1},
    };
    CHECK(maps.size() == std::size(rows));
    for (const Row &row : rows) {
        INFO(row.name);
        REQUIRE(maps.contains(row.name));
        const bpf_map_info &map = maps.at(row.name);
        CHECK(map.type == static_cast<std::uint32_t>(row.type));
        CHECK(map.key_size == row.key);
        CHECK(map.value_size == row.value);
        CHECK(map.max_entries == row.limit);
    }
}

TEST_CASE("maps: bpftool can print them as names and numbers, but sockets, tables and rings") {
    Loaded loaded;
    for (const auto &[name, map] : maps_of(loaded)) {
        INFO(name);
        /* The kernel takes no types for a sockmap, a map of maps or a ring. */
        const bool typed = name != FGW_MAP_SOCKS && name != FGW_MAP_SERVICE_SOCKS &&
                           name != FGW_MAP_ACL_TABLES && name != FGW_MAP_EVENTS &&
                           name != FGW_MAP_STF_SLOW;
        CHECK((map.btf_value_type_id != 0) == typed);
    }
}

TEST_CASE("maps: a counter is the sum of what each CPU counted, for as many as are asked for") {
    constexpr std::uint32_t entries = 5;
    const sys::UniqueFd map(bpf_map_create(BPF_MAP_TYPE_PERCPU_ARRAY, "counters", 4,
                                           sizeof(fgw_count), entries, nullptr));
    REQUIRE(map);
    const auto cpus = static_cast<std::size_t>(libbpf_num_possible_cpus());
    std::vector<std::uint64_t> wanted;
    for (std::uint32_t entry = 0; entry < entries; ++entry) {
        std::vector<fgw_count> counts(cpus);
        for (std::size_t cpu = 0; cpu < cpus; ++cpu)
            counts[cpu].packets = 1000 * entry + cpu + 1;
        REQUIRE(bpf_map_update_elem(map.get(), &entry, counts.data(), BPF_ANY) == 0);
        wanted.push_back(1000 * entry * cpus + cpus * (cpus + 1) / 2);
    }
    const datapath::PerCpuCounters counters(map.get());
    CHECK(*counters.sums(entries) == wanted);
    CHECK(*counters.sums(1) == std::vector{wanted[0]});
    wanted.resize(entries + 2); /* the map of an older program has fewer */
    CHECK(*counters.sums(entries + 2) == wanted);
    CHECK(datapath::PerCpuCounters(-1).sums(entries).error().text ==
          "read the counters: Bad file descriptor");
}
