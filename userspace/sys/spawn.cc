/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/spawn.h"

#include "sys/signal.h"
#include "sys/socket.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

namespace faith::sys {

namespace {

enum class Session { Own, Ours };

/* What execve() takes, made before fork(): a child of a process with threads must not
 * allocate. */
class Words {
public:
    explicit Words(const std::vector<std::string> &words) {
        for (const std::string &word : words)
            pointers_.push_back(const_cast<char *>(word.c_str()));
        pointers_.push_back(nullptr);
    }
    char *const *get() const { return pointers_.data(); }

private:
    std::vector<char *> pointers_;
};

void lower_descriptor_limit(int descriptors) {
    rlimit limit{};
    if (descriptors <= 0 || ::getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    limit.rlim_cur = static_cast<rlim_t>(descriptors);
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/* System calls only. Returns the errno of what failed. */
int execute(int connection, const Program &program, const Words &argv, const Words &environment,
            Session session) {
    if (session == Session::Own)
        ::setsid();
    if (::chdir("/") != 0)
        return errno;
    for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
        if (::dup2(connection, standard) < 0)
            return errno;
    /* dup2() onto itself keeps close-on-exec. */
    if (connection <= STDERR_FILENO && ::fcntl(connection, F_SETFD, 0) != 0)
        return errno;
    /* Ours are close-on-exec; those that our own starter left open become it here. */
    ::syscall(SYS_close_range, STDERR_FILENO + 1, UINT_MAX, CLOSE_RANGE_CLOEXEC);
    lower_descriptor_limit(program.descriptors);
    ::signal(SIGPIPE, SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::execve(program.path.c_str(), argv.get(), environment.get());
    return errno;
}

/* The errno that a child sends before it gives up; nothing when it became another program. */
int failure_of(int from_child) {
    int number = 0;
    ssize_t got = 0;
    do
        got = ::read(from_child, &number, sizeof number);
    while (got < 0 && errno == EINTR);
    return got == sizeof number ? number : 0;
}

} // namespace

Status executable(const std::string &path) {
    struct stat info{};
    if (::stat(path.c_str(), &info) != 0)
        return system_error(errno, path);
    if (!S_ISREG(info.st_mode))
        return invalid(path + " is not a program");
    /* Not access(): it answers for the user who asks, and the daemon is root. */
    if ((info.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) == 0)
        return system_error(EACCES, path);
    return Ok{};
}

bool is_ourselves(const std::string &path) {
    struct stat program{};
    struct stat ours{};
    return ::stat(path.c_str(), &program) == 0 && ::stat("/proc/self/exe", &ours) == 0 &&
           program.st_dev == ours.st_dev && program.st_ino == ours.st_ino;
}

Result<Child> spawn_on(int connection, const Program &program) {
    TRY(make_blocking(connection));
    /* Ignored, as our own starter may have left it, it would take away how children ended, also
     * from the program itself. */
    ::signal(SIGCHLD, SIG_DFL);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return system_error(errno, "make a pipe");
    const UniqueFd from_child(ends[0]);
    UniqueFd to_parent(ends[1]);
    const Words argv(program.argv);
    const Words environment(program.environment);
    pid_t pid = 0;
    {
        const SignalsBlocked no_handler_runs_in_the_child;
        pid = ::fork();
        if (pid == 0) {
            const int number = execute(connection, program, argv, environment, Session::Own);
            if (::write(to_parent.get(), &number, sizeof number) != sizeof number)
                ::_exit(126);
            ::_exit(127);
        }
    }
    if (pid < 0)
        return system_error(errno, "fork");
    to_parent.reset();
    if (const int number = failure_of(from_child.get()); number != 0) {
        ::waitpid(pid, nullptr, 0);
        return system_error(number, program.path);
    }
    Child child{.pid = pid,
                .handle = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)))};
    if (!child.handle) { /* no descriptor: nobody would learn of its end */
        const int number = errno;
        end_child(child);
        return system_error(number, "watch process " + std::to_string(pid));
    }
    return child;
}

void end_child(const Child &child) {
    ::kill(child.pid, SIGKILL);
    ::waitpid(child.pid, nullptr, 0);
}

std::optional<Ended> reap(const Child &child) {
    siginfo_t info{};
    if (::waitid(P_PID, static_cast<id_t>(child.pid), &info, WEXITED | WNOHANG) != 0)
        return Ended{};
    if (info.si_pid == 0)
        return std::nullopt;
    if (info.si_code == CLD_EXITED)
        return Ended{.status = info.si_status, .signal = 0};
    return Ended{.status = 0, .signal = info.si_status};
}

std::string to_string(const Ended &ended) {
    if (ended.signal == 0)
        return "exit status " + std::to_string(ended.status);
    return "signal " + std::to_string(ended.signal) + " (" + ::strsignal(ended.signal) + ")";
}

Error become_on(int connection, const Program &program) {
    if (Status blocking = make_blocking(connection); !blocking)
        return std::move(blocking).error();
    const int number = execute(connection, program, Words(program.argv), Words(program.environment),
                               Session::Ours);
    return system_error(number, program.path);
}

} // namespace faith::sys
