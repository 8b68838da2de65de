# make help lists the targets. `make demo` shows the whole thing; `make test` runs every test.

SHELL := /bin/bash -o pipefail
.DEFAULT_GOAL := help

VERSION ?= dev
IMAGE ?= datasetmix:$(VERSION)
HUB_IMAGE ?= datasetmix-hub:$(VERSION)
# The Hub of the demo: a stand-in inside the cluster, or an address such as https://huggingface.co.
HUB ?= stand-in

BIN := $(CURDIR)/bin
DIST := $(CURDIR)/dist
# One set of flags for every build and test, so that Go's build cache holds one copy of Kubernetes' packages.
export CGO_ENABLED := 0
export GOFLAGS := -trimpath -buildvcs=false
export PATH := $(BIN):$(PATH)
# Google's client of its store would bring gRPC's xDS, 13 MB of it; only its HTTP half is used.
# VERSION is in every program: `kubectl datasetmix version` and the logs say it.
SET_VERSION := -X github.com/datasetmix/datasetmix/internal/version.number=$(VERSION)
GO_BUILD := go build -tags disable_grpc_modules -ldflags "-s -w $(SET_VERSION)"
# Folders that there are: the image is built without those of hack.
# With what is embedded in the programs.
SOURCES := go.mod go.sum python/rewards.go python/datasetmix/rewards.py $(shell find $(wildcard api cmd config/crd config/samples controllers internal hack/hub hack/reader) \
	-type f -not -name '*_test.go' -not -path '*/testdata/*')
