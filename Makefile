# Short commands for daily work. They need make, a POSIX shell and Go.

.PHONY: help demo test test-all race bench chaos acceptance lint fmt tools recording pictures docs man release-check

GO ?= go

# Runs a command that needs PostgreSQL. If neither PostgreSQL nor npm is installed, it installs the system's package.
WITH_POSTGRES = sh tools/with-postgres

# The slowest packages first, so that no long one is left running alone at the end.
SLOW = ./phoenixkit ./internal/script ./internal/step/steptest ./internal/run ./cmd/rekey ./internal/demo ./internal/chaos \
	./internal/backfill/ordered

# The tools have their own module, so that programs that import rekey do not get their dependencies.
TOOL = $(GO) tool -modfile=tools/go.mod

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile

demo: ## run the demo: a migration of a throw-away database under live traffic
	$(WITH_POSTGRES) $(GO) run ./cmd/rekey-demo $(ARGS)

test: ## run all tests on PostgreSQL 13, 15 and 18
	$(WITH_POSTGRES) $(GO) test -timeout 20m $(ARGS) $(SLOW) ./...
	cd otel && sh ../tools/with-postgres $(GO) test $(ARGS) ./...
	@sh tools/skipped-tests

test-all: ## run all tests on PostgreSQL 13 to 18
	REKEY_PG_VERSIONS=all $(WITH_POSTGRES) $(GO) test -timeout 40m $(ARGS) $(SLOW) ./...
	@sh tools/skipped-tests

race: ## run all tests with the race detector on PostgreSQL 15, one package at a time; needs a C compiler
	CGO_ENABLED=1 REKEY_PG_VERSIONS=$${REKEY_PG_VERSIONS:-15} $(WITH_POSTGRES) $(GO) test -race -p 1 -timeout 60m $(ARGS) ./...
	cd otel && CGO_ENABLED=1 REKEY_PG_VERSIONS=$${REKEY_PG_VERSIONS:-15} sh ../tools/with-postgres $(GO) test -race $(ARGS) ./...

bench: ## run the benchmark: rekey, the offline rewrite and batched UPDATEs; takes long and needs an idle machine
	$(WITH_POSTGRES) $(GO) run ./bench $(ARGS)

chaos: ## run 500 faults on PostgreSQL 13, 15 and 18; REKEY_CHAOS_SEED repeats a schedule
	REKEY_CHAOS=$${REKEY_CHAOS:-500} $(WITH_POSTGRES) $(GO) test -timeout 180m -v -run TestChaos ./internal/chaos $(ARGS)

acceptance: ## run the long acceptance tests of the phases on PostgreSQL 13, 15 and 18; takes some 50 minutes
	REKEY_ACCEPTANCE=1 $(WITH_POSTGRES) $(GO) test -timeout 180m -count 1 -v ./internal/acceptance $(ARGS)

lint: ## run vet, gofumpt and golangci-lint, as CI does
	$(GO) vet ./...
	cd otel && $(GO) vet ./...
	@unformatted=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted (run make fmt):"; echo "$$unformatted"; exit 1; fi
	$(TOOL) golangci-lint run
	cd otel && $(GO) tool -modfile=../tools/go.mod golangci-lint run

fmt: ## format the code
	$(TOOL) gofumpt -w .

tools: ## build the pinned tools; takes minutes the first time, and makes lint fast later
	$(TOOL) gofumpt -version
	$(TOOL) golangci-lint version

recording: ## run rekey in a terminal on a temporary database and write the pictures of docs/recording; needs util-linux
	$(WITH_POSTGRES) $(GO) run ./docs/recording docs/recording/rekey.svg
	$(WITH_POSTGRES) $(GO) run ./docs/recording docs/recording/journey.svg

pictures: ## run rekey over 2,000,000 rows and write the pictures of docs/pictures; takes minutes, needs util-linux and Chromium
	$(WITH_POSTGRES) $(GO) run ./docs/recording docs/pictures

docs: ## write the generated parts of the documents: flags, JSON fields, output of commands
	$(GO) test . -run TestJSONReference -update
	$(GO) test ./cmd/rekey-docs -update
	$(WITH_POSTGRES) $(GO) test ./cmd/rekey -run TestConsoleBlocks -update

man: ## write the man pages into docs/man
	$(GO) run ./cmd/rekey-docs docs/man

release-check: ## check that a release would work: reproducible builds, go install, goreleaser check; takes minutes
	tools/check-release
