package apk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// resolve is the function resolve with an end to it: what go-apk has to look at doubles
// with every package of a dense graph, and it looks at no context.
func (c *Client) resolve(ctx context.Context, available, installed []*Package, wanted []constraint) ([]*Package, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, cmp.Or(c.patience.resolve, limits.Resolving.Duration()), limits.Resolving.Exceeded())
	defer cancel()
	type result struct {
		chosen []*Package
		err    error
	}
	done := make(chan result, 1)
	go func() {
		chosen, err := resolve(ctx, available, installed, wanted)
		done <- result{chosen, err}
	}()
	select {
	case r := <-done:
		return r.chosen, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// resolve returns the packages, dependencies first, that have to be added to those that
// are installed so that all wanted ones are there. Of a package that is installed no
// other version is taken.
//
// go-apk's resolver chooses; that its choice is one that everybody is content with is
// checked here.
func resolve(ctx context.Context, available, installed []*Package, wanted []constraint) ([]*Package, error) {
	open, err := notInstalled(installed, wanted)
	if err != nil || len(open) == 0 {
		return nil, err
	}
	if err := checkAvailable(available, open); err != nil {
		return nil, err
	}
	chosen, err := choose(ctx, reachable(available, open), installed, open)
	if err != nil {
		return nil, err
	}
	for _, p := range chosen {
		if err := checkDependencies(p, slices.Concat(chosen, installed)); err != nil {
			return nil, explain(err, installed)
		}
	}
	return inOrder(chosen), nil
}

// reachable returns those of the available packages that the wanted ones could need, or
// that could take the place of such. Of an index that is hardly anything.
func reachable(available []*Package, wanted []constraint) []*Package {
	byName := map[string][]*Package{}
	for _, p := range available {
		byName[p.Name] = append(byName[p.Name], p)
		for _, provided := range p.provides {
			byName[nameIn(provided)] = append(byName[nameIn(provided)], p)
		}
	}
	var names []string
	for _, c := range wanted {
		names = append(names, c.name)
	}
	needed := map[*Package]bool{}
	for len(names) > 0 {
		name := names[len(names)-1]
		names = names[:len(names)-1]
		for _, p := range byName[name] {
			if needed[p] {
				continue
			}
			needed[p] = true
			for _, d := range p.depends {
				names = append(names, nameIn(d))
			}
		}
		delete(byName, name)
	}
	return slices.DeleteFunc(slices.Clone(available), func(p *Package) bool { return !needed[p] })
}

// nameIn returns the name in what a package needs or provides, without the version.
func nameIn(s string) string {
	if i := strings.IndexAny(s, "=<>~@"); i >= 0 {
		return s[:i]
	}
	return s
}

// notInstalled returns the constraints that no installed package satisfies.
func notInstalled(installed []*Package, wanted []constraint) (open []constraint, err error) {
	for _, c := range wanted {
		for _, p := range installed {
			if p.Name == c.name && !c.satisfiedBy(p) {
				return nil, hint.With(fmt.Errorf("package %q is asked for, but the base image has %s %s", c, p.Name, p.Version),
					"take the base image's version, or another base image")
			}
		}
		if !slices.ContainsFunc(installed, c.satisfiedBy) {
			open = append(open, c)
		}
	}
	return open, nil
}

// whatThereIs says where to look when no package fits.
const whatThereIs = "the packages of Wolfi are at https://github.com/wolfi-dev/os; repositories of your own are asked in place of it"

// checkAvailable checks that there is a package for each constraint.
func checkAvailable(available []*Package, wanted []constraint) error {
	for _, c := range wanted {
		if slices.ContainsFunc(available, c.satisfiedBy) {
			continue
		}
		others := versions(available, c.name)
		if len(others) > 0 {
			return hint.With(fmt.Errorf("there is no package %q; of %q there is %s", c, c.name, strings.Join(others, ", ")),
				"take one of these versions, or none for the newest")
		}
		for _, p := range available {
			if p.filename() == c.name+".apk" {
				return hint.With(fmt.Errorf("there is no package %q", c), fmt.Sprintf("write it as %s", p))
			}
		}
		return hint.With(fmt.Errorf("there is no package %q", c), whatThereIs)
	}
	return nil
}

// versions returns the newest versions of a package, newest first.
func versions(available []*Package, name string) []string {
	const enough = 5
	var all []string
	for _, p := range available {
		if p.Name == name {
			all = append(all, p.Version)
		}
	}
	slices.SortFunc(all, func(a, b string) int {
		order, err := compareVersions(b, a)
		if err != nil {
			return strings.Compare(b, a)
		}
		return order
	})
	all = slices.Compact(all)
	return all[:min(len(all), enough)]
}

// checkDependencies checks that a package gets what it needs and nothing that it
// excludes.
func checkDependencies(p *Package, all []*Package) error {
	for _, d := range p.depends {
		name, excluded := strings.CutPrefix(d, "!")
		c, err := parseConstraint(name)
		if err != nil {
			return fmt.Errorf("dependency of %q: %w", p, err)
		}
		i := slices.IndexFunc(all, func(q *Package) bool { return !(excluded && q == p) && c.satisfiedBy(q) })
		switch {
		case excluded && i >= 0:
			return fmt.Errorf("package %q cannot be installed beside %q", p, all[i])
		case !excluded && i < 0:
			return fmt.Errorf("package %q needs %q, which nothing that fits provides", p, c)
		}
	}
	return nil
}

// installedPrefix begins the names by which the installed packages are asked for, so that
// nothing else can take their place.
const installedPrefix = "installed:"

// explain makes one line of go-apk's errors, and adds which package of the base image
// stands in the way.
func explain(err error, installed []*Package) error {
	text := strings.Join(strings.Fields(err.Error()), " ")
	for _, p := range installed {
		if strings.Contains(text, p.filename()) || strings.Contains(text, installedPrefix+p.Name) || strings.Contains(text, p.String()) {
			return hint.With(errors.New(strings.ReplaceAll(text, installedPrefix, "")),
				fmt.Sprintf("the base image has %s %s: take another base image, or other versions of the packages", p.Name, p.Version))
		}
	}
	return hint.With(errors.New(text), whatThereIs)
}

// inOrder sorts packages by name, but each after those that it needs.
func inOrder(chosen []*Package) []*Package {
	byName := map[string]*Package{}
	for _, p := range chosen {
		byName[p.Name] = p
	}
	names := slices.Sorted(maps.Keys(byName))
	var sorted []*Package
	seen := map[*Package]bool{}
	var visit func(p *Package)
	visit = func(p *Package) {
		if seen[p] {
			return
		}
		seen[p] = true
		for _, d := range slices.Sorted(slices.Values(p.depends)) {
			c, err := parseConstraint(d)
			if err != nil {
				continue
			}
			for _, name := range names {
				if c.satisfiedBy(byName[name]) {
					visit(byName[name])
				}
			}
		}
		sorted = append(sorted, p)
	}
	for _, name := range names {
		visit(byName[name])
	}
	return sorted
}
