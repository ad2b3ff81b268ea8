/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The BPF object inside this binary, loaded into the kernel: descriptors of its
 * programs and maps. What libbpf and the verifier say on the way is kept and becomes
 * part of the error. Destroying it closes our descriptors; what is pinned or attached
 * stays.
 */
#pragma once

#include "base/result.h"
#include "datapath/map.h"
#include "faith/abi.h"
#include "faith/reasons.h"

#include <initializer_list>
#include <memory>
#include <string_view>

struct fgw; /* the skeleton */

namespace faith::datapath {

/* Descriptors of the maps, from a loaded object or from pins. */
struct Maps {
    MapRef<std::uint32_t, fgw_meta> meta;
    MapRef<std::uint32_t, fgw_config> config;
    MapRef<fgw_prefix_key, fgw_prefix_val> prefixes;
    MapRef<std::uint32_t, fgw_port_word> ports;
    MapRef<std::uint32_t, std::uint64_t> socks;
    PerCpuCounters reasons;
    MapRef<fgw_target_key, fgw_target_val> targets;
    MapRef<std::uint32_t, fgw_interface> interfaces;
    MapRef<std::uint32_t, fgw_rule> acl;
    int acl_tables = -1; /* of maps: written by AclPublisher alone */
    MapRef<std::uint32_t, std::uint32_t> acl_generation;
    HitCounters hits;
    MapRef<fgw_source_key, fgw_sessions> full;
    MapRef<fgw_expected_key, fgw_expected> expected;
    MapRef<std::uint32_t, fgw_service> services;        /* by port */
    MapRef<std::uint32_t, std::uint64_t> service_socks; /* by port; a descriptor in, a cookie out */
    MapRef<fgw_expected_key, fgw_service_data> service_data;
    int events = -1; /* the ring */
    PerCpuCounters events_lost;
    MapRef<fgw_stf_key, fgw_stf> stf;
    MapRef<fgw_ip4_key, fgw_ip4_val> ip4;
    MapRef<fgw_pmtu_key, fgw_pmtu> pmtu;
    int stf_slow = -1; /* a ring */
};

class Object {
public:
    /* All programs; or those named and no others, whose descriptors are -1 then: most of the
     * time of a load is the verifier's. */
    static Result<Object> load(std::initializer_list<std::string_view> only = {});
    Object(Object &&) noexcept = default;
    Object &operator=(Object &&) noexcept = default;

    int xdp_program() const;
    int tc_program() const;
    int decap_program() const; /* TC, what XDP took out of a tunnel */
    int encap_program() const; /* TC, what goes into one */
    int sk_lookup_program() const;
    Maps maps() const;

    /* Every map and loaded program under its kernel name, for pinning. */
    struct Named {
        const char *name;
        int fd;
    };
    std::vector<Named> all_maps() const;
    std::vector<Named> all_programs() const;

private:
    struct Destroy {
        void operator()(fgw *skeleton) const;
    };
    explicit Object(fgw *skeleton) : skeleton_(skeleton) {}
    std::unique_ptr<fgw, Destroy> skeleton_;
};

/* Runs a libbpf call quietly; the last words libbpf said are appended to the error. */
class LibbpfWords {
public:
    LibbpfWords();
    ~LibbpfWords();
    LibbpfWords(const LibbpfWords &) = delete;
    LibbpfWords &operator=(const LibbpfWords &) = delete;
    std::string last() const;

private:
    std::string said_;
};

} // namespace faith::datapath