TOOLS := hack/tools/go.mod hack/tools/go.sum $(wildcard hack/tools/*/*.go)
# The longest come first, so that the others run while these do.
PACKAGES := ./internal/stage/... ./internal/source/... ./api/... ./cmd/... ./config/... ./controllers/... ./hack/... ./internal/... ./test/architecture/... ./test/deploy/... ./test/docs/... ./test/tutorials/... ./test/training/... ./test/licenses/... ./test/style/...

##@ For people

help: ## List the targets.
	@awk 'BEGIN {FS = ":.*##"} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.*##/ {printf "  %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: cluster-up deploy ## Build the six data sets into one mix on a real cluster, and show it.
	@hack/demo.sh

test: python consumers training unit race monitoring gitops chart envtest release-test cluster-test installations e2e ## Run every test: Python, readers, a training, unit, API server, cluster, end to end.

build: $(BIN)/manager $(BIN)/worker $(BIN)/kubectl-datasetmix $(BIN)/hub ## Build the programs into bin/.

clean: cluster-down ## Stop the cluster and remove what was built, except the build cache.
	rm -rf $(BIN) $(DIST)

##@ For a change

check: verify scripts unit ## What every change must pass, without root: generate, lint, tidy, scripts, unit tests.

# gotestsum prints a line for each package, the output of what failed, and why a test was skipped. Most tests that run side by side wait
# for a disk or a server.
GOTEST := gotestsum --format pkgname --format-hide-empty-pkg -- -shuffle=on -parallel 8 -timeout 40m
unit: $(BIN)/gotestsum ## Run the unit tests.
	CGO_ENABLED=0 $(GOTEST) $(PACKAGES)

# Packages that start goroutines, or whose tests do: the race detector finds nothing in others, and takes several times as long. What they
# share with others is looked at in those. test/architecture holds the list to the code.
CONCURRENT := ./internal/stage ./internal/source ./internal/source/hub ./internal/source/objectstore ./internal/source/oci ./internal/source/open ./internal/source/transport ./internal/source/web ./cmd/kubectl-datasetmix ./cmd/worker ./controllers ./hack/bench/download ./hack/release ./internal/await ./internal/bufpipe ./internal/cli/follow ./internal/cli/survey ./internal/decode ./internal/decode/jsonvalue ./internal/decode/parquet ./internal/dedup ./internal/encode ./internal/extsort ./internal/filewriter ./internal/hashing ./internal/kube ./internal/mapping/language ./internal/progress ./internal/record ./internal/sampler ./internal/store ./internal/testing/artifacts ./internal/testing/faultfs ./internal/testing/hub ./internal/testing/sources ./internal/testing/stores ./internal/tokens ./internal/transfer ./internal/ui ./internal/verify ./internal/verify/files ./internal/verify/mixed ./test/docs
# Tests that put more rows, bits and forgeries through the same goroutines as others do. Without the race detector all of them run, in unit.
REPETITIVE := TestEveryBit|TestMemoryIsBounded|TestLongestRow|TestErrorsOfTheEstimate|TestConvertedEncoding|TestCountsAreThoseOfTheModule|TestSplitterIsItsPattern|TestSplitOfRealText|TestRealHashesAreDistinct|TestWordsOfRealQuestions|TestLargeSequences|TestDecompressionBomb|TestManyFilesNeedFewOpenOnes|TestSpaceComesBack|TestGrowingASource.*|TestABiggerMixContainsASmallerOne|TestTheStrategyDrawn|TestEveryFormatAndNumberOfShards|TestVerifyFinds(ForgeriesIn|ChangedBits|Other|ForgedLists|ForgedExports|ForgedTypes).*|Fuzz.*
race: $(BIN)/gotestsum ## Run the tests of packages that start goroutines with the race detector.
	@if command -v gcc >/dev/null; then echo "passed over here, since unit runs them: $(REPETITIVE)"; \
	  CGO_ENABLED=1 $(GOTEST) -race -short -skip '^($(REPETITIVE))$$' $(CONCURRENT); \
	else echo "passed over: the race detector needs gcc"; fi

envtest: $(BIN)/envtest/kube-apiserver ## Run the tests against a real API server.
	KUBEBUILDER_ASSETS=$(BIN)/envtest go test -count=1 -timeout 40m -v ./test/envtest/... ./test/command/... | grep -vE '^ *(=== |--- PASS)'

scale: $(BIN)/envtest/kube-apiserver ## Build SCALE=1000 mixes with one manager against a real API server, and compare with a tenth.
	KUBEBUILDER_ASSETS=$(BIN)/envtest SCALE=$(or $(SCALE),1000) go test -count=1 -timeout 90m -v -run '^TestScale$$' ./test/envtest

e2e: cluster-up deploy $(BIN)/kubectl-datasetmix $(DIST)/hub-data.stamp $(DIST)/stores.tar $(DIST)/python.stamp previous ## Run the tests on a real cluster.
	@hack/browser-libraries.sh $(DIST)/browser
	for image in stores hub-data python previous; do if [ -f $(DIST)/$$image.tar ]; then hack/cluster.sh load $(DIST)/$$image.tar; fi; done
	go test -count=1 -timeout 40m -parallel 8 -v ./test/e2e/...

integrations: cluster-up deploy $(DIST)/kueue.tar $(DIST)/jobset.tar $(DIST)/trainer.tar $(DIST)/python.stamp ## Run the tests with the real Kueue, JobSet and Kubeflow Trainer, which take ten minutes to build once.
	hack/integrations.sh
	if [ -f $(DIST)/python.tar ]; then hack/cluster.sh load $(DIST)/python.tar; fi
	INTEGRATIONS=1 go test -count=1 -timeout 40m -parallel 4 -v -run '^(TestKueue|TestTrainers)' ./test/e2e

installations: cluster-up $(DIST)/datasetmix.tar $(DIST)/hub.tar $(BIN)/helm $(BIN)/kubectl-datasetmix $(DIST)/python.stamp previous ## Install, upgrade and uninstall with Helm and with install.yaml, by the commands of docs/install.md, on a cluster without the operator.
	for image in datasetmix hub python previous; do if [ -f $(DIST)/$$image.tar ]; then hack/cluster.sh load $(DIST)/$$image.tar; fi; done
	INSTALLATIONS=1 go test -count=1 -timeout 20m -v -run '^(TestInstall|TestHelm)' ./test/e2e

python: $(BIN)/kubectl-datasetmix ## Check the Python package on its oldest and newest Python: ruff, mypy, pytest, the wheel; says what it passes over.
	@hack/python.sh

# Where the libraries of make consumers are installed.
CONSUMERS ?= $(DIST)/consumers

consumers: $(BIN)/kubectl-datasetmix $(BIN)/hub ## Read what is published with the real libraries, old and new; says what it passes over.
	hack/consumers.sh $(CONSUMERS) $(BIN)/kubectl-datasetmix $(BIN)/hub

# Where the libraries of make training are installed.
TRAINING ?= $(DIST)/training

training: $(BIN)/kubectl-datasetmix ## Train a small model by GRPO on a mix, evaluate it, serve it, with the real libraries (5 GB); says what it passes over.
	hack/training.sh $(TRAINING)

browser: $(BIN)/kubectl-datasetmix ## Drive Debian's Chromium over the pages that people look at; says what it passes over.
	@hack/browser.sh $(BIN)/kubectl-datasetmix $(DIST)/browser

trainers: $(BIN)/kubectl-datasetmix $(BIN)/hub ## Train on exports with TRL, two steps each, and read them with verl; installs some GB first, so it is in no other target.
	ENVIRONMENTS=trainers hack/consumers.sh $(CONSUMERS) $(BIN)/kubectl-datasetmix $(BIN)/hub test_trainers

monitoring: $(BIN)/gotestsum ## Test the alerts and the dashboard with Prometheus' own parser and engine.
	cd hack/monitoring && $(GOTEST) ./...

chart: $(BIN)/gotestsum ## Render the Helm chart with Helm's own engine and compare it with what kustomize makes.
	cd hack/helm && $(GOTEST) ./...

gitops: $(BIN)/gotestsum ## Test with Flux's own code what Flux makes of every state of a mix.
	cd hack/gitops && $(GOTEST) ./...

scripts: ## Check the shell scripts with shellcheck.
	@if command -v shellcheck >/dev/null; then shellcheck .ci/run $$(git ls-files '*.sh'); else echo "passed over: shellcheck is missing, so no script is checked"; fi

VULNERABILITIES ?= https://vuln.go.dev
vulnerabilities: $(BIN)/govulncheck ## Look for known vulnerabilities in what the programs call, where the database can be reached.
	@if curl --silent --show-error --fail --head --location --max-time 20 --output /dev/null $(VULNERABILITIES)/index/modules.json; \
	then govulncheck -db $(VULNERABILITIES) -tags disable_grpc_modules ./cmd/...; else echo "passed over: $(VULNERABILITIES) cannot be reached, so known vulnerabilities are not looked for"; fi

# make release-test builds the whole command for every system that it is released for. What depends on the system is in the data plane.
platforms: ## Build the three programs for the other processor, and the data plane for the other systems.
	GOARCH=arm64 $(GO_BUILD) -o $(DIST)/arm64/ ./cmd/manager ./cmd/worker ./cmd/kubectl-datasetmix
	for system in darwin windows; do GOOS=$$system go build ./internal/stage ./internal/verify ./internal/source/open || exit 1; done

# One program for the platform of GOOS and GOARCH, for a release.
program:
	$(GO_BUILD) -o $(OUT) ./cmd/$(PROGRAM)

release: $(BIN)/cluster ## Make a release (VERSION=v1.2.3; RELEASE="-key key.pem -push"): image, command, chart, install.yaml, SBOMs, checksums.
	VERSION=$(VERSION) go run ./hack/release -version $(VERSION) -out $(DIST)/release $(RELEASE)

release-test: $(BIN)/cluster ## Make a release of the real programs twice and judge what people download: digests, processors, versions, SBOMs, signature.
	REAL_RELEASE=1 go test -count=1 -timeout 60m -v -run '^TestTheRealRelease$$' ./hack/release

changelog: ## Join the fragments of changes/ to CHANGELOG.md (VERSION=v1.2.3).
	go run ./hack/release -changelog -version $(VERSION)

install-yaml: ## Write dist/install.yaml for an image (IMAGE=registry.example.org/datasetmix@sha256:…).
	@mkdir -p $(DIST)
	go run ./hack/release -install $(IMAGE) -version $(VERSION) > $(DIST)/install.yaml

fuzz: ## Run every fuzz target (FUZZTIME=1m for each; FUZZ=decode: only those whose folder or name matches).
	@hack/fuzz.sh '$(FUZZ)'

# The arithmetic and the formats that everything else trusts.
MUTANTS ?= internal/mix internal/extsort internal/jsonscan internal/recipe internal/plan internal/pipeline internal/contract internal/revision
mutants: $(BIN)/gremlins ## Change the pure core one place at a time and want a test to fail (MUTANTS=internal/mix: only that package).
	go run ./hack/mutants $(MUTANTS)

bench: $(BIN)/kubectl-datasetmix ## Measure a whole build against plain Python and a bare copy (BENCH="--growth 10 --limit 512": ten times the size, too, and in 512 MiB).
	go run ./hack/bench --program $(BIN)/kubectl-datasetmix --dir $(DIST)/bench $(BENCH)

bench-download: ## Measure the download path against curl over loopback (BENCH="-size 20G -rounds 3").
	go run ./hack/bench/download $(BENCH)

lint: $(BIN)/golangci-lint ## Run the linters.
	golangci-lint run ./api/... ./cmd/... ./config/... ./controllers/... ./hack/... ./internal/... ./test/...

generate: $(BIN)/controller-gen ## Generate code and the reference pages.
	controller-gen object:headerFile=hack/boilerplate/boilerplate.go.txt paths=./api/...
	go run ./hack/docs docs
	go run ./hack/chart

manifests: $(BIN)/controller-gen ## Generate the CRD and the roles.
	controller-gen crd:maxDescLen=1024 paths=./api/... output:crd:artifacts:config=config/crd
	controller-gen rbac:roleName=manager paths=./controllers/... output:rbac:artifacts:config=config/rbac

released-schema: $(BIN)/controller-gen ## With a release: what later changes of the CRD must stay compatible with.
	controller-gen crd:maxDescLen=0 paths=./api/... output:crd:artifacts:config=config/crd/released

# What is not committed yet may be so; what is generated must not change it.
TREE = git status --porcelain --untracked-files=all; git diff
verify: ## Regenerate everything and want nothing to change; lint; tidy.
	@before=$$($(TREE)); $(MAKE) --no-print-directory manifests generate && [ "$$before" = "$$($(TREE))" ] || \
	  { git status --short; git diff --stat; echo "What is generated was not up to date: look at the changes and commit them."; exit 1; }
	@$(MAKE) --no-print-directory lint
	go mod verify
	go mod tidy -diff

##@ The cluster

cluster-test: cluster-tools $(BIN)/gotestsum ## Test the cluster itself: restarts, two nodes, nothing left behind.
	cd hack/cluster && $(GOTEST) ./cmd/cluster/... ./internal/...
	cd hack/cluster && CLUSTER_E2E=1 $(GOTEST) -count=1 ./e2e/

cluster-up: ## Start a real single-node Kubernetes: kind where a Docker engine runs, else one built from Go modules.
	@hack/cluster.sh up

cluster-down: ## Stop it; nothing is left behind.
	@hack/cluster.sh down

deploy: $(DIST)/datasetmix.tar $(DIST)/hub.tar ## Load the images into the cluster and install the operator and the Hub.
	@IMAGE=$(IMAGE) HUB_IMAGE=$(HUB_IMAGE) HUB=$(HUB) hack/deploy.sh

##@ Files

$(BIN)/manager $(BIN)/worker $(BIN)/kubectl-datasetmix: $(SOURCES)
	$(GO_BUILD) -o $@ ./cmd/$(@F)

$(BIN)/hub $(BIN)/reader: $(SOURCES)
	$(GO_BUILD) -o $@ ./hack/$(@F)

$(DIST)/datasetmix.tar: $(BIN)/cluster $(BIN)/manager $(BIN)/worker
	@mkdir -p $(@D)
	cluster image --tag $(IMAGE) --binary $(BIN)/manager:/manager --binary $(BIN)/worker:/worker --entrypoint /manager --label org.opencontainers.image.version=$(VERSION) --out $@

$(DIST)/hub.tar: $(BIN)/cluster $(BIN)/hub $(BIN)/reader
	@mkdir -p $(@D)
	cluster image --tag $(HUB_IMAGE) --binary $(BIN)/hub:/hub --binary $(BIN)/reader:/reader --entrypoint /hub --out $@

# Everything else that the samples read from, for the tests.
$(DIST)/stores.tar: $(BIN)/cluster $(wildcard hack/stores/*.go) hack/stores/go.mod hack/stores/go.sum
	@mkdir -p $(@D)
	cd hack/stores && go build -ldflags "-s -w" -o $(BIN)/stores .
	cluster image --tag datasetmix-stores:$(VERSION) --binary $(BIN)/stores:/stores --entrypoint /stores --out $@

# The Hub with the real rows, for the tests: only where they are, see internal/testing/realrows.
ROWS = $(or $(DATASETMIX_REAL_ROWS),$(patsubst %/gsm8k/train.jsonl,%,$(firstword $(wildcard ../*/data/gsm8k/train.jsonl))))
$(DIST)/hub-data.stamp: $(BIN)/cluster $(BIN)/hub
	@mkdir -p $(@D)
	if [ -n "$(ROWS)" ]; then cluster image --tag datasetmix-hub-data:$(VERSION) --binary $(BIN)/hub:/hub --dir $(ROWS):/rows \
	  --entrypoint /hub --entrypoint -data --entrypoint /rows --out $(DIST)/hub-data.tar; else echo "there are no real rows"; fi
	touch $@

