//go:build !windows

package apk

import (
	"context"
	"slices"
	"strings"

	"github.com/chainguard-dev/go-apk/pkg/apk"
)

// choose has go-apk choose among the available packages.
func choose(ctx context.Context, available, installed []*Package, wanted []constraint) ([]*Package, error) {
	ours := map[*apk.Package]*Package{}
	taken := map[string]bool{}
	var candidates []*apk.Package
	var world []string
	for _, p := range installed {
		taken[p.Name] = true
		c := p.candidate()
		c.Provides = append(slices.Clone(c.Provides), installedPrefix+p.Name)
		c.Dependencies = conflictsOnly(c.Dependencies) // those it needs are there
		candidates = append(candidates, c)
		world = append(world, installedPrefix+p.Name)
	}
	newest := newestPriorities(available)
	for _, p := range available {
		if taken[p.Name] {
			continue
		}
		c := p.candidate()
		c.ProviderPriority = newest[p.Name].priority
		ours[c] = p
		candidates = append(candidates, c)
	}
	for _, c := range wanted {
		world = append(world, c.String())
	}
	index := (&apk.Repository{}).WithIndex(&apk.APKIndex{Packages: candidates})
	resolver := apk.NewPkgResolver(ctx, []apk.NamedIndex{apk.NewNamedRepositoryWithIndex("", index)})
	all, _, err := resolver.GetPackagesWithDependencies(ctx, world)
	if err != nil {
		return nil, explain(err, installed)
	}
	var chosen []*Package
	for _, c := range all {
		if p, ok := ours[c.Package]; ok {
			chosen = append(chosen, p)
		}
	}
	return chosen, nil
}

// candidate returns the package in go-apk's form. That it would like to be installed beside
// others (install_if) is left out: only what is needed is added.
func (p *Package) candidate() *apk.Package {
	return &apk.Package{
		Name:             p.Name,
		Version:          p.Version,
		Origin:           p.Origin,
		Dependencies:     p.depends,
		Provides:         p.provides,
		ProviderPriority: p.priority,
	}
}

func conflictsOnly(dependencies []string) (conflicts []string) {
	for _, d := range dependencies {
		if strings.HasPrefix(d, "!") {
			conflicts = append(conflicts, d)
		}
	}
	return conflicts
}

// newestPriorities returns of each name the newest package, whose priority then counts
// for all versions: the resolver compares priorities before versions, and would take an
// old version that had a higher one.
func newestPriorities(available []*Package) map[string]*Package {
	newest := map[string]*Package{}
	for _, p := range available {
		if n, ok := newest[p.Name]; !ok || (constraint{p.Name, ">", n.Version}).allows(p.Version) {
			newest[p.Name] = p
		}
	}
	return newest
}

// compareVersions returns -1, 0 or 1, as a is older than, the same as or newer than b.
func compareVersions(a, b string) (int, error) {
	first, err := apk.ParseVersion(a)
	if err != nil {
		return 0, err
	}
	second, err := apk.ParseVersion(b)
	if err != nil {
		return 0, err
	}
	return apk.CompareVersions(first, second), nil
}
