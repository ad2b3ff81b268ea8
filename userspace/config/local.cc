/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "config/local.h"

#include "base/text.h"

namespace faith::config {

Result<Local> parse_local(std::span<const std::string> words) {
    if (words.empty())
        return invalid("a local service needs the path of its program");
    for (const std::string &word : words)
        if (word.find('\0') != std::string::npos)
            return invalid("a word of a command cannot hold a zero byte");
    Local local;
    local.path = words[0];
    /* Relative to what? A daemon runs in /, and root must not run what lies around. */
    if (!local.path.starts_with('/') || local.path.ends_with('/'))
        return invalid(quoted(local.path) + " is not the absolute path of a program");
    if (words.size() > 1)
        local.argv.assign(words.begin() + 1, words.end());
    else
        local.argv = {local.path.substr(local.path.rfind('/') + 1)};
    return local;
}

} // namespace faith::config
