/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/program.h"

#include "sys/fd.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace faith::sys {

namespace {

constexpr std::size_t longest_output = 1 << 20;

struct Pipe {
    UniqueFd out; /* where to read */
    UniqueFd in;
    std::string text;
};

Status open_pipe(Pipe &pipe) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        return system_error(errno, "make a pipe");
    pipe.out.reset(ends[0]);
    pipe.in.reset(ends[1]);
    return Ok{};
}

class Actions {
public:
    Actions() { ::posix_spawn_file_actions_init(&actions_); }
    ~Actions() { ::posix_spawn_file_actions_destroy(&actions_); }
    Actions(const Actions &) = delete;
    Actions &operator=(const Actions &) = delete;
    void give(int fd, int as) { ::posix_spawn_file_actions_adddup2(&actions_, fd, as); }
    const posix_spawn_file_actions_t *get() const { return &actions_; }

private:
    posix_spawn_file_actions_t actions_;
};

Result<pid_t> spawn(const std::vector<std::string> &words, const Pipe &output, const Pipe &errors) {
    const UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    Actions actions;
    actions.give(null.get(), STDIN_FILENO);
    actions.give(output.in.get(), STDOUT_FILENO);
    actions.give(errors.in.get(), STDERR_FILENO);
    std::vector<char *> arguments;
    for (const std::string &word : words)
        arguments.push_back(const_cast<char *>(word.c_str())); // execve(2) changes none
    arguments.push_back(nullptr);
    pid_t child = 0;
    const int failed = ::posix_spawnp(&child, arguments.front(), actions.get(), nullptr,
                                      arguments.data(), environ);
    if (failed != 0)
        return system_error(failed, "run " + words.front());
    return child;
}

/* False at its end. */
bool read_some(Pipe &pipe) {
    std::array<char, 4096> chunk;
    const ssize_t n = ::read(pipe.out.get(), chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR)
        return true;
    if (n <= 0)
        return false;
    if (pipe.text.size() < longest_output)
        pipe.text.append(chunk.data(), static_cast<std::size_t>(n));
    return true;
}

void read_both(Pipe &output, Pipe &errors) {
    std::array<pollfd, 2> wait{pollfd{.fd = output.out.get(), .events = POLLIN, .revents = 0},
                               pollfd{.fd = errors.out.get(), .events = POLLIN, .revents = 0}};
    while (wait[0].fd >= 0 || wait[1].fd >= 0) {
        if (::poll(wait.data(), wait.size(), -1) < 0 && errno != EINTR)
            return;
        if (wait[0].revents != 0 && !read_some(output))
            wait[0].fd = -1;
        if (wait[1].revents != 0 && !read_some(errors))
            wait[1].fd = -1;
    }
}

std::string in_one_line(std::string text) {
    while (!text.empty() && text.back() == '\n')
        text.pop_back();
    for (char &c : text)
        if (c == '\n')
            c = ' ';
    return text;
}

} // namespace

Result<std::string> output_of(const std::vector<std::string> &words) {
    Pipe output;
    Pipe errors;
    TRY(open_pipe(output));
    TRY(open_pipe(errors));
    TRY_ASSIGN(const pid_t child, spawn(words, output, errors));
    output.in.reset();
    errors.in.reset();
    read_both(output, errors);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return system_error(errno, "wait for " + words.front());
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return std::move(output.text);
    const std::string said = in_one_line(std::move(errors.text));
    return Error{.kind = Errc::System,
                 .sys_errno = 0,
                 .text = words.front() + (said.empty() ? std::string(" failed") : ": " + said)};
}

} // namespace faith::sys
