# pg_recommend is built with PGXS:  make && sudo make install
#
#   PG_CONFIG=/path/to/pg_config   which PostgreSQL to build for
#   WERROR=1 (or CI=1)             warnings are errors
#   make unit [ASAN=1]             tests of src/core without a server
#
# The whole test suite is `sh test/run.sh`; `make installcheck` and
# `make prove_installcheck` run parts of it against an installed extension.

PG_CONFIG ?= pg_config

EXTENSION  = pg_recommend
MODULE_big = pg_recommend

# The control file is the one place of the version; META.json is checked against it.
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" pg_recommend.control)

CORE_SRCS  := $(sort $(wildcard src/core/*.c))
CORE_OBJS  := $(CORE_SRCS:.c=.o)
OBJS       := $(CORE_OBJS) $(patsubst %.c,%.o,$(sort $(wildcard src/model/*.c src/api/*.c)))

SQL_PARTS  := $(sort $(wildcard sql/[0-9]*.sql))
SQL_SCRIPT := sql/pg_recommend--$(EXTVERSION).sql
DATA        = $(filter-out $(SQL_SCRIPT),$(wildcard sql/pg_recommend--*.sql))
DATA_built  = $(SQL_SCRIPT)

# Inputs in test/sql, outputs in expected/: PostgreSQL 15 has no --expecteddir.
REGRESS      = $(sort $(patsubst test/sql/%.sql,%,$(wildcard test/sql/*.sql)))
REGRESS_OPTS = --inputdir=test
PROVE_TESTS  = test/t/*.pl
ifneq ($(wildcard test/t/*.pl),)
TAP_TESTS    = 1
endif

# PostgreSQL's own headers need the three -Wno-*; declarations may stand where
# they are needed (PostgreSQL's flags would warn).
WARNINGS = -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
	-Wno-missing-field-initializers -Wno-declaration-after-statement
ifneq ($(filter-out 0 no false,$(WERROR) $(CI)),)
WARNINGS += -Werror
endif

PG_CPPFLAGS = -I$(srcdir)/src -MMD -MP
PG_CFLAGS   = -std=gnu11 $(WARNINGS)
SHLIB_LINK  = -lm

# Bitcode would double the build time, and no function here gains from inlining into JIT code.
override with_llvm := no

EXTRA_CLEAN = $(OBJS:.o=.d) build sql/*.tmp tmp_check results regression.diffs regression.out

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

# The numerics gain from -O3, the rest does not.
src/core/%.o: override CFLAGS += -O3

-include $(OBJS:.o=.d)

# Objects built for another PostgreSQL are built again.
$(OBJS): build/built-for
build/built-for: FORCE
	@mkdir -p build
	@echo '$(CC) $(VERSION)' | cmp -s - $@ || echo '$(CC) $(VERSION)' > $@
FORCE:

$(SQL_SCRIPT): $(SQL_PARTS) pg_recommend.control META.json Makefile
	@grep -q '"version": *"$(EXTVERSION)"' META.json || \
	  { echo "META.json and pg_recommend.control name different versions" >&2; exit 1; }
	@{ printf '%s\n' '\echo Use "CREATE EXTENSION pg_recommend" to load this file. \quit'; \
	  awk 'FNR == 1 { print "" } { print }' $(SQL_PARTS) /dev/null; } > $@.tmp
	mv -f $@.tmp $@

# Unit tests: each test/unit/test_*.c is a program of its own, linked with src/core only.
ifneq ($(filter-out 0 no false,$(ASAN)),)
UNIT_DIR   = build/unit-asan
UNIT_FLAGS = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
else
UNIT_DIR   = build/unit
UNIT_FLAGS = -O2 -g
endif
UNIT_TESTS := $(sort $(patsubst test/unit/%.c,%,$(wildcard test/unit/test_*.c)))

# Each file of src/core is compiled once for all of them.
UNIT_CORE := $(patsubst src/core/%.c,$(UNIT_DIR)/core/%.o,$(CORE_SRCS))
UNIT_HEADERS := $(wildcard src/*.h src/core/*.h test/unit/*.h)

$(UNIT_DIR)/core/%.o: src/core/%.c $(UNIT_HEADERS)
	@mkdir -p $(UNIT_DIR)/core
	$(CC) -std=gnu11 $(UNIT_FLAGS) $(WARNINGS) -Isrc -Isrc/core -c -o $@ $<

$(UNIT_DIR)/%: test/unit/%.c $(UNIT_CORE) $(UNIT_HEADERS)
	$(CC) -std=gnu11 $(UNIT_FLAGS) $(WARNINGS) -Isrc -Isrc/core -o $@ $< $(UNIT_CORE) -lm -ldl

unit-build: $(addprefix $(UNIT_DIR)/,$(UNIT_TESTS))

unit: unit-build
	@status=0; for t in $(UNIT_TESTS); do \
	  echo "# $$t"; $(UNIT_DIR)/$$t || status=1; \
	done; exit $$status

asan:
	$(MAKE) unit ASAN=1

.PHONY: FORCE unit unit-build asan
