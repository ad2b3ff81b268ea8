/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Whole files in, with a limit, and a lock that excludes a second process. */
#pragma once

#include "base/result.h"
#include "sys/fd.h"

#include <cstddef>
#include <string>
#include <string_view>

namespace faith::sys {

/* Regular files only; sys_errno is ENOENT when there is none. */
Result<std::string> read_file(const std::string &path, std::size_t longest_bytes);
bool file_exists(const std::string &path);
/* All of it or nothing: written aside, then renamed. Only its owner may read it. */
Status replace_file(const std::string &path, std::string_view text);

/* An exclusive lock for as long as it lives. The file is made if need be and removed by
 * remove_and_unlock(); a holder that dies frees it. */
class FileLock {
public:
    /* Busy when another process holds it. */
    static Result<FileLock> try_lock(const std::string &path);
    void remove_and_unlock();

private:
    FileLock(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
    UniqueFd fd_;
    std::string path_;
};

Status make_directories(const std::string &path);
Status remove_directory(const std::string &path); /* empty or absent; full is left alone */
Status remove_file(const std::string &path);      /* absent is fine */

} // namespace faith::sys
