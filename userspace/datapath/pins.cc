/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "datapath/pins.h"

#include "faith/names.h"
#include "sys/process.h"

#include <bpf/bpf.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <mutex>
#include <optional>

namespace faith::datapath {

namespace fs = std::filesystem;

namespace {

constexpr const char *bpffs_here = "/sys/fs/bpf";
bool is_bpffs(const char *path) {
    struct statfs info{};
    return ::statfs(path, &info) == 0 && info.f_type == BPF_FS_MAGIC;
}

Status mount_bpffs() {
    if (::mount("bpf", bpffs_here, "bpf", 0, "mode=0700") != 0)
        return system_error(errno, std::string("no BPF file system at ") + bpffs_here +
                                       ", and mounting one failed (try: mount -t bpf bpf " +
                                       bpffs_here + ")");
    return Ok{};
}

/* Pins in a private mount namespace die with its last process, and with them the
 * sk_lookup link: after a crash strangers would answer for the prefix (F11). `ip netns
 * exec` makes such a namespace for every command. So we reach for the file system of the
 * nearest ancestor outside: "/proc/PID", or "" when no ancestor is. */
std::string process_outside() {
    const std::optional<ino_t> here = sys::mount_namespace_of(::getpid());
    for (int pid = ::getppid(); here && pid > 0; pid = sys::parent_of(pid)) {
        const std::optional<ino_t> there = sys::mount_namespace_of(pid);
        if (!there)
            return {}; // not ours to look at, and further up it will not be better
        if (*there != *here)
            return "/proc/" + std::to_string(pid);
    }
    return {};
}

/* Mounts a BPF file system in the mount namespace of that process. A child enters it,
 * because setns(2) wants a process of one thread, and leaves it by ending. */
bool mount_bpffs_of(const std::string &process) {
    const pid_t child = ::fork();
    if (child == 0) {
        const int outside = ::open((process + "/ns/mnt").c_str(), O_RDONLY | O_CLOEXEC);
        const bool done =
            outside >= 0 && ::setns(outside, CLONE_NEWNS) == 0 &&
            (is_bpffs(bpffs_here) || ::mount("bpf", bpffs_here, "bpf", 0, "mode=0700") == 0);
        ::_exit(done ? 0 : 1);
    }
    int status = 0;
    return child > 0 && ::waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == 0;
}

/* Where pins go. What was found outside is kept open for the life of the process: the
 * ancestor that led there may end. */
std::string bpffs_root() {
    static std::mutex mutex;
    static sys::UniqueFd outside;
    const std::lock_guard<std::mutex> hold(mutex);
    if (!outside) {
        const std::string process = process_outside();
        const std::string path = process + "/root" + bpffs_here;
        if (process.empty() || !is_bpffs(path.c_str()))
            return bpffs_here;
        outside.reset(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    }
    return outside ? "/proc/self/fd/" + std::to_string(outside.get()) : bpffs_here;
}

/* A path for people: the same file system under its usual name. */
std::string shown(const std::string &path) {
    const std::size_t ours = path.find("/" FGW_PIN_DIRECTORY);
    return ours == std::string::npos ? path : bpffs_here + path.substr(ours);
}

Status make_directory(const std::string &path) {
    if (::mkdir(path.c_str(), 0750) != 0 && errno != EEXIST)
        return system_error(errno, "make the directory " + shown(path));
    return Ok{};
}

Status pin(int fd, const std::string &path) {
    if (bpf_obj_pin(fd, path.c_str()) != 0)
        return system_error(errno, "pin " + shown(path));
    return Ok{};
}

/* Takes a pinned link's program off before its pin goes: the kernel lets go of what was
 * unpinned in its own time (a grace period, a worker), and who loads next must find nothing. */
void detach_link(const std::string &path) {
    const sys::UniqueFd link(bpf_obj_get(path.c_str()));
    if (link)
        (void)bpf_link_detach(link.get()); // one whose interface is gone has nothing to take off
}

void detach_links_below(const std::string &path) {
    std::error_code failed;
    for (const fs::directory_entry &abi : fs::directory_iterator(path, failed))
        for (const fs::directory_entry &link : fs::directory_iterator(abi.path() / "links", failed))
            detach_link(link.path());
}

/* bpffs holds no symbolic links and nothing but our own pins lives here. */
Status remove_tree(const std::string &path) {
    detach_links_below(path);
    std::error_code failed;
    fs::remove_all(path, failed);
    if (failed)
        return system_error(failed.value(), "remove " + shown(path));
    return Ok{};
}

/* The parent stays while other namespaces use it. */
Status remove_if_empty(const std::string &path) {
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY)
        return system_error(errno, "remove " + shown(path));
    return Ok{};
}

} // namespace

Pins::Pins(std::uint64_t netns_inode)
    : root_(bpffs_root() + "/" FGW_PIN_DIRECTORY), base_(root_ + "/" + std::to_string(netns_inode)),
      published_(base_ + "/abi" + std::to_string(FGW_ABI_VERSION)),
      aside_(base_ + "/new_" + std::to_string(::getpid())) {}

Status Pins::ensure_bpffs() {
    const std::string process = process_outside();
    if (!process.empty() && mount_bpffs_of(process))
        return Ok{};
    return is_bpffs(bpffs_here) ? Status(Ok{}) : mount_bpffs();
}

std::string Pins::xdp_link_name(std::uint32_t interface_index) {
    return FGW_PIN_XDP_LINK + std::to_string(interface_index);
}

/* The last gateway that leaves removes the parent, perhaps between our making it and our
 * directory in it: then make it again. */
Status Pins::make_base() const {
    Status made = Ok{};
    for (int attempt = 0; attempt < 10'000; ++attempt) {
        TRY(make_directory(root_));
        made = make_directory(base_);
        if (made || made.error().sys_errno != ENOENT)
            break;
    }
    return made;
}

Status Pins::pin_aside(const Object &object) {
    TRY(make_base());
    TRY(make_directory(aside_));
    for (const char *kind : {"/maps", "/progs", "/links"})
        TRY(make_directory(aside_ + kind));
    for (const Object::Named &map : object.all_maps())
        TRY(pin(map.fd, aside_ + "/maps/" + map.name));
    for (const Object::Named &program : object.all_programs())
        TRY(pin(program.fd, aside_ + "/progs/" + program.name));
    return Ok{};
}

Status Pins::pin_link_aside(int link, const std::string &name) {
    return pin(link, aside_ + "/links/" + name);
}

Status Pins::commit() {
    /* COMMIT: before this rename nobody finds the pins, after it they are whole. */
    if (::rename(aside_.c_str(), published_.c_str()) != 0)
        return system_error(errno, "publish " + shown(published_));
    return Ok{};
}

Status Pins::pin_link(int link, const std::string &name) { return pin(link, path("links", name)); }

Status Pins::unpin_link(const std::string &name) {
    detach_link(path("links", name));
    if (::unlink(path("links", name).c_str()) != 0 && errno != ENOENT)
        return system_error(errno, "unpin " + shown(path("links", name)));
    return Ok{};
}

Status Pins::remove_all() {
    TRY(remove_tree(base_));
    return remove_if_empty(root_);
}

bool Pins::exists() const {
    std::error_code failed;
    return fs::exists(published_, failed);
}

std::vector<std::string> Pins::link_names() const {
    std::vector<std::string> names;
    std::error_code failed;
    for (const fs::directory_entry &entry : fs::directory_iterator(published_ + "/links", failed))
        names.push_back(entry.path().filename());
    return names;
}

std::string Pins::path(const char *kind, const std::string &name) const {
    return published_ + "/" + kind + "/" + name;
}

namespace {

Error why_no_pins(const Pins &pins) {
    const fs::path ours = pins.directory();
    std::error_code failed;
    for (const fs::directory_entry &entry : fs::directory_iterator(ours.parent_path(), failed)) {
        const std::string name = entry.path().filename();
        /* Ours may have been published since. */
        if (name.starts_with("abi") && name != ours.filename())
            return Error{.kind = Errc::AbiMismatch,
                         .sys_errno = 0,
                         .text = "the gateway was loaded by another version (" + name +
                                 ", this is " + ours.filename().string() +
                                 "): faith-gw unload, then load again"};
    }
    return Error{.kind = Errc::NotLoaded, .sys_errno = 0, .text = "not loaded"};
}

} // namespace

Result<PinnedMaps> open_pinned_maps(const Pins &pins) {
    if (!pins.exists())
        return why_no_pins(pins);
    PinnedMaps opened;
    const auto open = [&](const char *name) -> int {
        opened.owners.emplace_back(bpf_obj_get(pins.path("maps", name).c_str()));
        return opened.owners.back().get();
    };
    opened.maps = Maps{
        .meta = MapRef<std::uint32_t, fgw_meta>(open(FGW_MAP_META)),
        .config = MapRef<std::uint32_t, fgw_config>(open(FGW_MAP_CONFIG)),
        .prefixes = MapRef<fgw_prefix_key, fgw_prefix_val>(open(FGW_MAP_PREFIXES)),
        .ports = MapRef<std::uint32_t, fgw_port_word>(open(FGW_MAP_PORTS)),
        .socks = MapRef<std::uint32_t, std::uint64_t>(open(FGW_MAP_SOCKS)),
        .reasons = PerCpuCounters(open(FGW_MAP_REASONS)),
        .targets = MapRef<fgw_target_key, fgw_target_val>(open(FGW_MAP_TARGETS)),
        .interfaces = MapRef<std::uint32_t, fgw_interface>(open(FGW_MAP_INTERFACES)),
        .acl = MapRef<std::uint32_t, fgw_rule>(open(FGW_MAP_ACL)),
        .acl_tables = open(FGW_MAP_ACL_TABLES),
        .acl_generation = MapRef<std::uint32_t, std::uint32_t>(open(FGW_MAP_ACL_GENERATION)),
        .hits = HitCounters(open(FGW_MAP_HITS)),
        .full = MapRef<fgw_source_key, fgw_sessions>(open(FGW_MAP_FULL)),
        .expected = MapRef<fgw_expected_key, fgw_expected>(open(FGW_MAP_EXPECTED)),
        .services = MapRef<std::uint32_t, fgw_service>(open(FGW_MAP_SERVICES)),
        .service_socks = MapRef<std::uint32_t, std::uint64_t>(open(FGW_MAP_SERVICE_SOCKS)),
        .service_data = MapRef<fgw_expected_key, fgw_service_data>(open(FGW_MAP_SERVICE_DATA)),
        .events = open(FGW_MAP_EVENTS),
        .events_lost = PerCpuCounters(open(FGW_MAP_EVENTS_LOST)),
        .stf = MapRef<fgw_stf_key, fgw_stf>(open(FGW_MAP_STF)),
        .ip4 = MapRef<fgw_ip4_key, fgw_ip4_val>(open(FGW_MAP_IP4)),
        .pmtu = MapRef<fgw_pmtu_key, fgw_pmtu>(open(FGW_MAP_PMTU)),
        .stf_slow = open(FGW_MAP_STF_SLOW),
    };
    for (const sys::UniqueFd &owner : opened.owners)
        if (!owner)
            return Error{.kind = Errc::AbiMismatch,
                         .sys_errno = 0,
                         .text = "pins are missing under " + shown(pins.directory()) +
                                 " (or not permitted to be opened): faith-gw unload, then load"};
    return opened;
}

} // namespace faith::datapath
