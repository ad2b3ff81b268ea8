/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <limits>
#include <utility>

namespace faith::sys {

namespace {

constexpr rlim_t few_descriptors = 4096; /* about 2,000 sessions */

std::string read_to_end(int fd) {
    std::string all;
    char chunk[1024];
    for (;;) {
        const ssize_t n = ::read(fd, chunk, sizeof chunk);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return all;
        all.append(chunk, static_cast<std::size_t>(n));
    }
}

void let_go_of_terminal() {
    const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    if (!null)
        return;
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        ::dup2(null.get(), standard);
}

} // namespace

Result<UniqueFd> signal_descriptor(std::initializer_list<int> signals) {
    ::signal(SIGPIPE, SIG_IGN);
    sigset_t set;
    sigemptyset(&set);
    for (const int number : signals)
        sigaddset(&set, number);
    if (const int failed = pthread_sigmask(SIG_BLOCK, &set, nullptr); failed != 0)
        return system_error(failed, "block signals");
    UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!fd)
        return system_error(errno, "make a signal descriptor");
    return fd;
}

int next_signal(int descriptor) {
    signalfd_siginfo info{};
    return ::read(descriptor, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo)
                                                                 : 0;
}

DescriptorLimit raise_descriptor_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return {};
    const rlim_t soft = std::exchange(limit.rlim_cur, limit.rlim_max);
    const rlim_t have = ::setrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_max : soft;
    const auto number = [](rlim_t value) {
        return static_cast<int>(std::min<rlim_t>(value, std::numeric_limits<int>::max()));
    };
    DescriptorLimit result;
    result.most = number(have);
    result.before = number(soft);
    if (have < few_descriptors)
        result.note =
            "only " + std::to_string(have) + " descriptors are allowed, two for a session";
    return result;
}

std::optional<ino_t> mount_namespace_of(int pid) {
    struct stat info{};
    if (::stat(("/proc/" + std::to_string(pid) + "/ns/mnt").c_str(), &info) != 0)
        return std::nullopt;
    return info.st_ino;
}

int parent_of(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    for (std::string word; status >> word;)
        if (int parent = 0; word == "PPid:" && status >> parent)
            return parent;
    return 0;
}

Status wait_for_exit(int pid, Millis longest) {
    /* By pidfd: it becomes readable at the exit, and the number cannot be reused
     * under it. No such process is what we want. */
    const UniqueFd process(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
    if (!process)
        return errno == ESRCH ? Status(Ok{})
                              : Status(system_error(errno, "watch process " + std::to_string(pid)));
    pollfd exited{.fd = process.get(), .events = POLLIN, .revents = 0};
    if (::poll(&exited, 1, static_cast<int>(longest.count())) == 1)
        return Ok{};
    return Error{.kind = Errc::Busy,
                 .sys_errno = 0,
                 .text = "process " + std::to_string(pid) + " does not end"};
}

Status end_process(int pid, Millis longest) {
    if (::kill(pid, SIGKILL) != 0 && errno != ESRCH)
        return system_error(errno, "end process " + std::to_string(pid));
    return wait_for_exit(pid, longest);
}

Result<Starter::Outcome> Starter::fork_away() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return system_error(errno, "make a pipe");
    UniqueFd from_child(ends[0]);
    to_parent_.reset(ends[1]);
    const pid_t child = ::fork();
    if (child < 0)
        return system_error(errno, "fork");
    if (child > 0) {
        to_parent_.reset();
        child_ = child;
        return Outcome{.in_child = false, .report = read_to_end(from_child.get())};
    }
    ::setsid();
    if (::chdir("/") != 0)
        return system_error(errno, "change to /");
    return Outcome{.in_child = true, .report = {}};
}

void Starter::wait_for_child() const { ::waitpid(child_, nullptr, 0); }

void Starter::report(const std::string &text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
        const ssize_t n = ::write(to_parent_.get(), text.data() + sent, text.size() - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break; // the starter went away; nobody is left to tell
        sent += static_cast<std::size_t>(n);
    }
    let_go_of_terminal();
    to_parent_.reset();
}

} // namespace faith::sys
