package apk

import (
	"context"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/layers"
)

func (c *Client) install(ctx context.Context, req Request, indexes []*index, wanted []constraint) (*Installation, error) {
	db, err := readDatabase(req.Base)
	if err != nil {
		return nil, err
	}
	var available []*Package
	for _, x := range indexes {
		packages, err := x.packages(ctx, req.Arch)
		if err != nil {
			return nil, err
		}
		available = append(available, packages...)
	}
	chosen, err := c.resolve(ctx, available, db.packages, wanted)
	if err != nil {
		return nil, fmt.Errorf("resolving packages for %s: %w", req.Arch, err)
	}
	if len(chosen) == 0 {
		return &Installation{}, nil
	}
	controls, err := fetchAll(ctx, chosen)
	if err != nil {
		return nil, err
	}
	out, err := unpack(req, db, chosen, controls)
	if err != nil {
		return nil, err
	}
	for i, p := range chosen {
		p.from.keepPackage(p, controls[i])
	}
	return out, nil
}

// downloads is how many packages are downloaded at once.
const downloads = 8

func fetchAll(ctx context.Context, packages []*Package) ([]*control, error) {
	if err := checkAll(packages); err != nil {
		return nil, err
	}
	controls := make([]*control, len(packages))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(downloads)
	for i, p := range packages {
		g.Go(func() (err error) {
			if controls[i], err = p.from.fetchPackage(ctx, p); err != nil {
				return fmt.Errorf("package %q of %s: %w", p, p.from, err)
			}
			p.URL = p.from.location(p)
			return nil
		})
	}
	return controls, g.Wait()
}

// checkAll refuses packages that could not be fetched or verified, before any is fetched.
func checkAll(packages []*Package) error {
	var size int64
	for _, p := range packages {
		if err := p.check(); err != nil {
			return fmt.Errorf("package %q of %s: %w", p, p.from, err)
		}
		if size += p.Size; size > limits.Downloads.Max() {
			return fmt.Errorf("downloading packages: %w", limits.Downloads.Exceeded())
		}
	}
	return nil
}

// unpack makes files of verified packages.
func unpack(req Request, db *database, packages []*Package, controls []*control) (*Installation, error) {
	out := &Installation{Packages: packages}
	t := &tree{
		fs:       req.Base.Clone(),
		added:    map[string]addition{},
		reserved: req.Reserved,
		managed:  db.text != nil,
		warn:     func(format string, args ...any) { out.Warnings = append(out.Warnings, fmt.Sprintf(format, args...)) },
	}
	if err := t.reserveDatabase(db); err != nil {
		return nil, err
	}
	room := newRoom()
	for i, p := range packages {
		list, err := readEntries(controls[i].data, room)
		if err != nil {
			return nil, fmt.Errorf("unpacking package %q: %w", p, err)
		}
		placed, err := t.add(p, controls[i], list)
		linked := false
		if err == nil {
			linked, err = t.linkApplets(p, list)
		}
		if err != nil {
			return nil, hint.With(fmt.Errorf("adding package %q: %w", p, err), "leave the package out, or take another base image")
		}
		scripts := controls[i].scripts
		if linked {
			scripts = slices.DeleteFunc(slices.Clone(scripts), func(s string) bool { return s == ".trigger" })
		}
		if len(scripts) > 0 {
			t.warn("%s: its scripts are not run: %s", p, strings.Join(scripts, ", "))
		}
		db.add(p, controls[i], placed)
	}
	if err := t.putDatabase(packages[0], db); err != nil {
		return nil, err
	}
	out.Files = t.list()
	slices.Sort(out.Warnings)
	return out, nil
}

// reserveDatabase keeps the place of the database from packages, which themselves have no
// business there. It is bound to the same rules: links of the base must not lead it to what
// is reserved for others.
func (t *tree) reserveDatabase(db *database) error {
	at, err := t.fs.Resolve(db.path)
	if err != nil {
		return fmt.Errorf("adding database of installed packages: %w", err)
	}
	if r, _ := t.blocks(at); r != "" {
		return hint.With(fmt.Errorf("adding database of installed packages: links of the base image lead to %q: it would take the place of %s", at, r),
			"take another base image")
	}
	t.reserved = append(slices.Clone(t.reserved), db.path)
	return nil
}

// putDatabase puts the database where the base has it, whole: a layer replaces files.
func (t *tree) putDatabase(p *Package, db *database) error {
	at, err := t.fs.Resolve(db.path)
	if err == nil {
		err = t.addParents(p, at[:strings.LastIndexByte(at, '/')])
	}
	if err != nil {
		return fmt.Errorf("adding database of installed packages: %w", err)
	}
	t.put(addition{p, &entry{content: db.text}, layers.File{Path: at, Mode: fs.FileMode(0o644)}})
	return nil
}
