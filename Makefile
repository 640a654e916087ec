GO ?= go
LINT = $(GO) tool -modfile=tools/lint/go.mod golangci-lint
SBOM = $(GO) tool -modfile=tools/sbom/go.mod cyclonedx-gomod
VULN = $(GO) tool -modfile=tools/vuln/go.mod govulncheck
PROGRAMS = api worker otpctl

.PHONY: help
help: ## Print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: dev
dev: ## Run everything on loopback, with an inbox
	$(GO) run ./cmd/dev

.PHONY: build
build: ## Build the two processes and otpctl into bin/, to the same bytes wherever it is done
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags=-s -o bin/ ./cmd/api ./cmd/worker ./cmd/otpctl

.PHONY: licenses
licenses: ## Write docs/licenses.md, the licences of all that is linked
	cd deploy/check && $(GO) test -run TestTheListOfLicences -count=1 . -update

SBOMDIR ?= bin

.PHONY: sbom
sbom: ## What each program is made of, as CycloneDX, beside it in bin/: the same for the same commit
	@mkdir -p $(SBOMDIR)
	@for p in $(PROGRAMS); do CGO_ENABLED=0 $(SBOM) app -json -std -licenses -noserial -notimestamp -main ./cmd/$$p -output $(SBOMDIR)/$$p.cdx.json . || exit 1; done

.PHONY: vuln
vuln: ## Known vulnerabilities in what the code calls; asks vuln.go.dev, or the database in GOVULNDB
	@$(VULN) $${GOVULNDB:+-db $$GOVULNDB} ./...; code=$$?; case $$code in \
	0) ;; 3) echo 'vulnerable code is called: see above' >&2 ;; *) echo 'nothing was checked: is the database reachable?' >&2 ;; esac; exit $$code

.PHONY: deps
deps: ## Install what the tests need and is missing
	@deploy/install-test-deps

.PHONY: test
test: deps vet lint race deploy ## Everything that CI runs

.PHONY: race
race: ## The suite under the race detector
	CI=1 $(GO) test -race -count=1 -timeout 12m ./...

.PHONY: deploy
deploy: ## What operators deploy, held to what reads it
	cd deploy/check && CI=1 $(GO) test -count=1 ./...

.PHONY: vet
vet: ## gofmt and go vet
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo 'run gofmt -w on these'; exit 1; }
	$(GO) vet ./...

.PHONY: lint
lint: ## The linter, built from the version in tools/lint
	$(LINT) run ./...

.PHONY: bench
bench: ## Throughput and latency of starts and checks beside a bare handler; bounded, about two minutes
	$(GO) run ./bench

.PHONY: bench-stores
bench-stores: ## The ways to keep a code's digest, beside each other; about ten minutes (STORES=-update writes docs/stores.md)
	LONG=1 $(GO) test -v -run TestStores -timeout 40m -count=1 ./internal/storebench $(STORES)

.PHONY: screenshots
screenshots: deps ## Pictures of every page into docs/img, light and dark, desktop and phone
	SCREENSHOTS=$(CURDIR)/docs/img $(GO) test -run TestScreenshots -count=1 ./internal/e2e ./internal/supportui

.PHONY: soak
soak: ## The crash and race tests with the long counts; a few minutes
	LONG=1 $(GO) test -timeout 60m -count=1 ./internal/redisstore ./internal/e2e

.PHONY: chaos
chaos: ## Faults of vendors, processes and Redis: who got a code once, twice or never; about six minutes
	LONG=1 $(GO) test -v -run TestChaos -timeout 30m -count=1 ./internal/chaos $(CHAOS)

.PHONY: attack
attack: ## Attacks on the real processes: what was tried and what got through; a few minutes
	LONG=1 $(GO) test -v -run TestAttacks -timeout 30m -count=1 ./internal/attack $(ATTACK)

FUZZTIME ?= 1m
FUZZ = address/FuzzPhone address/FuzzMailbox address/FuzzTyped httpapi/FuzzRequest twilio/FuzzReceipt webhook/FuzzReceipt smtpmail/FuzzReport \
	smtpmail/FuzzReturnPath otp/FuzzParseID otp/FuzzParseToken otp/FuzzParseCode config/FuzzParse config/FuzzRedisURL message/FuzzTemplate jwestore/FuzzTicket jwtsession/FuzzRead

.PHONY: fuzz
fuzz: ## Look for inputs that break the parsers; FUZZTIME=10m for longer, each
	@for f in $(FUZZ); do $(GO) test ./internal/$${f%/*} -run '^$$' -fuzz "^$${f#*/}$$" -fuzztime $(FUZZTIME) || exit 1; done
