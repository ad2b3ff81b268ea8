#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# Prints a clang++ that can link libFuzzer with the sanitizers; nothing if there is none.
# The compiler comes without that runtime in Debian, so only linking tells.
set -eu

out=$(mktemp)
trap 'rm -f "$out"' EXIT
for version in 19 18 17 16 15 14; do
	command -v "clang++-$version" >/dev/null || continue
	if echo 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char *, unsigned long) { return 0; }' |
		"clang++-$version" -x c++ - -fsanitize=fuzzer,address,undefined -o "$out" 2>/dev/null; then
		echo "clang++-$version"
		exit 0
	fi
done
