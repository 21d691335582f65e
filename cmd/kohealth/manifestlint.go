package main

import (
	"bytes"
	"context"
	"log"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/ko/pkg/build"
	"github.com/google/ko/pkg/commands/options"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
)

// built is what was built of import paths.
type built struct {
	mu      sync.Mutex
	results map[string]build.Result
}

func (r *built) add(importpath string, result build.Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.results == nil {
		r.results = map[string]build.Result{}
	}
	r.results[strings.TrimPrefix(importpath, build.StrictScheme)] = result
}

// open returns what was built of an import path, and nothing of other images.
func (r *built) open(_ context.Context, ref string, platform v1.Platform) (v1.Image, error) {
	r.mu.Lock()
	result, ok := r.results[strings.TrimPrefix(ref, build.StrictScheme)]
	r.mu.Unlock()
	if !ok {
		return nil, nil
	}
	return imageFor(result, platform)
}

// lintBuilt tells what is wrong in the manifests, held against the images that were built.
// Other images are not looked into, and a file that lint cannot read is not judged.
func (f *manifestFlags) lintBuilt(ctx context.Context, of *built) error {
	var findings []lint.Finding
	for name := range options.EnumerateFiles(f.files) {
		found, err := f.lintFile(ctx, name, of)
		if err != nil {
			log.Printf("%s: not judged: %v", name, err)
		}
		findings = append(findings, found...)
	}
	return pipeline.Tell(findings)
}

func (f *manifestFlags) lintFile(ctx context.Context, name string, of *built) ([]lint.Finding, error) {
	data, err := files.ReadDefinition(bytes.NewReader(f.stdin), name)
	if err != nil {
		return nil, err
	}
	return lint.File(ctx, name, data, lint.Options{Open: of.open, Severity: lint.Warning, Ignore: f.Health.Said.Ignore})
}
