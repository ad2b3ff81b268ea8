/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the running kernel's verifier says about a BPF object: loads it, pins and attaches
 * nothing, and prints one JSON array, an element per program:
 *
 *   {"program": "fgw_xdp_ingress", "instructions": 276, "states": 14, "peak_states": 5,
 *    "stack": 24}
 *
 * When the object does not load, the element of the program that was refused has "error"
 * (the kernel's word) and "log" (the verifier's last lines) instead, and the exit code is 1.
 * vmtest/verifier.py turns either into a verdict.
 */
#include <bpf/libbpf.h>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

namespace {

using Json = nlohmann::ordered_json;

constexpr __u32 kStatistics = 4; /* BPF_LOG_STATS: figures only */
constexpr __u32 kTrace = 1;      /* BPF_LOG_LEVEL1: the path that was refused */
constexpr size_t kLogBytes = 16U << 20;
constexpr size_t kLastLines = 12;

struct ObjectCloser {
    void operator()(bpf_object *object) const { bpf_object__close(object); }
};
using Object = std::unique_ptr<bpf_object, ObjectCloser>;

struct Logged {
    bpf_program *program;
    std::vector<char> text;
};

struct Loaded {
    Object object;
    std::vector<Logged> programs;
    int error = 0; /* errno of the load, 0 when it loaded */
};

/* libbpf's own words about what is no program: a map that cannot be made, BTF, ... */
std::string library_words;

int keep_words(libbpf_print_level level, const char *format, va_list arguments) {
    if (level == LIBBPF_DEBUG)
        return 0;
    char line[1024];
    int length = std::vsnprintf(line, sizeof(line), format, arguments);
    library_words += line;
    return length;
}

std::optional<Loaded> load(const char *path, __u32 log_level) {
    Loaded loaded;
    loaded.object.reset(bpf_object__open_file(path, nullptr));
    if (!loaded.object)
        return std::nullopt;
    bpf_program *program = nullptr;
    while ((program = bpf_object__next_program(loaded.object.get(), program)) != nullptr)
        loaded.programs.push_back({program, std::vector<char>(kLogBytes)});
    for (Logged &each : loaded.programs) {
        (void)bpf_program__set_log_level(each.program, log_level);
        (void)bpf_program__set_log_buf(each.program, each.text.data(), each.text.size());
    }
    loaded.error = bpf_object__load(loaded.object.get()) == 0 ? 0 : errno;
    return loaded;
}

std::string last_lines(const std::string &text, size_t wanted) {
    std::vector<std::string> lines;
    std::istringstream input(text);
    for (std::string line; std::getline(input, line);)
        if (!line.empty())
            lines.push_back(line);
    std::string out;
    for (size_t i = lines.size() > wanted ? lines.size() - wanted : 0; i < lines.size(); i++)
        out += lines[i] + "\n";
    return out;
}

/* The number behind a word, as in "processed 276 insns (limit 1000000) ... total_states 14". */
std::optional<unsigned> number_after(const std::string &text, const std::string &word) {
    size_t at = text.rfind(word);
    if (at == std::string::npos)
        return std::nullopt;
    unsigned value = 0;
    if (std::sscanf(text.c_str() + at + word.size(), "%u", &value) != 1)
        return std::nullopt;
    return value;
}

/* "stack depth 24+8": the frames of one call chain, each function's own. */
unsigned stack_bytes(const std::string &text) {
    size_t at = text.rfind("stack depth ");
    if (at == std::string::npos)
        return 0;
    std::istringstream depths(text.substr(at + std::strlen("stack depth ")));
    unsigned sum = 0;
    unsigned depth = 0;
    while (depths >> depth) {
        sum += depth;
        if (depths.get() != '+')
            break;
    }
    return sum;
}

Json figures(const Logged &logged) {
    std::string text(logged.text.data());
    Json one = {{"program", bpf_program__name(logged.program)}};
    one["instructions"] = number_after(text, "processed ").value_or(0);
    one["states"] = number_after(text, "total_states ").value_or(0);
    one["peak_states"] = number_after(text, "peak_states ").value_or(0);
    one["stack"] = stack_bytes(text);
    return one;
}

/* A second load, because the figures' log does not hold the path to the refusal. */
Json refusal(const char *path, int error) {
    Json one = {{"program", ""}, {"error", std::strerror(error)}, {"log", ""}};
    std::optional<Loaded> again = load(path, kTrace);
    for (const Logged &each : again->programs) {
        std::string text(each.text.data());
        if (text.empty() || bpf_program__fd(each.program) >= 0)
            continue;
        one["program"] = bpf_program__name(each.program);
        one["log"] = last_lines(text, kLastLines);
    }
    /* Without a program's log something else was refused, and only libbpf knows what. */
    if (one["log"] == "")
        one["log"] = last_lines(library_words, kLastLines);
    return one;
}

} // namespace

int main(int argc, char **argv) {
    if (argc != 2) {
        std::fprintf(stderr, "usage: verifier-report OBJECT.o\n");
        return 2;
    }
    libbpf_set_print(keep_words);
    std::optional<Loaded> loaded = load(argv[1], kStatistics);
    if (!loaded) {
        std::fprintf(stderr, "%s: not a BPF object: %s", argv[1], library_words.c_str());
        return 2;
    }
    Json report = Json::array();
    if (loaded->error != 0)
        report.push_back(refusal(argv[1], loaded->error));
    else
        for (const Logged &each : loaded->programs)
            report.push_back(figures(each));
    std::printf("%s\n", report.dump(1, '\t').c_str());
    return loaded->error == 0 ? 0 : 1;
}
