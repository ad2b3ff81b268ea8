# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# One Makefile, sections in build order; build/ mirrors the tree. `make help` lists the
# targets, V=1 shows commands. BUILD=, CXX= and SAN=1 make a second build beside the first:
#   make BUILD=build/asan SAN=1 check-unit

# `make vmtest SHELL=1` asks for a shell in the guest, but SHELL is also what make runs recipes
# with: take the word, give make its own shell back, and say the same to every sub-make.
ifeq ($(origin SHELL),command line)
VM_SHELL       := $(SHELL)
override SHELL := /bin/sh
endif

VERSION   := 0.1.0
BUILD     ?= build
PREFIX    ?= /usr
DESTDIR   ?=
CXX       := $(if $(filter default,$(origin CXX)),g++,$(CXX))
BPF_CLANG ?= $(firstword $(foreach v,-19 -18 -17 -16 -15 -14,$(if $(shell command -v clang$(v)),clang$(v))) clang)
BPFTOOL   ?= $(or $(shell command -v bpftool),/usr/sbin/bpftool)
ARCH_DIR  := /usr/include/$(shell uname -m)-linux-gnu
Q         := $(if $(V),,@)
say        = $(if $(V),,@printf '  %-8s %s\n' '$(1)' '$(2)')

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:

# --- what is what ------------------------------------------------------------------------

WARN      := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
comma     := ,
# GCC's sanitizers make its own headers look uninitialised (GCC manual, -fsanitize).
SANFLAGS  := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-sanitize-recover=all \
             $(if $(findstring clang,$(CXX)),,-Wno-maybe-uninitialized))
CXXFLAGS  ?= -O2 -g
ALL_CXX   := -std=c++20 $(CXXFLAGS) $(WARN) $(SANFLAGS) -pthread \
             -iquote userspace -Iinclude -isystem $(BUILD)/gen \
             -DFGW_VERSION='"$(VERSION)"'
LIBS      := -lbpf -lelf -lz -lmnl -lresolv
# Two thirds of what a start of the program cost went into finding the symbols of C++ libraries by
# name. So spdlog and fmt are headers, libsystemd is opened when it is asked for, and the standard
# library is linked into the product; RUNTIME= links it as everybody does.
RUNTIME   ?= $(if $(SAN),,-static-libstdc++ -static-libgcc)

BPF_WARN  := -Wall -Wextra -Werror -Wshadow -Wenum-conversion -Wenum-compare -Wimplicit-int-conversion
BPF_FLAGS := -g -O2 -target bpf -mcpu=v3 $(BPF_WARN) -Iinclude -isystem $(ARCH_DIR)

