package pipeline

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/google/ko/pkg/build"
	"github.com/spf13/cobra"

	"github.com/ko-health/kohealth/builder/lint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/cli"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/version"
	"github.com/ko-health/kohealth/layers/cache"
)

// ReportFlags are the flags of the commands that say more of what they built than its
// references.
type ReportFlags struct {
	Lint     bool
	metadata string
}

// Names of the flags of [ReportFlags].
const (
	LintFlag     = "lint"
	MetadataFlag = "metadata-file"
)

// Add adds the flags to a command; lint is the default of [LintFlag].
func (f *ReportFlags) Add(cmd *cobra.Command, lint bool) {
	fs := cmd.Flags()
	fs.BoolVar(&f.Lint, LintFlag, lint, "lint what was built, and publish nothing if its check cannot work")
	fs.StringVar(&f.metadata, MetadataFlag, "", "file to write a description of what was built into, in JSON")
}

// Validate checks, before anything is built, that the metadata can be written.
func (f *ReportFlags) Validate() (err error) {
	f.metadata, err = files.Writable("--"+MetadataFlag, f.metadata)
	return err
}

// Write writes the metadata, if it is asked for.
func (f *ReportFlags) Write(v version.Info, bf *BuildFlags, images []Published, findings []lint.Finding) error {
	if f.metadata == "" {
		return nil
	}
	m, err := newMetadata(v, bf, images, findings)
	if err != nil {
		return err
	}
	var data bytes.Buffer
	enc := json.NewEncoder(&data)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(m); err != nil {
		return fmt.Errorf("encoding metadata: %w", err)
	}
	if err := cache.WriteFile(f.metadata, data.Bytes()); err != nil {
		return fmt.Errorf("writing %q: %w", f.metadata, err)
	}
	return nil
}

// LintBuilt tells what is wrong with the checks of images that were built, each thing
// once, however many platforms it is true of.
func LintBuilt(ctx context.Context, importpaths []string, results []build.Result) (findings []lint.Finding, err error) {
	for i, importpath := range importpaths {
		images, err := ImagesOf(results[i])
		if err != nil {
			return nil, err
		}
		for _, img := range images {
			found, err := lint.Image(ctx, strings.TrimPrefix(importpath, build.StrictScheme), img, lint.Options{Severity: lint.Warning})
			if err != nil {
				return nil, err
			}
			for _, f := range found {
				if !slices.Contains(findings, f) {
					findings = append(findings, f)
				}
			}
		}
	}
	return findings, Tell(findings)
}

// Tell writes findings to stderr. It returns an error if there are errors among them.
func Tell(findings []lint.Finding) error {
	if err := lint.Write(os.Stderr, "text", "", findings); err != nil {
		return err
	}
	errs := 0
	for _, f := range findings {
		if f.Severity == lint.Error {
			errs++
		}
	}
	if errs == 0 {
		return nil
	}
	return cli.Found(&unfit{fmt.Errorf("errors found: %d; nothing was published", errs), findings})
}

// An unfit error says that what was built is not fit to be published.
type unfit struct {
	error
	findings []lint.Finding
}

// FindingsOf returns what was found wrong with what was built, if err says so.
func FindingsOf(err error) []lint.Finding {
	var u *unfit
	if errors.As(err, &u) {
		return u.findings
	}
	return nil
}