# Python and the package datasetmix: only where Debian's packages are.
$(DIST)/python.stamp: $(BIN)/cluster hack/python-image.sh $(shell find python/datasetmix -name '*.py')
	@mkdir -p $(@D)
	hack/python-image.sh datasetmix-python:$(VERSION) $(DIST)/python.tar
	touch $@

# The programs of others that tests run.
$(BIN)/helm: hack/helm/go.mod hack/helm/go.sum
	cd hack/helm && go build -ldflags "-s -w" -o $@ helm.sh/helm/v4/cmd/helm

$(BIN)/kueue: hack/kueue/go.mod hack/kueue/go.sum
	cd hack/kueue && go build -ldflags "-s -w" -o $@ sigs.k8s.io/kueue/cmd/kueue

$(BIN)/jobset: hack/training/go.mod hack/training/go.sum
	cd hack/training && go build -ldflags "-s -w" -o $@ sigs.k8s.io/jobset

$(BIN)/trainer: hack/training/go.mod hack/training/go.sum
	cd hack/training && go build -ldflags "-s -w" -o $@ github.com/kubeflow/trainer/v2/cmd/trainer-controller-manager

$(DIST)/kueue.tar $(DIST)/jobset.tar $(DIST)/trainer.tar: $(DIST)/%.tar: $(BIN)/% $(BIN)/cluster
	@mkdir -p $(@D)
	cluster image --tag datasetmix-$*:dev --binary $<:/manager --entrypoint /manager --out $@

