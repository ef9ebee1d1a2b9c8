# Thimble. `make help` lists what there is.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
# SQLite is C in Go's words, and keeps its memory where the race detector does not look:
# to watch it costs most of a test's time and finds nothing.
RACE    := -race -gcflags=modernc.org/sqlite/lib=-race=false -gcflags=modernc.org/libc=-race=false
BUILD   := $(GO) build -trimpath -ldflags "-X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.PHONY: help build sdk demo test check vet bench soak fuzz golden screenshots lint vuln

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/thimble
	@CGO_ENABLED=0 $(BUILD) -o bin/thimble ./cmd/thimble

sdk: ## build the browser SDK, sdk/js/dist, from sdk/js/src
	@$(GO) run -C tools/sdk . -sdk ../../sdk/js

demo: build ## build, and serve a shop on real orders at http://localhost:8080
	@exec bin/thimble demo

test: ## install what the tests need, then run all of them
	@sh .ci/prepare
	@$(MAKE) --no-print-directory check
	THIMBLE_REQUIRE_POSTGRES=1 THIMBLE_REQUIRE_BROWSER=1 THIMBLE_REQUIRE_STRACE=1 sh .ci/postgres $(GO) test -vet=off $(RACE) -timeout 40m ./...
	cd tools/oracle && $(GO) vet ./... && $(GO) test -timeout 5m ./...
	cd tools/sdk && $(GO) vet ./... && $(GO) test -timeout 5m ./...

check: ## formatting and vet
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-clean:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	@$(MAKE) --no-print-directory vet

vet: ## the project's own checks (tools/vet), and their tests
	@$(GO) build -C tools/vet -o $(CURDIR)/bin/thimble-vet .
	$(GO) vet -vettool=$(CURDIR)/bin/thimble-vet ./...
	@$(GO) test -C tools/vet ./...

lint: ## staticcheck on the whole tree; minutes when cold
	$(GO) tool -modfile=tools/go.mod staticcheck ./...

vuln: ## look for known vulnerabilities; needs vuln.go.dev
	@$(GO) run golang.org/x/vuln/cmd/govulncheck@latest ./... || \
		echo "govulncheck found something, or could not reach its database (vuln.go.dev) or its module; see above. Nothing else was checked."

bench: ## print the figures that the documents quote; never under -race
	@sh .ci/bench

soak: ## the property and fault tests at their full counts; hours
	THIMBLE_SOAK=1 THIMBLE_REQUIRE_POSTGRES=1 THIMBLE_REQUIRE_BROWSER=1 THIMBLE_REQUIRE_STRACE=1 $(GO) test -timeout 12h ./...
	@FUZZTIME=10m sh .ci/fuzz

fuzz: ## each parser with made-up input, a minute each (FUZZTIME)
	@sh .ci/fuzz

golden: ## rewrite the golden files; look at the difference before you keep it
	$(GO) test ./internal/api -update

screenshots: ## save a screenshot of each page, phone and desk, light and dark
	@mkdir -p docs/screenshots
	THIMBLE_REQUIRE_BROWSER=1 THIMBLE_SCREENSHOTS=$(CURDIR)/docs/screenshots THIMBLE_WHOLE_SET=1 $(GO) test -count=1 -run TestPages ./internal/app
