/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/systemd.h"

/* Not ours: the place of each call in the source. Lines of the log have none. */
#define SD_JOURNAL_SUPPRESS_LOCATION

#include <dlfcn.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>

#include <algorithm>
#include <array>
#include <cstdlib>

namespace faith::systemd {

static_assert(first_descriptor == SD_LISTEN_FDS_START);

namespace {

constexpr const char *file_name = "libsystemd.so.0";

/* Its functions as the headers declare them. */
struct Library {
    decltype(&::sd_listen_fds) listen_fds = nullptr;
    decltype(&::sd_notify) notify = nullptr;
    decltype(&::sd_journal_sendv) journal_sendv = nullptr;
};

Error unusable() {
    const char *why = ::dlerror();
    return Error{.kind = Errc::System,
                 .sys_errno = 0,
                 .text = std::string("open ") + file_name +
                         ", to talk to systemd: " + (why != nullptr ? why : "unknown error")};
}

template <class Function>
bool find(void *handle, const char *name, Function &function) {
    function = reinterpret_cast<Function>(::dlsym(handle, name));
    return function != nullptr;
}

Result<Library> open_library() {
    /* Never closed: the log of a daemon needs it to the end. */
    void *const handle = ::dlopen(file_name, RTLD_NOW | RTLD_LOCAL);
    Library library;
    if (handle == nullptr || !find(handle, "sd_listen_fds", library.listen_fds) ||
        !find(handle, "sd_notify", library.notify) ||
        !find(handle, "sd_journal_sendv", library.journal_sendv))
        return unusable();
    return library;
}

const Result<Library> &library() {
    static const Result<Library> opened = open_library();
    return opened;
}

Status outcome(int returned, const char *what) {
    return returned < 0 ? Status(system_error(-returned, what)) : Status(Ok{});
}

} // namespace

Result<int> handed_descriptors(Environment environment) {
    if (std::getenv("LISTEN_PID") == nullptr && std::getenv("LISTEN_FDS") == nullptr)
        return 0;
    if (!library())
        return library().error();
    /* Words that mean nothing (a negative count) hand nothing over. */
    return std::max(library()->listen_fds(environment == Environment::Clear ? 1 : 0), 0);
}

Status ready() {
    if (std::getenv("NOTIFY_SOCKET") == nullptr)
        return Ok{};
    TRY(has_journal());
    return outcome(library()->notify(0, "READY=1"), "tell systemd that all is ready");
}

Status has_journal() { return library() ? Status(Ok{}) : Status(library().error()); }

Status journal(int priority, const std::string &ident, std::string_view line) {
    TRY(has_journal());
    std::array<std::string, 3> fields = {"MESSAGE=" + std::string(line),
                                         "PRIORITY=" + std::to_string(priority),
                                         "SYSLOG_IDENTIFIER=" + ident};
    std::array<iovec, fields.size()> parts{};
    for (std::size_t i = 0; i < fields.size(); ++i)
        parts[i] = {.iov_base = fields[i].data(), .iov_len = fields[i].size()};
    return outcome(library()->journal_sendv(parts.data(), static_cast<int>(parts.size())),
                   "write to the journal");
}

} // namespace faith::systemd