# The operator of an earlier commit, for the test of upgrades: only where there is a history.
PREVIOUS ?= HEAD^
previous: $(BIN)/cluster
	rm -rf $(DIST)/previous $(DIST)/previous.tar && mkdir -p $(DIST)/previous
	if git rev-parse --verify --quiet $(PREVIOUS) >/dev/null; then git archive $(PREVIOUS) | tar -x -C $(DIST)/previous && \
	  (cd $(DIST)/previous && $(GO_BUILD) -o . ./cmd/manager ./cmd/worker ./cmd/kubectl-datasetmix) && \
	  cluster image --tag datasetmix:previous --binary $(DIST)/previous/manager:/manager --binary $(DIST)/previous/worker:/worker --entrypoint /manager --out $(DIST)/previous.tar; \
	else echo "there is no commit before this one"; fi

$(BIN)/controller-gen: $(TOOLS)
	cd hack/tools && go build -o $@ sigs.k8s.io/controller-tools/cmd/controller-gen

$(BIN)/golangci-lint: $(TOOLS)
	cd hack/tools && go build -o $@ ./golangci-lint

CHECKS := hack/checks/go.mod hack/checks/go.sum
$(BIN)/gotestsum: $(CHECKS)
	cd hack/checks && go build -o $@ gotest.tools/gotestsum

