package pipeline

import (
	"cmp"
	"context"
	"fmt"
	gobuild "go/build"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/ko/pkg/build"
	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/kocompat"
)

// ImportPaths returns the import paths that args name, with ko's scheme, in the order
// of args and each once. A pattern such as ./cmd/... names the main packages that
// match it.
func (p *Pipeline) ImportPaths(ctx context.Context, args []string) ([]string, error) {
	mains := p.MainPackages(ctx, args)
	var importpaths []string
	for _, arg := range args {
		found, err := p.Resolve(arg, mains)
		if err != nil {
			return nil, err
		}
		for _, importpath := range found {
			if !slices.Contains(importpaths, importpath) {
				importpaths = append(importpaths, importpath)
			}
		}
	}
	return importpaths, nil
}

// Resolve returns the import paths that an argument names: a pattern may name several. mains
// are import paths that are known already, by argument.
func (p *Pipeline) Resolve(arg string, mains map[string]string) ([]string, error) {
	if strings.Contains(arg, "...") {
		return expand(arg)
	}
	if importpath, ok := mains[arg]; ok {
		if err := CheckMeant(arg, p.dirs[importpath]); err != nil {
			return nil, err
		}
		return []string{build.StrictScheme + importpath}, nil
	}
	importpath, err := p.Builder.QualifyImport(arg)
	if err != nil {
		return nil, hint.With(fmt.Errorf("reading %q: %w", arg, discover.GoSays(err)), moduleHint())
	}
	if err := p.Builder.IsSupportedReference(importpath); err != nil {
		return nil, hint.With(fmt.Errorf("importpath %q is not supported: %w", importpath, err),
			cmp.Or(p.missingEntry(arg), PackageHint(arg)))
	}
	return []string{importpath}, CheckMeant(arg, "")
}

// missingEntry returns the next step for a main package that ko does not find because an
// entry of builds has a directory: ko looks there for all that have no entry.
func (p *Pipeline) missingEntry(arg string) string {
	elsewhere := func(config build.Config) bool { return filepath.Clean(config.Dir) != "." }
	if dir, _ := ModuleOf(arg); dir != "" || !isMain(arg) || !slices.ContainsFunc(slices.Collect(maps.Values(p.options.BuildConfigs)), elsewhere) {
		return ""
	}
	return "give it an entry in builds of .ko.yaml, with main: " + AsArgument(filepath.Clean(arg)) + ": ko needs one for every main package as soon as one entry has a dir"
}

// expand returns the main packages that match a pattern.
func expand(pattern string) ([]string, error) {
	pkgs, err := load(strings.TrimPrefix(pattern, build.StrictScheme))
	if err != nil {
		return nil, hint.With(fmt.Errorf("expanding %q: %w", pattern, discover.GoSays(err)), moduleHint())
	}
	var importpaths []string
	for _, pkg := range pkgs {
		if pkg.Name == "main" {
			importpaths = append(importpaths, build.StrictScheme+pkg.PkgPath)
		}
	}
	if len(importpaths) > 0 {
		return importpaths, nil
	}
	for _, pkg := range pkgs {
		if len(pkg.Errors) > 0 {
			return nil, hint.With(fmt.Errorf("expanding %q: %s", pattern, pkg.Errors[0].Msg), moduleHint())
		}
	}
	return nil, hint.With(fmt.Errorf("no main package matches %q", pattern),
		"go list "+pattern+" prints what does match")
}

// MainPackages finds the main packages among args that name just one, with a single
// run of go list where ko takes two for each. What it does not find is left to ko, and
// so is all where builds[] has directories, which may be modules of their own.
func (p *Pipeline) MainPackages(ctx context.Context, args []string) map[string]string {
	for _, config := range p.options.BuildConfigs {
		if filepath.Clean(config.Dir) != "." {
			return nil
		}
	}
	queries := map[string]string{}
	for _, arg := range args {
		query, strict := strings.CutPrefix(arg, build.StrictScheme)
		if strict && gobuild.IsLocalImport(query) {
			continue // ko names the image after the directory
		}
		if !strings.Contains(arg, "...") && !strings.HasSuffix(arg, ".go") {
			queries[arg] = query
		}
	}
	if len(queries) == 0 {
		return nil
	}
	pkgs, err := load(slices.Collect(maps.Values(queries))...)
	if err != nil {
		return nil
	}
	kocompat.ShortenList(ctx, pkgs)
	mains := map[string]string{}
	for arg, query := range queries {
		for _, pkg := range pkgs {
			if pkg.Name == "main" && len(pkg.Errors) == 0 && names(query, pkg) {
				mains[arg] = pkg.PkgPath
				p.dirs[pkg.PkgPath] = pkg.Dir
			}
		}
	}
	return mains
}

// names reports whether a package is the one that a directory or import path names.
func names(query string, pkg *packages.Package) bool {
	if !gobuild.IsLocalImport(query) {
		return query == pkg.PkgPath
	}
	dir, err := filepath.Abs(query)
	return err == nil && dir == pkg.Dir
}

func load(patterns ...string) ([]*packages.Package, error) {
	return packages.Load(&packages.Config{Mode: packages.NeedName | packages.NeedFiles}, patterns...)
}
