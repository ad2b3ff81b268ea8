/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How much work the verifier has with each program, against tests/golden/verifier-vm.txt,
 * of which it reads the rows of one compiler; `make vmtest` reads and writes all of it. It
 * is what decides whether a program loads at all on a kernel we have not seen, and a small
 * change of a loop can multiply it by fifty. Reaching a lower number is no failure: the
 * file is then due for an update.
 */
#include "loaded.h"

#include <bpf/bpf.h>
#include <sys/utsname.h>

#include <fstream>
#include <iostream>
#include <map>
#include <sstream>

using namespace faith;
using namespace faith::test;

namespace {

constexpr const char *golden = "tests/golden/verifier-vm.txt"; /* tests run at the top */
constexpr const char *compiler = "19";
constexpr std::uint32_t growth_percent = 15;

std::string kernel_family() {
    utsname name{};
    REQUIRE(::uname(&name) == 0);
    const std::string release = name.release;
    return release.substr(0, release.find_first_not_of("0123456789", release.find('.') + 1));
}

/* "program kernel" -> instructions. */
using Budget = std::map<std::string, std::uint32_t>;

Budget read_budget(std::istream &lines) {
    Budget budget;
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        std::string kernel, clang, program;
        std::uint32_t instructions = 0;
        if (words >> kernel >> clang >> program >> instructions && clang == compiler)
            budget[program + " " + kernel] = instructions;
    }
    return budget;
}

std::string verdict(const Budget &budget, const std::string &which, std::uint32_t instructions) {
    const Budget::const_iterator known = budget.find(which);
    if (known == budget.end())
        return "unknown";
    return instructions <= known->second * (100 + growth_percent) / 100 ? "within" : "over";
}

std::uint32_t verified_instructions(int program) {
    bpf_prog_info info{};
    std::uint32_t size = sizeof info;
    REQUIRE(bpf_obj_get_info_by_fd(program, &info, &size) == 0);
    return info.verified_insns;
}

} // namespace

TEST_CASE("verifier: no program costs 15 % more than it did on this kernel") {
    std::ifstream file(golden);
    INFO(golden);
    REQUIRE(file);
    const Budget budget = read_budget(file);
    Loaded loaded;
    for (const datapath::Object::Named &program : loaded.object().all_programs()) {
        const std::uint32_t instructions = verified_instructions(program.fd);
        const std::string which = std::string(program.name) + " " + kernel_family();
        const std::string found = verdict(budget, which, instructions);
        if (found == "unknown")
            std::cout << "not in " << golden << ": " << which << " " << instructions << "\n";
        INFO(which << " " << instructions);
        CHECK(found != "over");
        CHECK(instructions > 0);
    }
}

TEST_CASE("verifier: the budget sees growth, and knows what it does not know") {
    std::istringstream text("# a comment\n"
                            "6.1  14 fgw_x 70 1 1 1\n"
                            "6.1  19 fgw_x 100 1 1 1 # another\n"
                            "\n"
                            "6.18 19 fgw_x 1000 1 1 1\n");
    const Budget budget = read_budget(text);
    CHECK(verdict(budget, "fgw_x 6.1", 90) == "within");
    CHECK(verdict(budget, "fgw_x 6.1", 115) == "within");
    CHECK(verdict(budget, "fgw_x 6.1", 116) == "over");
    CHECK(verdict(budget, "fgw_x 6.18", 1151) == "over");
    CHECK(verdict(budget, "fgw_x 6.6", 1) == "unknown");
    CHECK(verdict(budget, "fgw_y 6.1", 1) == "unknown");
}
