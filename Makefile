# feedmill needs Go and make; `make check` also a C compiler, for the race detector.
GO       ?= go
TESTARGS ?=
FUZZTIME ?= 10s
FUZZIN   ?= cmd internal
OFFERS   ?= 50000

.PHONY: build build-isal demo services test check format vet staticcheck tidy race bench-once sample isal bench fuzz clean

build:
	$(GO) build -o feedmill ./cmd/feedmill

# With Intel's ISA-L as the compressor (internal/part): needs a C compiler and libisal-dev.
build-isal:
	CGO_ENABLED=1 $(GO) build -tags isal -o feedmill ./cmd/feedmill

# A catalogue from nothing to feeds on disk, compared with a separate reading of its sources.
demo: build
	@GO="$(GO)" OFFERS="$(OFFERS)" sh deploy/local/demo.sh

# S3 and, with Java, HDFS on this machine, to try things with; says how to reach them, ends at Ctrl-C.
services:
	@$(GO) run ./internal/services/cmd

# All tests, the import policy (internal/deps_test.go) among them.
test:
	$(GO) test $(TESTARGS) ./...

check: format vet staticcheck tidy sample test race bench-once

format:
	@files=$$(gofmt -l .); if [ -n "$$files" ]; then echo "gofmt would change:"; echo "$$files"; exit 1; fi

vet:
	$(GO) vet ./...

staticcheck:
	$(GO) tool staticcheck ./...

tidy:
	$(GO) mod tidy -diff

# The sample workspace, its templates and its feed tests are right.
sample:
	$(GO) run ./cmd/feedmill -c deploy/local/feedmill.yaml check

# The tests that are not long, under the race detector, of the packages that do something
# at the same time, or guard something. The others, eval and predicate among them, are under
# it where these use them; the scripts of the commands do nothing beside each other.
race:
	$(GO) test -race -short -skip '^TestScript$$' $$(grep -rlE --include='*.go' '\bgo (func|[a-z]+\()|errgroup|sync\.|atomic\.' cmd internal | \
		grep -vE '_test.go|internal/(eval|predicate|synth)/' | xargs -n 1 dirname | sort -u | sed 's|^|./|')

# What writes, reads and serves parts, with ISA-L as the compressor.
isal:
	CGO_ENABLED=1 $(GO) vet -tags isal ./internal/part
	CGO_ENABLED=1 $(GO) test -tags isal -short $(TESTARGS) ./internal/part ./internal/generate ./internal/serve ./cmd/feedmill

# Every benchmark runs once, so that it goes on working.
bench-once:
	$(GO) test -run '^$$' -bench . -benchtime 1x -short ./...

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

# Every fuzz target below the folders FUZZIN, each for FUZZTIME.
fuzz:
	@set -e; grep -rl --include='*_test.go' '^func Fuzz' $(FUZZIN) | xargs -n 1 dirname | sort -u | while read -r dir; do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\).*/\1/p' "$$dir"/*_test.go); do \
			echo "$$dir $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "./$$dir" || exit 1; \
		done; \
	done

clean:
	rm -rf feedmill .demo
