/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "acl/image.h"

#include <algorithm>
#include <type_traits>

namespace faith::acl {

namespace {

/* FNV-1a, enough to tell one generation from another. */
class Hash {
public:
    template <class T>
    void add(const std::vector<T> &values) {
        /* Padding would be hashed, and in a key compared by the kernel. */
        static_assert(std::has_unique_object_representations_v<T>);
        add_bytes(values.size());
        for (const T &value : values)
            add_bytes(value);
    }
    std::uint64_t value() const { return value_; }

private:
    template <class T>
    void add_bytes(const T &value) {
        const auto *bytes = reinterpret_cast<const unsigned char *>(&value);
        for (std::size_t i = 0; i < sizeof(T); i++)
            value_ = (value_ ^ bytes[i]) * 0x100000001b3;
    }

    std::uint64_t value_ = 0xcbf29ce484222325;
};

} // namespace

std::uint32_t verdict_word(const Rule &rule, std::uint32_t slot) {
    if (rule.action == Action::Deny)
        return slot;
    return FGW_VERDICT_PERMIT | (rule.limit_per_second ? FGW_VERDICT_LIMIT : 0) | slot;
}

std::uint32_t slots_end(const Image &image) {
    const auto highest = std::max_element(image.slots.begin(), image.slots.end());
    return highest == image.slots.end() ? 0 : *highest + 1;
}

std::uint64_t hash_of(const Image &image) {
    Hash hash;
    hash.add(image.source_keys);
    hash.add(image.source_values);
    hash.add(image.destination_keys);
    hash.add(image.destination_values);
    hash.add(image.segments);
    hash.add(image.slots);
    return hash.value();
}

} // namespace faith::acl
