# The short words for what is done here every day. Nothing but make, a POSIX shell and Go is needed.

.PHONY: help demo test test-all race bench chaos lint fmt tools release-check

GO ?= go

# Runs a command where a PostgreSQL or npm is there, and installs the system's PostgreSQL first where
# neither is.
WITH_POSTGRES = sh tools/with-postgres

# The tools have a module of their own, so that none of what they need comes near those who import rekey.
TOOL = $(GO) tool -modfile=tools/go.mod

help: ## show these words
	@sed -n 's/^\([a-z-]*\):.*## /\1	/p' Makefile

demo: ## the whole of it on a throw-away database, under live traffic
	$(WITH_POSTGRES) $(GO) run ./cmd/rekey-demo $(ARGS)

test: ## all tests, on PostgreSQL 13, 15 and 18
	$(WITH_POSTGRES) $(GO) test -timeout 20m $(ARGS) ./...

test-all: ## all tests, on PostgreSQL 13 to 18
	REKEY_PG_VERSIONS=all $(WITH_POSTGRES) $(GO) test -timeout 40m $(ARGS) ./...

race: ## all tests with the race detector, one package at a time, on PostgreSQL 15; needs a C compiler
	CGO_ENABLED=1 REKEY_PG_VERSIONS=$${REKEY_PG_VERSIONS:-15} $(WITH_POSTGRES) $(GO) test -race -p 1 -timeout 60m $(ARGS) ./...

bench: ## the benchmark: rekey beside the offline rewrite and the usual batches; takes long, wants a quiet machine
	$(WITH_POSTGRES) $(GO) run ./bench $(ARGS)

chaos: ## 500 faults over PostgreSQL 13, 15 and 18; REKEY_CHAOS_SEED repeats a schedule
	REKEY_CHAOS=$${REKEY_CHAOS:-500} $(WITH_POSTGRES) $(GO) test -timeout 180m -v -run TestChaos ./internal/chaos $(ARGS)

lint: ## vet, gofumpt and golangci-lint, as CI runs them
	$(GO) vet ./...
	@unformatted=$$($(TOOL) gofumpt -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted (make fmt):"; echo "$$unformatted"; exit 1; fi
	$(TOOL) golangci-lint run

fmt: ## format the code
	$(TOOL) gofumpt -w .

tools: ## build the pinned tools; the first time takes minutes, so CI and make lint are quick later
	$(TOOL) gofumpt -version
	$(TOOL) golangci-lint version

release-check: ## would a release work: every target built twice and compared, go install, goreleaser's check
	tools/check-release
