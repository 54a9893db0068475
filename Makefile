# Everything but generate needs only Go and make.

GO ?= go
BIN := bin/switchyard
# What fuzz gives to each fuzz test: so many inputs, or a time, at whose end Go before 1.27 can report a failure that is none
# (go.dev/issue/75804). And what bench gives to each benchmark.
FUZZTIME ?= 100000x
BENCHTIME ?= 1s
# Flags for the tests: make test TESTFLAGS='-run Framing -v'
TESTFLAGS ?=
# Arguments for compare: make compare ARGS='poll/epoll threads/per-conn --clients 64'
ARGS ?=
# Where compare keeps its report.
OUT ?= results/$(shell date +%Y%m%d-%H%M%S)
# Which kernels to boot, of 5.10 6.1 6.12 7.x; empty: all.
KERNELS ?=

.DEFAULT_GOAL := help
.PHONY: help build compare test test-race test-kernels lint format form vet staticcheck vuln generate man fuzz bench clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The Go tool knows best what is out of date.
build: ## build bin/switchyard, one static binary, and the small one that fork/exec starts
	CGO_ENABLED=0 $(GO) build -trimpath -o $(dir $(BIN)) ./cmd/switchyard ./cmd/switchyard-child

compare: build ## run every model under the same load and print the table
	./$(BIN) compare --out $(OUT) $(ARGS)

# One package at a time: many of them start servers and load, count to the last
# event, and would only be in each other's way.
test: ## run the tests; as root the traced ones run too
	$(GO) test -p 1 $(TESTFLAGS) ./...

# A forked child without a Go runtime cannot carry the race detector, the
# detector's C library forbids what the tracer's tests do with capabilities,
# and both count to the last switch: those are left out.
RACE = $(filter-out %/fork %/trace %/cmd/switchyard,$(shell $(GO) list ./...))
test-race: ## run the tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -skip '^TestConformance$$/^fork$$' $(RACE)

test-kernels: ## run the tests that need a kernel in others: KERNELS='5.10 7.x' (needs qemu, apt)
	$(GO) run ./tools/kernels -kernels '$(KERNELS)'

lint: format form vet staticcheck vuln ## run every linter

format:
	@out=$$(gofmt -l $$(git ls-files --cached --others --exclude-standard '*.go' 2>/dev/null || find . -name '*.go')) && \
	if [ -n "$$out" ]; then printf 'gofmt would change:\n%s\n' "$$out"; exit 1; fi

# Width, order of imports, and C as clang-format has it (.clang-format).
form:
	$(GO) run ./tools/lint

vet:
	$(GO) vet ./...

staticcheck:
	$(GO) tool staticcheck ./...

# Exit code 3 means that something was found. A machine that cannot reach the
# database has found nothing out, which is said, and is no failure.
vuln:
	@out=$$($(GO) tool govulncheck ./... 2>&1); code=$$?; printf '%s\n' "$$out"; \
	case $$code in \
	0) ;; \
	3) echo 'govulncheck: vulnerabilities found'; exit 1 ;; \
	*) case $$out in \
	  *'fetching vulnerabilities'*) echo 'govulncheck: SKIPPED: its database cannot be reached from here' ;; \
	  *) exit $$code ;; \
	  esac ;; \
	esac

generate: ## build the BPF objects again (needs clang-19 and llvm-19)
	$(GO) generate ./...

man: build ## write the manual pages to bin/man
	$(GO) run ./tools/man $(BIN) bin/man

# The default gives a minute to the shortening of each find, and with inputs of some kilobytes that
# is all it then does. Inputs that become files do so in memory, where there is such a folder: what
# is kept is synced to the disk, and some tests did little but wait for that.
fuzz: ## run each fuzz test for FUZZTIME
	@set -e; tmp=$${TMPDIR:-/tmp}; if [ -w /dev/shm ]; then tmp=/dev/shm; fi; \
	grep -rHo --include='*_test.go' '^func Fuzz[A-Za-z0-9_]*' . | while IFS=: read -r file name; do \
	  dir=$$(dirname "$$file"); name=$${name#func }; \
	  echo "fuzz $$dir $$name"; \
	  $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x \
	    -exec "env TMPDIR=$$tmp GOTMPDIR=$$tmp" "$$dir"; \
	done

bench: ## run the benchmarks of the packages (those against peers: bench/)
	$(GO) test -run '^$$' -bench . -benchtime $(BENCHTIME) ./...

clean: ## remove what build and man made
	rm -rf bin
