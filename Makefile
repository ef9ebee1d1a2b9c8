# Thimble. `make help` lists what there is.

GO      ?= go
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILD   := $(GO) build -trimpath -ldflags "-X main.version=$(VERSION)"

.DEFAULT_GOAL := help
.PHONY: help build demo test check bench soak golden screenshots lint

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/thimble
	@CGO_ENABLED=0 $(BUILD) -o bin/thimble ./cmd/thimble

demo: build ## build, and serve a shop on real orders at http://localhost:8080
	@exec bin/thimble demo

test: ## install what the tests need, then run all of them
	@sh .ci/prepare
	@$(MAKE) --no-print-directory check
	THIMBLE_REQUIRE_POSTGRES=1 THIMBLE_REQUIRE_BROWSER=1 THIMBLE_REQUIRE_STRACE=1 $(GO) test -race -timeout 25m ./...
	cd tools/oracle && $(GO) vet ./... && $(GO) test -timeout 5m ./...

check: ## formatting and vet
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "not gofmt-clean:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...

bench: ## print the figures that the documents quote; never under -race
	@sh .ci/bench

soak: ## the property and fault tests at their full counts; hours
	THIMBLE_SOAK=1 THIMBLE_REQUIRE_POSTGRES=1 THIMBLE_REQUIRE_BROWSER=1 THIMBLE_REQUIRE_STRACE=1 $(GO) test -timeout 12h ./...

golden: ## rewrite the golden files; look at the difference before you keep it
	$(GO) test ./internal/api -update

screenshots: ## save a screenshot of each page, phone and desk, light and dark
	@mkdir -p docs/screenshots
	THIMBLE_REQUIRE_BROWSER=1 THIMBLE_SCREENSHOTS=$(CURDIR)/docs/screenshots THIMBLE_WHOLE_SET=1 $(GO) test -count=1 -run TestPages ./internal/app
