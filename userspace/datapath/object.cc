/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/object.h"

#include "faith/names.h"
#include "fgw.skel.h"

#include <sys/utsname.h>

#include <bpf/libbpf.h>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstring>

namespace faith::datapath {

namespace {

/* libbpf has one print function per process and no user pointer for it. */
thread_local std::string *words = nullptr;

int collect(libbpf_print_level level, const char *format, va_list arguments) {
    if (words == nullptr || level > LIBBPF_WARN)
        return 0;
    char line[512];
    const int length = std::vsnprintf(line, sizeof line, format, arguments);
    if (length > 0)
        words->append(line);
    return length;
}

std::string kernel_release() {
    utsname name{};
    return ::uname(&name) == 0 ? name.release : "unknown";
}

/* What a person can do about it, from the errno of the failing load. */
std::string advice(int number) {
    switch (number) {
    case EPERM:
    case EACCES:
        return "BPF needs root, or CAP_BPF with CAP_NET_ADMIN and CAP_PERFMON";
    case ENOSYS:
        return "this kernel has no BPF (CONFIG_BPF_SYSCALL)";
    case E2BIG:
    case EINVAL:
    case EOPNOTSUPP:
        return "the kernel refuses the programs; faith-gw needs Linux 6.1 or later";
    default:
        return {};
    }
}

} // namespace

LibbpfWords::LibbpfWords() {
    words = &said_;
    libbpf_set_print(collect);
}

LibbpfWords::~LibbpfWords() { words = nullptr; }

std::string LibbpfWords::last() const {
    std::string text = said_;
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    const std::size_t newline = text.rfind('\n');
    return newline == std::string::npos ? text : text.substr(newline + 1);
}

void Object::Destroy::operator()(fgw *skeleton) const { fgw__destroy(skeleton); }

Result<Object> Object::load(std::initializer_list<std::string_view> only) {
    const LibbpfWords said;
    fgw *skeleton = fgw__open();
    if (skeleton == nullptr)
        return system_error(errno, "open the BPF object");
    Object object(skeleton);
    bpf_program *program = nullptr;
    bpf_object__for_each_program(program, skeleton->obj) {
        if (only.size() != 0)
            bpf_program__set_autoload(
                program, std::ranges::find(only, bpf_program__name(program)) != only.end());
    }
    const int failed = fgw__load(skeleton);
    if (failed == 0)
        return object;
    Error error = system_error(-failed, "load the BPF programs (Linux " + kernel_release() + ")");
    for (const std::string &more : {advice(-failed), said.last()})
        if (!more.empty())
            error.text += "; " + more;
    return error;
}

int Object::xdp_program() const { return bpf_program__fd(skeleton_->progs.fgw_xdp_ingress); }
int Object::tc_program() const { return bpf_program__fd(skeleton_->progs.fgw_tc_ingress); }
int Object::decap_program() const { return bpf_program__fd(skeleton_->progs.fgw_tc_decap); }
int Object::encap_program() const { return bpf_program__fd(skeleton_->progs.fgw_tc_encap); }
int Object::sk_lookup_program() const { return bpf_program__fd(skeleton_->progs.fgw_sk_lookup); }

Maps Object::maps() const {
    const auto &maps = skeleton_->maps;
    return Maps{
        .meta = MapRef<std::uint32_t, fgw_meta>(bpf_map__fd(maps.fgw_meta)),
        .config = MapRef<std::uint32_t, fgw_config>(bpf_map__fd(maps.fgw_config)),
        .prefixes = MapRef<fgw_prefix_key, fgw_prefix_val>(bpf_map__fd(maps.fgw_prefixes)),
        .ports = MapRef<std::uint32_t, fgw_port_word>(bpf_map__fd(maps.fgw_ports)),
        .socks = MapRef<std::uint32_t, std::uint64_t>(bpf_map__fd(maps.fgw_socks)),
        .reasons = PerCpuCounters(bpf_map__fd(maps.fgw_reasons)),
        .targets = MapRef<fgw_target_key, fgw_target_val>(bpf_map__fd(maps.fgw_targets)),
        .interfaces = MapRef<std::uint32_t, fgw_interface>(bpf_map__fd(maps.fgw_interfaces)),
        .acl = MapRef<std::uint32_t, fgw_rule>(bpf_map__fd(maps.fgw_acl)),
        .acl_tables = bpf_map__fd(maps.fgw_acl_tables),
        .acl_generation = MapRef<std::uint32_t, std::uint32_t>(bpf_map__fd(maps.fgw_acl_gen)),
        .hits = HitCounters(bpf_map__fd(maps.fgw_hits)),
        .full = MapRef<fgw_source_key, fgw_sessions>(bpf_map__fd(maps.fgw_full)),
        .expected = MapRef<fgw_expected_key, fgw_expected>(bpf_map__fd(maps.fgw_expected)),
        .services = MapRef<std::uint32_t, fgw_service>(bpf_map__fd(maps.fgw_services)),
        .service_socks = MapRef<std::uint32_t, std::uint64_t>(bpf_map__fd(maps.fgw_svc_socks)),
        .service_data = MapRef<fgw_expected_key, fgw_service_data>(bpf_map__fd(maps.fgw_svc_data)),
        .events = bpf_map__fd(maps.fgw_events),
        .events_lost = PerCpuCounters(bpf_map__fd(maps.fgw_events_lost)),
        .stf = MapRef<fgw_stf_key, fgw_stf>(bpf_map__fd(maps.fgw_stf)),
        .ip4 = MapRef<fgw_ip4_key, fgw_ip4_val>(bpf_map__fd(maps.fgw_ip4)),
        .pmtu = MapRef<fgw_pmtu_key, fgw_pmtu>(bpf_map__fd(maps.fgw_pmtu)),
        .stf_slow = bpf_map__fd(maps.fgw_stf_slow),
    };
}

std::vector<Object::Named> Object::all_maps() const {
    std::vector<Named> all;
    const bpf_map *map = nullptr;
    bpf_object__for_each_map(map, skeleton_->obj) {
        if (std::strncmp(bpf_map__name(map), "fgw_", 4) == 0)
            all.push_back({.name = bpf_map__name(map), .fd = bpf_map__fd(map)});
    }
    return all;
}

std::vector<Object::Named> Object::all_programs() const {
    std::vector<Named> all;
    bpf_program *program = nullptr;
    bpf_object__for_each_program(program, skeleton_->obj) {
        if (bpf_program__autoload(program))
            all.push_back({.name = bpf_program__name(program), .fd = bpf_program__fd(program)});
    }
    return all;
}

} // namespace faith::datapath
