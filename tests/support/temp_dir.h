/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A directory that goes away with its contents. */
#pragma once

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

namespace faith {

class TempDir {
public:
    TempDir() {
        std::string name = (std::filesystem::temp_directory_path() / "fgw-unit-XXXXXX").string();
        REQUIRE(::mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    TempDir(const TempDir &) = delete;
    TempDir &operator=(const TempDir &) = delete;
    ~TempDir() {
        std::error_code ignored;
        std::filesystem::remove_all(path_, ignored);
    }

    std::string path() const { return path_; }
    std::string operator/(const std::string &name) const { return path_ + "/" + name; }
    std::string write(const std::string &name, const std::string &text) const {
        std::ofstream(*this / name, std::ios::binary) << text;
        return *this / name;
    }

private:
    std::string path_;
};

} // namespace faith
