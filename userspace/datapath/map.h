/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Typed views of BPF maps. A MapRef borrows its descriptor and frees nothing. A key
 * type with padding does not compile: the kernel compares keys as bytes.
 */
#pragma once

#include "base/result.h"

#include <bpf/bpf.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace faith::datapath {

template <class K, class V>
class MapRef {
    static_assert(std::has_unique_object_representations_v<K>, "padding in a map key");
    static_assert(std::is_trivially_copyable_v<V>);

public:
    MapRef() = default;
    explicit MapRef(int fd) : fd_(fd) {}
    int fd() const { return fd_; }

    Result<std::optional<V>> find(const K &key) const {
        V value{};
        if (bpf_map_lookup_elem(fd_, &key, &value) == 0)
            return std::optional<V>(value);
        if (errno == ENOENT)
            return std::optional<V>();
        return system_error(errno, "read a map entry");
    }

    Status put(const K &key, const V &value) const {
        if (bpf_map_update_elem(fd_, &key, &value, BPF_ANY) != 0)
            return system_error(errno, "write a map entry");
        return Ok{};
    }

    Status erase(const K &key) const {
        if (bpf_map_delete_elem(fd_, &key) != 0 && errno != ENOENT)
            return system_error(errno, "delete a map entry");
        return Ok{};
    }

    /* Many at once, in few system calls; keys and values stand in two arrays of one length. */
    Status put_all(std::span<const K> keys, std::span<const V> values) const {
        std::uint32_t count = static_cast<std::uint32_t>(keys.size());
        if (count != 0 &&
            bpf_map_update_batch(fd_, keys.data(), values.data(), &count, nullptr) != 0)
            return system_error(errno, "write map entries");
        return Ok{};
    }

    /* One that is not there is no error. */
    Status erase_all(std::span<const K> keys) const {
        while (!keys.empty()) {
            std::uint32_t count = static_cast<std::uint32_t>(keys.size());
            if (bpf_map_delete_batch(fd_, keys.data(), &count, nullptr) == 0)
                break;
            if (errno != ENOENT || count >= keys.size())
                return system_error(errno, "delete map entries");
            keys = keys.subspan(count + 1);
        }
        return Ok{};
    }

    /* All entries; one deleted by somebody else meanwhile is left out. */
    Result<std::vector<std::pair<K, V>>> entries() const {
        std::vector<std::pair<K, V>> found;
        K key{};
        const K *previous = nullptr;
        K next{};
        while (bpf_map_get_next_key(fd_, previous, &next) == 0) {
            key = next;
            previous = &key;
            V value{};
            if (bpf_map_lookup_elem(fd_, &key, &value) == 0)
                found.emplace_back(key, value);
        }
        if (errno != ENOENT)
            return system_error(errno, "walk a map");
        return found;
    }

private:
    int fd_ = -1;
};

/* An array of per-CPU counters, read as sums. */
class PerCpuCounters {
public:
    PerCpuCounters() = default;
    explicit PerCpuCounters(int fd) : fd_(fd) {}
    int fd() const { return fd_; }
    /* Of the first so many; one that the map has not is zero. */
    Result<std::vector<std::uint64_t>> sums(std::uint32_t entries) const;

private:
    int fd_ = -1;
};

/* fgw_hits: counters of rules by slot, in stripes (faith/abi.h). */
class HitCounters {
public:
    HitCounters() = default;
    explicit HitCounters(int fd) : fd_(fd) {}
    int fd() const { return fd_; }
    /* In the order asked. */
    Result<std::vector<std::uint64_t>> sums_of(std::span<const std::uint32_t> slots) const;
    /* Of slots that no program counts in. */
    Status clear(std::span<const std::uint32_t> slots) const;

private:
    int fd_ = -1;
};

} // namespace faith::datapath
