/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace faith::sys {

Result<std::string> read_file(const std::string &path, std::size_t longest_bytes) {
    /* O_NONBLOCK: a FIFO without a writer must not hang us before fstat tells. */
    const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd)
        return system_error(errno, "read " + path);
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0)
        return system_error(errno, "read " + path);
    if (!S_ISREG(info.st_mode))
        return invalid("read " + path + ": not a regular file");
    if (static_cast<std::size_t>(info.st_size) > longest_bytes)
        return invalid("read " + path + ": larger than " +
                       std::to_string(longest_bytes / (1024 * 1024)) + " MiB");
    std::string text(static_cast<std::size_t>(info.st_size), '\0');
    std::size_t have = 0;
    while (have < text.size()) {
        const ssize_t got = ::read(fd.get(), text.data() + have, text.size() - have);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return system_error(errno, "read " + path);
        if (got == 0)
            break; // it shrank meanwhile
        have += static_cast<std::size_t>(got);
    }
    text.resize(have);
    return text;
}

Status replace_file(const std::string &path, std::string_view text) {
    const std::string aside = path + ".new";
    UniqueFd file(::open(aside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file)
        return system_error(errno, "write " + aside);
    while (!text.empty()) {
        const ssize_t written = ::write(file.get(), text.data(), text.size());
        if (written < 0)
            return system_error(errno, "write " + aside);
        text.remove_prefix(static_cast<std::size_t>(written));
    }
    if (::rename(aside.c_str(), path.c_str()) != 0)
        return system_error(errno, "write " + path);
    return Ok{};
}

bool file_exists(const std::string &path) { return ::access(path.c_str(), F_OK) == 0; }

Result<FileLock> FileLock::try_lock(const std::string &path) {
    /* The file may be removed between open and flock by a holder that leaves; then the
     * lock is on a file nobody else can find, and the next round takes the new one. */
    for (;;) {
        UniqueFd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
        if (!fd)
            return system_error(errno, "open the lock " + path);
        if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
            Error error = system_error(errno, "lock " + path);
            error.kind = errno == EWOULDBLOCK ? Errc::Busy : Errc::System;
            return error;
        }
        struct stat held{};
        struct stat named{};
        if (::fstat(fd.get(), &held) == 0 && ::stat(path.c_str(), &named) == 0 &&
            held.st_ino == named.st_ino)
            return FileLock(std::move(fd), path);
    }
}

void FileLock::remove_and_unlock() {
    if (fd_)
        ::unlink(path_.c_str());
    fd_.reset();
}

Status make_directories(const std::string &path) {
    std::error_code failed;
    std::filesystem::create_directories(path, failed);
    if (failed)
        return system_error(failed.value(), "make the directory " + path);
    return Ok{};
}

Status remove_directory(const std::string &path) {
    if (::rmdir(path.c_str()) != 0 && errno != ENOENT && errno != ENOTEMPTY)
        return system_error(errno, "remove " + path);
    return Ok{};
}

Status remove_file(const std::string &path) {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT)
        return system_error(errno, "remove " + path);
    return Ok{};
}

} // namespace faith::sys