BPF_SRC   := $(wildcard bpf/*.bpf.c)
BPF_OBJ   := $(BPF_SRC:%.c=$(BUILD)/%.o)
SKELETON  := $(BUILD)/gen/fgw.skel.h
CLI_MAIN  := userspace/cli/main.cc
LIB_SRC   := $(filter-out $(CLI_MAIN),$(wildcard userspace/*/*.cc))
LIB_OBJ   := $(LIB_SRC:%.cc=$(BUILD)/%.o)
SUPPORT   := $(wildcard tests/support/*.cc)
UNIT_SRC  := $(wildcard tests/unit/*/*_test.cc tests/abi/*_test.cc)
ABI_C     := $(wildcard tests/abi/*.c)
BPFT_SRC  := $(wildcard tests/bpf/*_test.cc tests/property/*_test.cc)
# Built with the tests, so that none is found broken when a figure is wanted.
BENCH_BIN := $(patsubst %.cc,$(BUILD)/%,$(wildcard tests/bench/*.cc))
obj        = $(patsubst %.cc,$(BUILD)/%.o,$(1))

# --- the product -------------------------------------------------------------------------

all: $(BUILD)/faith-gw

$(BUILD)/bpf/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/lib/*.h include/faith/*.h)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_FLAGS) -c $< -o $@

$(BUILD)/bpf/fgw.o: $(BPF_OBJ)
	$(call say,LINK,$@)
	$(Q)$(BPFTOOL) gen object $@ $^

$(SKELETON): $(BUILD)/bpf/fgw.o
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name fgw > $@

# Programs of a test's or a bench's own.
$(BUILD)/tests/%.bpf.o: tests/%.bpf.c $(wildcard bpf/lib/*.h include/faith/*.h)
	$(call say,BPF,$<)
	@mkdir -p $(@D)
	$(Q)$(BPF_CLANG) $(BPF_FLAGS) -Ibpf -c $< -o $@

TEST_SKEL := $(BUILD)/gen/slow_reader.skel.h $(BUILD)/gen/flood.skel.h
$(BUILD)/gen/slow_reader.skel.h: $(BUILD)/tests/bpf/slow_reader.bpf.o
$(BUILD)/gen/flood.skel.h: $(BUILD)/tests/bench/flood.bpf.o
$(TEST_SKEL): $(BUILD)/gen/%.skel.h:
	$(call say,GEN,$@)
	@mkdir -p $(@D)
	$(Q)$(BPFTOOL) gen skeleton $< name $* > $@

$(BUILD)/%.o: %.cc
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_CXX) -MMD -MP -c $< -o $@

$(BUILD)/userspace/base/log.o: ALL_CXX += -DSPDLOG_FMT_EXTERNAL -DFMT_HEADER_ONLY
$(BUILD)/tests/%.o: ALL_CXX += -Ibpf -I.
$(BUILD)/userspace/datapath/%.o $(BUILD)/tests/bpf/%.o $(BUILD)/tests/property/%.o $(BUILD)/tests/bench/%.o: | $(SKELETON)
$(BUILD)/userspace/datapath/object.o: $(SKELETON)
$(BUILD)/tests/bpf/acl_publisher_test.o: $(BUILD)/gen/slow_reader.skel.h
$(BUILD)/tests/bench/flood_bench.o $(BUILD)/tests/bench/frames.o: $(BUILD)/gen/flood.skel.h

$(BUILD)/libfaith.a: $(LIB_OBJ)
	$(call say,AR,$@)
	$(Q)rm -f $@ && ar rcs $@ $^

$(BUILD)/faith-gw: $(call obj,$(CLI_MAIN)) $(BUILD)/libfaith.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(ALL_CXX) $(RUNTIME) -Wl,-O1,--as-needed -o $@ $^ $(LIBS)
	$(Q)ln -sf faith-gw $(@D)/faithd

# --- tests -------------------------------------------------------------------------------

$(BUILD)/tests/abi/%.o: tests/abi/%.c $(wildcard tests/abi/*.h include/faith/*.h)
	$(call say,CC,$<)
	@mkdir -p $(@D)
	$(Q)gcc -std=c11 -O2 -Wall -Wextra -Werror -Iinclude -c $< -o $@

$(BUILD)/tests/run-unit: $(call obj,$(UNIT_SRC) $(SUPPORT)) $(ABI_C:%.c=$(BUILD)/%.o) $(BUILD)/libfaith.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(ALL_CXX) -o $@ $^ $(LIBS)

$(BUILD)/tests/run-bpf: $(call obj,$(BPFT_SRC) $(SUPPORT)) $(BUILD)/libfaith.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(ALL_CXX) -o $@ $^ $(LIBS)

test-binaries: all $(BUILD)/tests/run-unit $(BUILD)/tests/run-bpf $(BENCH_BIN)

check-unit: $(BUILD)/tests/run-unit
	python3 tests/run.py --build $(BUILD) unit

check-bpf: $(BUILD)/tests/run-bpf
	python3 tests/run.py --build $(BUILD) bpf

check-netns: all
	python3 tests/run.py --build $(BUILD) netns $(if $(TEST),--only '$(TEST)')

check-sanitize:
	+$(MAKE) --no-print-directory BUILD=$(BUILD)/asan SAN=1 CXXFLAGS='-O1 -g' check-unit

check: test-binaries
	python3 tests/run.py --build $(BUILD) unit bpf netns

# --- fuzzers -----------------------------------------------------------------------------

# Only the pure rooms, with a compiler of their own; `make fuzz` finds it.
FUZZ_SECONDS ?= 30
FUZZERS   := $(patsubst tests/fuzz/%.cc,%,$(wildcard tests/fuzz/*.cc))
FUZZ_OBJ  := $(patsubst %.cc,$(BUILD)/fuzz/%.o,$(filter-out userspace/base/log.cc, \
             $(wildcard userspace/base/*.cc userspace/config/*.cc userspace/acl/*.cc userspace/prefix/*.cc \
             userspace/ftp/*.cc userspace/rsh/*.cc userspace/slowpath/*.cc)))
FUZZ_SAN  := address$(comma)undefined -fno-sanitize-recover=all

$(BUILD)/fuzz/%.o: %.cc
	$(call say,FUZZCXX,$<)
	@mkdir -p $(@D)
	$(Q)$(FUZZ_CXX) -std=c++20 -O1 -g $(WARN) -iquote userspace -Iinclude -I. -MMD -MP \
	    -fsanitize=fuzzer-no-link,$(FUZZ_SAN) -c $< -o $@

$(FUZZERS:%=$(BUILD)/fuzz/%): $(BUILD)/fuzz/%: $(BUILD)/fuzz/tests/fuzz/%.o $(FUZZ_OBJ)
	$(call say,LINK,$@)
	$(Q)$(FUZZ_CXX) -fsanitize=fuzzer,$(FUZZ_SAN) -o $@ $^

run-fuzz-%: $(BUILD)/fuzz/%
	$(call say,FUZZ,$* for $(FUZZ_SECONDS) s)
	@mkdir -p $(BUILD)/fuzz/corpus/$*
	$(Q)$< -max_total_time=$(FUZZ_SECONDS) -timeout=10 -rss_limit_mb=1024 -max_len=16384 -verbosity=0 \
	    -print_final_stats=1 -artifact_prefix=$(BUILD)/fuzz/$*- \
	    $(addprefix -dict=,$(wildcard tests/fuzz/$*.dict)) $(BUILD)/fuzz/corpus/$* tests/fuzz/seeds/$*

fuzz:
	@cxx=$$(tests/fuzz/compiler.sh); \
	if [ -z "$$cxx" ]; then \
	    echo "fuzz: no clang++ here can link libFuzzer (Debian: apt install libclang-rt-19-dev)" >&2; \
	    exit 1; \
	else \
	    $(MAKE) --no-print-directory FUZZ_CXX=$$cxx $(FUZZERS:%=run-fuzz-%); \
	fi

# --- what a newcomer types ---------------------------------------------------------------

test: deps
	+$(MAKE) --no-print-directory -j$$(nproc) test-binaries
	python3 tests/run.py --build $(BUILD) lint unit bpf netns demo

demo: deps
	+$(MAKE) --no-print-directory -j$$(nproc) all
	tests/demo/demo.sh $(BUILD)

deps:
	@tests/support/deps.sh

lint:
	python3 tests/run.py --build $(BUILD) lint

FORMATTED = $(wildcard userspace/*/*.h userspace/*/*.cc tests/*/*.h tests/*/*.cc tests/unit/*/*.h tests/unit/*/*.cc tests/*/*.bpf.c bpf/*.c bpf/lib/*.h)
fmt:
	@clang-format-19 -i $(FORMATTED)

# --- the VM ring -------------------------------------------------------------------------

# The programs by every supported clang, whatever BPF_CLANG is, for the verifier ring.
VM_CLANGS := 14 19
define vm_object
$(BUILD)/vmtest/clang$(1)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/lib/*.h include/faith/*.h)
	$$(call say,BPF-$(1),$$<)
	@mkdir -p $$(@D)
	$$(Q)clang-$(1) $(BPF_FLAGS) -c $$< -o $$@

$(BUILD)/vmtest/clang$(1)/fgw.o: $(BPF_SRC:bpf/%.c=$(BUILD)/vmtest/clang$(1)/%.o)
	$$(call say,LINK,$$@)
	$$(Q)$(BPFTOOL) gen object $$@ $$^
endef
$(foreach clang,$(VM_CLANGS),$(eval $(call vm_object,$(clang))))

$(BUILD)/vmtest/verifier-report: vmtest/verifier_report.cc
	$(call say,CXX,$<)
	@mkdir -p $(@D)
	$(Q)$(CXX) $(ALL_CXX) -o $@ $< $(LIBS)

vmtest-binaries: test-binaries $(BUILD)/vmtest/verifier-report $(VM_CLANGS:%=$(BUILD)/vmtest/clang%/fgw.o)

vmtest: deps
	@tests/support/deps.sh vm
	@python3 vmtest/selftest.py
	+$(MAKE) --no-print-directory -j$$(nproc) vmtest-binaries
	python3 vmtest/run.py --build $(BUILD) $(if $(KERNEL),--kernel $(KERNEL)) $(if $(RING),--ring $(RING)) \
	  $(if $(TEST),--test '$(TEST)') $(if $(VM_SHELL),--shell) $(if $(BUSY),--busy $(BUSY)) $(if $(UPDATE),--update)

# --- install ------------------------------------------------------------------------------

install: all
	install -D -m 755 $(BUILD)/faith-gw $(DESTDIR)$(PREFIX)/bin/faith-gw
	ln -sf faith-gw $(DESTDIR)$(PREFIX)/bin/faithd
	install -D -m 644 docs/faithd.8 $(DESTDIR)$(PREFIX)/share/man/man8/faithd.8
	install -D -m 644 docs/faith-gw.8 $(DESTDIR)$(PREFIX)/share/man/man8/faith-gw.8
	install -D -m 644 docs/faith-gw.toml.5 $(DESTDIR)$(PREFIX)/share/man/man5/faith-gw.toml.5
	install -D -m 644 config/faith-gw.service $(DESTDIR)$(PREFIX)/lib/systemd/system/faith-gw.service
	install -D -m 644 config/faith-gw.sysctl $(DESTDIR)$(PREFIX)/share/doc/faith-gw/examples/faith-gw.sysctl
	install -D -m 644 config/faith-gw.toml.example $(DESTDIR)$(PREFIX)/share/doc/faith-gw/examples/faith-gw.toml
	install -D -m 644 config/faithd.conf.example $(DESTDIR)$(PREFIX)/share/doc/faith-gw/examples/faithd.conf
	install -d $(DESTDIR)/etc/faith-gw

# --- figures -----------------------------------------------------------------------------

.PHONY: bench bench-prog bench-acl bench-acl-kernel bench-flood bench-tunnel
bench: all
	FAITH_GW=$(BUILD)/faith-gw tests/bench/relay_bench.py

BENCH_SUPPORT := $(filter-out %/main.cc,$(SUPPORT))
$(BENCH_BIN): %: %.o $(call obj,$(BENCH_SUPPORT)) $(BUILD)/libfaith.a
	$(call say,LINK,$@)
	$(Q)$(CXX) $(ALL_CXX) -o $@ $^ $(LIBS)

bench-prog bench-acl bench-acl-kernel bench-flood: bench-%: $(BENCH_BIN)
	$(BUILD)/tests/bench/$(subst -,_,$*)_bench

bench-tunnel: all $(BENCH_BIN)
	FAITH_GW=$(BUILD)/faith-gw tests/bench/forward_bench.py --frames $(BUILD)/tests/bench/frames
	FAITH_GW=$(BUILD)/faith-gw tests/bench/stf_bench.py

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^## //p' Makefile

## make                 build build/faith-gw (needs the packages `make deps` installs)
## sudo make demo       install what is missing, build, show the gateway at work
## sudo make test       install what is missing, build, run every ring but the VM ring
## make deps            install what is missing (Debian packages), say what
## make lint fmt        the house rules · clang-format
## make check-unit      ring 1: pure code, no privilege
## make check-bpf       ring 2: each BPF program, byte for byte (root)
## make check-netns     ring 3: behaviours between namespaces (root); TEST=name for one
## make check-sanitize  ring 1 again under AddressSanitizer and UBSan
## make bench           figures
## sudo make bench-prog nanoseconds per packet of each BPF program
## make bench-acl       compiling a list of rules, and a verdict by lookup and by walk
## sudo make bench-acl-kernel a SYN, a reload and memory, by the number of rules
## sudo make bench-tunnel packets a second and bulk TCP through a tunnel, against plain forwarding
## sudo make bench-flood denied SYNs a second on one core, with and without the program
## make fuzz            fuzzers, FUZZ_SECONDS=30 each
## sudo make vmtest     rings 2 and 3 on other kernels, in virtme-ng VMs; KERNEL= RING= TEST= BUSY= SHELL=1
## make install         DESTDIR= PREFIX=/usr: binary, man pages, unit, sysctl, examples

.PHONY: all install test-binaries check check-unit check-bpf check-netns check-sanitize test demo deps lint fmt vmtest vmtest-binaries fuzz clean help

-include $(shell find $(BUILD)/userspace $(BUILD)/tests $(BUILD)/fuzz -name '*.d' 2>/dev/null)
