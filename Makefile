# Everything here needs only Go and make. `make test` says what it leaves out where
# there is no container engine; .ci/run installs the engines and leaves out nothing.

GO ?= go

.PHONY: demo test check fuzz mutate bench build

# Build a sample app on the embedded base and show what is in its image.
demo:
	@mkdir -p out
	$(GO) build -o out/kohealth ./cmd/kohealth
	KO_DOCKER_REPO=example.com/hello KO_DEFAULTBASEIMAGE=kohealth.local/static KO_CONFIG_PATH=testdata/apps/hello \
		out/kohealth build --bare --push=false --tarball=out/hello.tar ./testdata/apps/hello
	@$(GO) run ./testdata/apps/show out/hello.tar

test:
	$(GO) test -timeout=40m ./...
	$(GO) -C testdata/readers test ./...
	@if [ -z "$$KOHEALTH_TEST_ENGINES" ]; then \
		echo "left out: the tests on Docker, Podman and a real registry, of a release, with the AWS CDK, and with git, curl and wget if not installed (.ci/run has them all)"; fi

check:
	@test -z "$$(gofmt -l .)" || { gofmt -d .; exit 1; }
	$(GO) vet ./... ./testdata/apps/...
	$(GO) tool staticcheck ./... ./testdata/apps/...
	$(GO) mod tidy -diff
	$(GO) -C testdata/readers mod tidy -diff
	$(GO) -C testdata/readers vet ./...
	$(GO) -C testdata/programs mod tidy -diff
	$(GO) test -race -short -timeout=40m ./...

# Every fuzz target for some seconds, all together at most three minutes.
fuzz:
	GO=$(GO) .ci/fuzz

# Change the code in one place at a time: no test sees the mutants that live. MUTATE names
# the packages.
MUTATE ?= ./builder/judge ./builder/health ./builder/equip ./builder/oci ./layers/apk
mutate:
	GO=$(GO) .ci/mutate $(MUTATE)

bench:
	$(GO) test -run='^$$' -bench=. -skip='^BenchmarkBigIndex$$' -benchtime=200x ./layers/...
	$(GO) test -run='^$$' -bench='^Benchmark(Rebuild|BigIndex)$$' -benchtime=20x -p 1 ./layers/apk ./builder
	$(GO) test -run='^$$' -bench=. -benchtime=3x ./builder/lint
	$(GO) test -run='^$$' -bench=. -benchtime=7x -timeout=30m ./cmd/kohealth

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags='-s -w' -o out/kohealth ./cmd/kohealth
