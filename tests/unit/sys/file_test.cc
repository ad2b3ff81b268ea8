/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "sys/file.h"

#include "tests/support/temp_dir.h"

#include <catch2/catch.hpp>

#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <iterator>

using namespace faith;
using namespace faith::sys;
using Catch::Matchers::Contains;

TEST_CASE("file: a file is read whole, zero bytes included") {
    const TempDir dir;
    const std::string bytes("one\0two\n", 8);
    const Result<std::string> text = read_file(dir.write("a", bytes), 1 << 20);
    REQUIRE(text);
    CHECK(*text == bytes);
    CHECK(read_file(dir.write("empty", ""), 1 << 20)->empty());
}

TEST_CASE("file: a file may be as long as the limit and not a byte longer") {
    const TempDir dir;
    const std::string path = dir.write("a", std::string(1 << 20, 'x'));
    CHECK(read_file(path, 1 << 20));
    const Result<std::string> refused = read_file(path, (1 << 20) - 1);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Errc::Invalid);
    CHECK_THAT(refused.error().text, Contains(path) && Contains("larger than"));
}

TEST_CASE("file: what is missing says so by errno, and by name") {
    const TempDir dir;
    const Result<std::string> refused = read_file(dir / "none", 100);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sys_errno == ENOENT);
    CHECK_THAT(refused.error().text, Contains(dir / "none"));
    CHECK_FALSE(file_exists(dir / "none"));
    CHECK(file_exists(dir.path()));
}

TEST_CASE("file: only regular files are read; a FIFO nobody writes to does not hang") {
    const TempDir dir;
    REQUIRE(::mkfifo((dir / "fifo").c_str(), 0600) == 0);
    for (const std::string &path : {dir / "fifo", dir.path(), std::string("/dev/null")}) {
        const Result<std::string> refused = read_file(path, 100);
        REQUIRE_FALSE(refused);
        CHECK(refused.error().kind == Errc::Invalid);
        CHECK_THAT(refused.error().text, Contains("not a regular file"));
    }
}

TEST_CASE("file: what replaces a file is there whole, for its owner alone, and nothing beside it") {
    const TempDir dir;
    const std::string bytes("one\0two\n", 8);
    for (const std::string &text : {bytes, std::string(), std::string(1 << 20, 'x')}) {
        REQUIRE(replace_file(dir / "a", text));
        CHECK(*read_file(dir / "a", 1 << 20) == text);
    }
    struct stat about{};
    REQUIRE(::stat((dir / "a").c_str(), &about) == 0);
    CHECK((about.st_mode & 0777) == 0600);
    CHECK(std::distance(std::filesystem::directory_iterator(dir.path()), {}) == 1);
}

TEST_CASE("file: a file that cannot be replaced stays as it was") {
    const TempDir dir;
    const std::string path = dir.write("a", "old");
    REQUIRE(make_directories(path + ".new")); /* in the way */
    const Status refused = replace_file(path, "new");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sys_errno == EISDIR);
    CHECK_THAT(refused.error().text, Contains(path));
    CHECK(*read_file(path, 100) == "old");
    CHECK_FALSE(replace_file(dir / "none/a", "new"));
}

TEST_CASE("file: a lock excludes a second holder until it ends") {
    const TempDir dir;
    {
        const Result<FileLock> first = FileLock::try_lock(dir / "lock");
        REQUIRE(first);
        const Result<FileLock> second = FileLock::try_lock(dir / "lock");
        REQUIRE_FALSE(second);
        CHECK(second.error().kind == Errc::Busy);
    }
    /* The file of a holder that died is no obstacle. */
    CHECK(file_exists(dir / "lock"));
    Result<FileLock> third = FileLock::try_lock(dir / "lock");
    REQUIRE(third);
    third->remove_and_unlock();
    CHECK_FALSE(file_exists(dir / "lock"));
    CHECK(FileLock::try_lock(dir / "lock"));
}

TEST_CASE("file: a lock in a directory that is not there is an error, not Busy") {
    const TempDir dir;
    const Result<FileLock> refused = FileLock::try_lock(dir / "none/lock");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().kind == Errc::System);
    CHECK(refused.error().sys_errno == ENOENT);
}

TEST_CASE("file: directories are made with their parents, and being there is fine") {
    const TempDir dir;
    CHECK(make_directories(dir / "a/b/c"));
    CHECK(make_directories(dir / "a/b/c"));
    CHECK(file_exists(dir / "a/b/c"));
    const Status refused = make_directories(dir.write("plain", "") + "/d");
    REQUIRE_FALSE(refused);
    CHECK(refused.error().sys_errno == ENOTDIR);
}

TEST_CASE("file: removing takes what is empty, leaves what is full, forgives what is absent") {
    const TempDir dir;
    REQUIRE(make_directories(dir / "a/b"));
    CHECK(remove_directory(dir / "a"));
    CHECK(file_exists(dir / "a/b"));
    CHECK(remove_directory(dir / "a/b"));
    CHECK(remove_directory(dir / "a"));
    CHECK_FALSE(file_exists(dir / "a"));
    CHECK(remove_directory(dir / "a"));

    const std::string plain = dir.write("plain", "");
    CHECK_FALSE(remove_directory(plain));
    CHECK(remove_file(plain));
    CHECK(remove_file(plain));
    CHECK_FALSE(remove_file(dir.path()));
}