$(BIN)/govulncheck: $(CHECKS)
	cd hack/checks && go build -o $@ golang.org/x/vuln/cmd/govulncheck

$(BIN)/gremlins: $(CHECKS)
	cd hack/checks && go build -o $@ github.com/go-gremlins/gremlins/cmd/gremlins

# The cluster's programs. Kubernetes takes ten minutes to compile once, so it is built again for its own sources only.
CLUSTER_MOD := hack/cluster/go.mod hack/cluster/go.sum
CLUSTER := $(CLUSTER_MOD) $(shell find $(wildcard hack/cluster/cmd/cluster hack/cluster/cmd/pause hack/cluster/internal) -type f -not -name '*_test.go')
KUBERNETES = $(shell awk '$$1 == "k8s.io/kubernetes" {print $$2}' hack/cluster/go.mod)
COMPONENT_VERSION := k8s.io/component-base/version
CLUSTER_GO := cd hack/cluster && go

cluster-tools: $(BIN)/kubernetes $(BIN)/pause $(BIN)/cluster $(BIN)/kubectl $(BIN)/envtest/kube-apiserver

$(BIN)/cluster $(BIN)/pause: $(CLUSTER)
	$(CLUSTER_GO) build -ldflags "-s -w" -o $@ ./cmd/$(@F)

$(BIN)/kubernetes: $(wildcard hack/cluster/cmd/kubernetes/*.go) $(CLUSTER_MOD)
	$(CLUSTER_GO) build -ldflags "-s -w -X $(COMPONENT_VERSION).gitVersion=$(KUBERNETES) \
	  -X $(COMPONENT_VERSION).gitMajor=1 -X $(COMPONENT_VERSION).gitMinor=$(word 2,$(subst ., ,$(KUBERNETES)))" -o $@ ./cmd/kubernetes

# The same program under other names: it looks at its own.
$(BIN)/kubectl: | $(BIN)/kubernetes
	ln -sfn kubernetes $@

$(BIN)/envtest/kube-apiserver: | $(BIN)/kubernetes
	mkdir -p $(@D) && for name in etcd kube-apiserver kubectl; do ln -sfn ../kubernetes $(@D)/$$name; done

.PHONY: race platforms installations release-test trainers browser training program release changelog install-yaml chart consumers integrations mutants check scripts vulnerabilities python released-schema previous scale help demo test monitoring gitops build bench fuzz clean unit envtest e2e lint generate manifests verify cluster-up cluster-down cluster-tools cluster-test deploy
