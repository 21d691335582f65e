package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"runtime"
	"slices"
	"strconv"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/limits"
)

// A checker gives types to what packages hold, dependencies first. Of other modules'
// packages it reads declarations only, and follows only the imports that these need.
type checker struct {
	ctx  context.Context
	app  *App
	all  map[string]*packages.Package // by ID
	done map[string]*types.Package

	refused error // what exceeds a limit; then nothing more is read
}

func newChecker(ctx context.Context, main *packages.Package, all map[string]*packages.Package) *checker {
	return &checker{ctx: ctx, app: newApp(main), all: all, done: map[string]*types.Package{}}
}

// own reports whether a package is the app's own: of the main package's module.
func (c *checker) own(pkg *packages.Package) bool {
	if c.app.Module == "" {
		return pkg.PkgPath == c.app.Importpath
	}
	return pkg.Module != nil && pkg.Module.Path == c.app.Module
}

// parse parses the files of a package, side by side. What has errors in its syntax is
// there as far as it goes.
func (c *checker) parse(fset *token.FileSet, pkg *packages.Package) (files []*ast.File, first error) {
	files = make([]*ast.File, len(pkg.GoFiles))
	errs := make([]error, len(pkg.GoFiles))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, name := range pkg.GoFiles {
		g.Go(func() error {
			text, err := limits.Source.ReadFile(name)
			if limits.IsExceeded(err) {
				return err
			}
			if !c.own(pkg) {
				text = skim(text)
			}
			if errs[i] = err; err == nil {
				files[i], errs[i] = parser.ParseFile(fset, name, text, parser.SkipObjectResolution)
			}
			return nil
		})
	}
	c.refused = cmp.Or(c.refused, g.Wait())
	files = slices.DeleteFunc(files, func(f *ast.File) bool { return f == nil })
	return files, cmp.Or(errs...)
}

// check returns a package with types. Errors leave holes in it.
func (c *checker) check(pkg *packages.Package) *types.Package {
	if p, ok := c.done[pkg.ID]; ok {
		return p
	}
	fset := c.app.fset
	if !c.own(pkg) { // nobody asks for its positions, so that they need not be kept
		fset = token.NewFileSet()
	}
	files, first := c.parse(fset, pkg)
	return c.checkFiles(pkg, fset, files, first)
}

// checkFiles is check for a package whose files are parsed; first is the first error in
// their syntax.
func (c *checker) checkFiles(pkg *packages.Package, fset *token.FileSet, files []*ast.File, first error) *types.Package {
	own, info := c.own(pkg), c.app.info
	if !own {
		info = nil
		prune(files, pkg)
	}
	c.checkImports(pkg, files)
	c.refused = cmp.Or(c.refused, c.checkConstants(pkg, fset, files))
	if c.refused != nil {
		files = nil
	}
	config := &types.Config{
		Importer:         importer{c, pkg},
		FakeImportC:      true,
		IgnoreFuncBodies: !own,
		Error: func(err error) {
			var e types.Error
			if first == nil && errors.As(err, &e) && !e.Soft {
				first = err
			}
		},
	}
	p, _ := config.Check(pkg.PkgPath, fset, files, info) // its error is the first one
	c.done[pkg.ID] = p
	if own {
		c.app.add(pkg.PkgPath, files)
		if c.app.Broken == nil {
			c.app.Broken = first
		}
	}
	return p
}

// checkImports checks what files import, so that the lengths of its constants are known.
func (c *checker) checkImports(pkg *packages.Package, files []*ast.File) {
	for _, f := range files {
		for _, spec := range f.Imports {
			if path, err := strconv.Unquote(spec.Path.Value); err == nil && c.refused == nil {
				_, _ = importer{c, pkg}.Import(path) // the type checker says what is wrong
			}
		}
	}
}

// An importer finds what a package imports.
type importer struct {
	*checker
	pkg *packages.Package
}

func (i importer) Import(path string) (*types.Package, error) {
	if err := i.ctx.Err(); err != nil {
		return nil, err
	}
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	pkg := i.pkg.Imports[path]
	if pkg == nil || i.all[pkg.ID] == nil {
		return nil, fmt.Errorf("package %q is missing", path)
	}
	if len(pkg.GoFiles) == 0 && len(pkg.Errors) > 0 {
		return nil, errors.New(pkg.Errors[0].Msg)
	}
	return i.check(i.all[pkg.ID]), nil
}
