package discover

import (
	"context"
	"go/types"

	"golang.org/x/tools/go/packages"
)

// A Library keeps what was checked of other modules, so that tests of many apps of one
// module do not read the standard library for each.
type Library map[string]*types.Package

// Load is like the function, for apps that are made of the same versions of everything.
func (l Library) Load(ctx context.Context, dir, importpath string) (*App, error) {
	main, all, err := list(ctx, dir, importpath)
	if err != nil {
		return nil, err
	}
	c := newChecker(ctx, main, all)
	others := map[string]bool{}
	for id, pkg := range all {
		if p := l[id]; p != nil && c.isOther(pkg, others) {
			c.done[id] = p
		}
	}
	c.check(main)
	for id, p := range c.done {
		if c.isOther(all[id], others) {
			l[id] = p
		}
	}
	return c.app, c.finish()
}

// isOther reports whether a package has nothing of the app's own in it.
func (c *checker) isOther(pkg *packages.Package, known map[string]bool) bool {
	if is, ok := known[pkg.ID]; ok {
		return is
	}
	is := !c.own(pkg)
	for _, imported := range pkg.Imports {
		is = is && c.isOther(imported, known)
	}
	known[pkg.ID] = is
	return is
}
