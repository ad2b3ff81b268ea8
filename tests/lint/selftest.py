#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Shows for every lint that it can fail: a small tree without fault passes, and each fault
planted in it is found, where it is. A lint without a planted fault is a failure, too.
"""
import importlib
import pathlib
import subprocess
import sys
import tempfile
import unittest

from _tree import Tree, code_only
from behaviours import TABLES

HERE = pathlib.Path(__file__).resolve().parent
NOT_LINTS = ("selftest", "runner_selftest")
C = "/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */\n"
PY = "#!/usr/bin/env python3\n# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause\n"
MODULE = PY.split("\n", 1)[1]
SH = PY.replace("/usr/bin/env python3", "/bin/sh")



def table(names: list[str], **changed: str) -> str:
    """A table of behaviours; `changed` has other cells for some ids."""
    row = "seen | kept | so | `addr: shown`; `wire: * is`; ``addr: with `ticks` ``"
    return "".join(f"| {name} | {changed.get(name, row)} |\n" for name in names)


def planted(**changed: str) -> dict[str, str]:
    return {"docs/faithd.md": table(TABLES["docs/faithd.md"], **changed)}


FAITHD, TUNNELS = TABLES.values()
SHOWN = C + 'TEST_CASE("addr: shown (D1)") {}\nTEST_CASE("addr: with `ticks` and "\n          "a second line") {}\n'

# A tree in which every lint is content.
GOOD = {
    "docs/faithd.md": "# Faith\n\n| id | what |\n|---|---|\n" + table(FAITHD, F2="no | declined | why |", F3="no | later | why |"),
    "docs/tunnels.md": table(TUNNELS, S1="x \\| y | fact | so | `addr: shown (D1)`"),
    "tests/netns/wire_test.py": MODULE + 'from harness import test\nfor what in "ab":\n    @test(f"wire: {what} is seen")\n    def f(t):\n        pass\n',
    "include/faith/names.h": C + '#define FGW_MAP_A "fgw_a"\n#define FGW_PROG_HOOK "fgw_hook"\n#define FGW_PIN_A "a"\n',
    "include/faith/abi.h": C + "#include <linux/types.h>\n" + 400 * "\n",  # long, as style.py says it is
    "include/faith/reasons.h": C + 'X(GOOD, 0, GUARD, "good") \\\nX_RETIRED(1) \\\nX(BAD, 2, RELAY, "bad")\n',
    "docs/reasons.md": "GOOD is good, BAD is bad.\n",
    "bpf/maps.bpf.c": C + '#include "lib/maps.h"\nstruct a fgw_a SEC(".maps");\nchar l[] SEC("license") = "Dual BSD/GPL";\n',
    "bpf/hook.bpf.c": C + '#include "lib/maps.h"\n\nSEC("tc")\nint fgw_hook(void *ctx)\n{\n\treturn ctx != 0;\n}\n'
                          'char l[] SEC("license") = "Dual BSD/GPL";\n',
    "bpf/lib/maps.h": C + '#include <faith/abi.h>\nextern struct a fgw_a SEC(".maps");\n',
    "tests/bpf/gateway_test.cc": C,
    "tests/bpf/hook_test.cc": C + "// FGW_GOOD and FGW_BAD\n",
    "tests/unit/base/addr_test.cc": SHOWN,
    "tests/unit/sys/fd_test.cc": C + '#include "sys/fd.h"\n',
    "userspace/base/addr.h": C + "#include <string>\n",
    "userspace/base/addr.cc": C + '#include "base/addr.h"\nX::X(const X &) = delete; // throw, new, delete\n'
                                  'std::unique_ptr<X> some_name_that_is_rather_long(\n    new X("throw new system(1) and more, so that the line breaks"));\n',
    "userspace/sys/fd.h": C + '#include "base/addr.h"\n#include <libmnl/libmnl.h>\n#include <unistd.h>\n',
    "tool.sh": SH + "true\n",
    "tool.py": PY + "pass\n",
}

# Lint -> planted faults: files that replace or join those of GOOD, and what must be found.
FAULTS: dict[str, list[tuple[dict[str, str], str]]] = {
    "arrows": [
        ({"userspace/base/addr.h": C + '#include "sys/fd.h"\n'}, "userspace/base/addr.h:2: room base may not include sys/fd.h"),
        ({"userspace/relay/x.h": C + '\n#include "datapath/map.h"\n'}, "userspace/relay/x.h:3: room relay may not include"),
        ({"userspace/datapath/x.h": C + '#include "acl/rule.h"\n'}, "userspace/datapath/x.h:2: room datapath may not"),
        ({"userspace/datapath/x.h": C + '#include "relay/relay.h"\n'}, "userspace/datapath/x.h:2: room datapath may not"),
        ({"userspace/relay/x.h": C + '#include "faith/abi.h"\n'}, "userspace/relay/x.h:2: room relay may not include the contract"),
        ({"userspace/relay/x.h": C + "#include <faith/abi.h>\n"}, "userspace/relay/x.h:2: room relay may not include the contract"),
        ({"userspace/daemon/x.h": C + "#include <bpf/libbpf.h>\n"}, "userspace/daemon/x.h:2: <bpf/libbpf.h> belongs to"),
        ({"userspace/daemon/x.h": C + '#include "fgw.skel.h"\n'}, "userspace/daemon/x.h:2: <fgw.skel.h> belongs to"),
        ({"userspace/base/addr.cc": C + "#include <spdlog/spdlog.h>\n"}, "userspace/base/addr.cc:2: <spdlog/spdlog.h> belongs"),
        ({"userspace/cli/x.h": C + "#include <toml++/toml.h>\n"}, "userspace/cli/x.h:2: <toml++/toml.h> belongs to"),
        ({"userspace/daemon/x.h": C + "#include <CLI/CLI.hpp>\n"}, "userspace/daemon/x.h:2: <CLI/CLI.hpp> belongs to"),
        ({"userspace/relay/x.h": C + "#include <nlohmann/json.hpp>\n"}, "userspace/relay/x.h:2: <nlohmann/json.hpp> belongs"),
        ({"userspace/relay/x.h": C + "#include <libmnl/libmnl.h>\n"}, "userspace/relay/x.h:2: <libmnl/libmnl.h> belongs to"),
        ({"userspace/acl/x.h": C + "#include <sys/socket.h>\n"}, "userspace/acl/x.h:2: room acl is pure"),
        ({"userspace/new_room/x.h": C}, "userspace/new_room/x.h:1: room new_room is not in the table"),
        ({"include/faith/abi.h": C + "#include <linux/bpf.h>\n"}, "include/faith/abi.h:2: the contract includes nothing but"),
        ({"bpf/hook.bpf.c": C + "#include <linux/bpf.h>\n"}, "bpf/hook.bpf.c:2: a hook file includes headers of lib only"),
        ({"bpf/lib/maps.h": C + '#include "../hook.bpf.c"\n'}, "bpf/lib/maps.h:2: lib includes its own headers"),
    ],
    "behaviours": [
        ({"docs/faithd.md": table(FAITHD[1:])}, "docs/faithd.md:1: no row for F1"),
        ({"docs/tunnels.md": table([*TUNNELS, "S1"])}, "docs/tunnels.md:1: S1 has 2 rows"),
        ({"docs/tunnels.md": table([*TUNNELS, "S99"])}, f"docs/tunnels.md:{len(TUNNELS) + 1}: S99 is no id"),
        (planted(F2="seen | kept | `addr: shown`"), "docs/faithd.md:2: F2 has 4 cells"),
        (planted(F2="seen | mostly | so | `addr: shown`"), "docs/faithd.md:2: F2: status 'mostly' is none"),
        (planted(F2="seen | declined | |"), "docs/faithd.md:2: F2: an empty cell"),
        (planted(F2="seen | fixed | so |"), "docs/faithd.md:2: F2 is fixed, but no test"),
        (planted(F2="seen | later | so | `addr: not shown`"), "docs/faithd.md:2: F2: no tests have names that begin with"),
        (planted(F2="seen | kept | so | `addr: `"), "docs/faithd.md:2: F2: 2 tests have names that begin with 'addr: '"),
        ({"tests/unit/base/addr_test.cc": SHOWN + 'TEST_CASE("addr: x (D99)") {}\n'},
         "tests/unit/base/addr_test.cc:5: D99 is in no table"),
        (planted(D1="seen | later | so |"), "tests/unit/base/addr_test.cc:2: D1 is for later in docs/faithd.md"),
        ({"tests/netns/wire_test.py": MODULE + '@test("wire: * is (F99)")\ndef f(t):\n    pass\n'},
         "tests/netns/wire_test.py:2: F99 is in no table"),
    ],
    "names": [
        ({"include/faith/names.h": GOOD["include/faith/names.h"] + '#define FGW_MAP_B "fgw_sixteen_char"\n'},
         "include/faith/names.h:5: the kernel keeps 15"),
        ({"include/faith/names.h": GOOD["include/faith/names.h"] + '#define FGW_MAP_B "other"\n'},
         "include/faith/names.h:5: other does not begin"),
        ({"include/faith/names.h": GOOD["include/faith/names.h"] + '#define FGW_PIN_B "a.b"\n'},
         "include/faith/names.h:5: bpffs refuses"),
        ({"include/faith/names.h": GOOD["include/faith/names.h"] + '#define FGW_PROG_B "fgw_none"\n'},
         "include/faith/names.h:5: no file bpf/none.bpf.c"),
        ({"include/faith/names.h": GOOD["include/faith/names.h"] + '#define FGW_MAP_B "fgw_b"\n'},
         "include/faith/names.h:5: map fgw_b is not defined"),
        ({"bpf/lib/maps.h": C + 'struct b fgw_b SEC(".maps");\n'}, "bpf/lib/maps.h:2: map fgw_b is defined outside"),
        ({"bpf/maps.bpf.c": GOOD["bpf/maps.bpf.c"] + 'struct b fgw_b SEC(".maps");\n'}, "bpf/maps.bpf.c:5: map fgw_b is not in"),
        ({"bpf/hook.bpf.c": GOOD["bpf/hook.bpf.c"].replace("fgw_hook", "fgw_other")},
         "bpf/hook.bpf.c:5: the program of this file is fgw_hook"),
        ({"bpf/hook.bpf.c": C}, "bpf/hook.bpf.c:1: no program fgw_hook"),
        ({"bpf/more.bpf.c": GOOD["bpf/hook.bpf.c"].replace("fgw_hook", "fgw_more")}, "bpf/more.bpf.c:1: program fgw_more is not in"),
    ],
    "mirror": [
        ({"userspace/base/more.cc": C}, "userspace/base/more.cc:1: has no test tests/unit/base/more_test.cc"),
        ({"bpf/more.bpf.c": C}, "bpf/more.bpf.c:1: has no test tests/bpf/more_test.cc"),
        ({"userspace/sys/rtnl_change.cc": C}, "userspace/sys/rtnl_change.cc:1: has neither"),
        ({"tests/unit/base/gone_test.cc": C}, "tests/unit/base/gone_test.cc:1: there is no userspace/base/gone"),
        ({"tests/unit/bpf_lib/gone_test.cc": C}, "tests/unit/bpf_lib/gone_test.cc:1: there is no bpf/lib/gone"),
        ({"tests/lint/mirror.py": PY}, "tests/lint/mirror.py:1: no file matches"),
    ],
    "reasons": [
        ({"include/faith/reasons.h": C}, "include/faith/reasons.h:1: no reason found"),
        ({"include/faith/reasons.h": GOOD["include/faith/reasons.h"] + 'X(MORE, 3, GUARD, "more")\n'},
         "include/faith/reasons.h:5: no test names the reason MORE"),
        ({"docs/reasons.md": "GOOD\n"}, "include/faith/reasons.h:4: docs/reasons.md does not explain BAD"),
        ({"include/faith/reasons.h": C + 'X(GOOD, 1, GUARD, "g")\nX_RETIRED(1)\n'}, "include/faith/reasons.h:3: number 1 is taken"),
        ({"include/faith/reasons.h": C + 'X(BAD, 1, GUARD, "g")\nX(BAD, 2, GUARD, "g")\n'}, "include/faith/reasons.h:3: name BAD is"),
        ({"include/faith/abi.h": C + "#define FGW_BAD 1\n"}, "include/faith/abi.h:2: FGW_BAD is a reason"),
        ({"include/faith/reasons.h": C + 'X(BAD, 128, GUARD, "g")\n'}, "include/faith/reasons.h:2: number 128 is not below"),
        ({"include/faith/reasons.h": C + 'X(BAD, 2, GUARD, "g")\nX(GOOD, 1, GUARD, "g")\n'}, "include/faith/reasons.h:3: number 1 after"),
        ({"include/faith/reasons.h": C + 'X(BAD, 2, NOBODY, "g")\n'}, "include/faith/reasons.h:2: origin NOBODY"),
    ],
    "scripts": [
        ({"tool.sh": SH + "if\n"}, "tool.sh:4: does not parse"),
        ({"tool.sh": SH.replace("/sh", "/zsh")}, "tool.sh:1: neither sh"),
        ({"tool.py": PY + "def\n"}, "tool.py:3: does not parse"),
        ({"tool.py": PY + "\n\ndef it():\n    return that\n"}, "tool.py:6: undefined name 'that'"),
        ({"plain": SH}, "plain:1: has #! but"),
    ],
    "style": [
        ({"userspace/base/addr.h": "#include <string>\n"}, "userspace/base/addr.h:1: the first line"),
        ({"tool.py": "#!/usr/bin/env python3\npass\n"}, "tool.py:1: the first line"),
        ({"bpf/hook.bpf.c": C}, "bpf/hook.bpf.c:1: declares no SEC"),
        ({"userspace/base/addr.h": C + "\n" * 400}, "userspace/base/addr.h:401: 401 lines"),
        ({"tests/unit/relay/session_test.cc": C}, "tests/unit/relay/session_test.cc:1: is no longer long"),
        ({"userspace/base/addr.h": C + "int a; \n"}, "userspace/base/addr.h:2: white space"),
        ({"userspace/base/addr.h": C + "\tint a;\n"}, "userspace/base/addr.h:2: a tab"),
        ({"userspace/base/addr.h": C + "int a;"}, "userspace/base/addr.h:2: no newline"),
        ({"userspace/base/addr.cc": C + "throw 1;\n"}, "userspace/base/addr.cc:2: throw"),
        ({"userspace/base/addr.cc": C + "X *x =\n    new X;\n"}, "userspace/base/addr.cc:3: new"),
        ({"userspace/base/addr.cc": C + "f(); delete x;\n"}, "userspace/base/addr.cc:2: delete"),
        ({"userspace/base/addr.cc": C + "strcpy(a, b);\n"}, "userspace/base/addr.cc:2: strcpy("),
        ({"userspace/base/addr.cc": C + "std::sprintf(a, b);\n"}, "userspace/base/addr.cc:2: sprintf("),
        ({"userspace/base/addr.cc": C + "std::system(a);\n"}, "userspace/base/addr.cc:2: std::system("),
        ({"userspace/base/addr.h": C + "using namespace std;\n"}, "userspace/base/addr.h:2: using namespace"),
        ({"tool.sh": SH + "# TO" "DO: more\n"}, "tool.sh:3: TO" "DO without"),
        ({"userspace/base/addr.cc": C + "int f() {\n" + "    g();\n" * 60 + "}\n"}, "userspace/base/addr.cc:2: a function of 62"),
    ],
    "format": [
        ({"userspace/base/addr.cc": C + "int  a;\n"}, "userspace/base/addr.cc:2: clang-format-19 would"),
        ({"bpf/lib/maps.h": C + "int  a;\n"}, "bpf/lib/maps.h:2: clang-format-19 would"),
    ],
}
CLANG_FORMAT = {".clang-format": "BasedOnStyle: LLVM\nIndentWidth: 4\n",
                "bpf/.clang-format": "BasedOnStyle: LLVM\nUseTab: Always\nIndentWidth: 8\nBreakBeforeBraces: Linux\n"
                                     "AllowShortFunctionsOnASingleLine: None\n"}


def plant(root: pathlib.Path, files: dict[str, str]) -> Tree:
    for path, text in files.items():
        place = root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        if path.startswith("tool."):
            place.chmod(0o755)
    return Tree(root)


def found(lint: str, files: dict[str, str]) -> list[str]:
    with tempfile.TemporaryDirectory(prefix="fgw-lint-") as root:
        tree = plant(pathlib.Path(root), CLANG_FORMAT | GOOD | files)
        return [str(finding) for finding in importlib.import_module(lint).findings(tree)]


class LintTest(unittest.TestCase):
    def test_every_lint_has_planted_faults(self) -> None:
        lints = {path.stem for path in HERE.glob("[a-z]*.py")} - set(NOT_LINTS)
        self.assertEqual(lints, set(FAULTS))

    def test_a_good_tree_passes(self) -> None:
        for lint in FAULTS:
            with self.subTest(lint):
                self.assertEqual(found(lint, {}), [])

    def test_every_planted_fault_is_found_where_it_is(self) -> None:
        for lint, faults in FAULTS.items():
            for files, expected in faults:
                with self.subTest(f"{lint}: {expected}"):
                    result = found(lint, files)
                    self.assertTrue(any(line.startswith(expected) for line in result), result)

    def test_a_lint_prints_its_findings_and_exits_1(self) -> None:
        for fault, status in (({}, 0), ({"userspace/base/more.cc": C}, 1)):
            with tempfile.TemporaryDirectory(prefix="fgw-lint-") as root:
                plant(pathlib.Path(root), GOOD | fault)
                done = subprocess.run([sys.executable, str(HERE / "mirror.py"), root], capture_output=True, text=True)
            self.assertEqual(done.returncode, status, done.stdout + done.stderr)
            self.assertEqual(done.stdout.startswith("userspace/base/more.cc:1: "), bool(fault))

    def test_comments_and_literals_are_no_code(self) -> None:
        code = code_only('a; // b\n/* c\nd */ e("f\\"g", \'h\', 1\'000);\nR"x(\ni)x" j;')
        self.assertEqual("".join(code.split()), 'a;e("","",1000);""j;'.replace('"",""', '"",'))
        self.assertEqual(code.count("\n"), 4)


if __name__ == "__main__":
    unittest.main(verbosity=0)
