package discover

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	"golang.org/x/tools/go/packages"

	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
)

// ErrNoMain says that an import path names no main package.
var ErrNoMain = errors.New("not a main package")

// An App is a main package, with the packages of its module that it is made of.
type App struct {
	Importpath string
	Dir        string   // of the main package
	Module     string   // its module's path, or "" outside of modules
	ModuleDir  string   // the directory of its module
	Packages   []string // import paths of what was read, the main package's among them

	// Broken says why a package could not be read whole, or is nil. What depends on it
	// is unknown.
	Broken error

	fset   *token.FileSet
	info   *types.Info
	files  []*ast.File
	bodies []ast.Node // functions that are reached, and what package variables are set to
	funcs  []*types.Func
	decls  map[*types.Func]*ast.FuncDecl
	flow   *flow
}

// Load reads the main package that an import path or a directory names, as go would do
// in dir, for Linux and without cgo, as ko builds it. Nothing is compiled; only what the
// module itself has in its functions is looked at.
func Load(ctx context.Context, dir, importpath string) (*App, error) {
	main, all, err := list(ctx, dir, importpath)
	if err != nil {
		return nil, err
	}
	a := newApp(main)
	c := &checker{app: a, all: all, done: map[string]*types.Package{}}
	if err := c.parse(ctx); err != nil {
		return nil, err
	}
	if err := c.checkConstants(); err != nil {
		return nil, err
	}
	return a, c.load(ctx, main)
}

// newApp returns an app of which nothing is read yet.
func newApp(main *packages.Package) *App {
	a := &App{
		Importpath: main.PkgPath,
		fset:       token.NewFileSet(),
		info: &types.Info{
			Types:      map[ast.Expr]types.TypeAndValue{},
			Defs:       map[*ast.Ident]types.Object{},
			Uses:       map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{},
		},
		decls: map[*types.Func]*ast.FuncDecl{},
	}
	if len(main.GoFiles) > 0 {
		a.Dir = filepath.Dir(main.GoFiles[0])
	}
	a.ModuleDir = a.Dir
	if main.Module != nil {
		a.Module, a.ModuleDir = main.Module.Path, main.Module.Dir
	}
	return a
}

// load reads what is parsed.
func (c *checker) load(ctx context.Context, main *packages.Package) error {
	c.ctx = ctx
	c.check(main)
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	a := c.app
	slices.Sort(a.Packages)
	a.bodies = a.reach()
	a.flow = a.follow()
	return nil
}

// list returns the main package, and all that it is made of by ID.
func list(ctx context.Context, dir, importpath string) (*packages.Package, map[string]*packages.Package, error) {
	pkgs, err := packages.Load(&packages.Config{
		Context: ctx,
		Dir:     dir,
		Env:     environ(),
		Mode:    packages.NeedName | packages.NeedFiles | packages.NeedImports | packages.NeedDeps | packages.NeedModule,
	}, importpath)
	if err != nil {
		return nil, nil, hint.With(fmt.Errorf("reading %q: %w", importpath, err), "run kohealth in the module's directory")
	}
	var mains []*packages.Package
	for _, pkg := range pkgs {
		if pkg.Name == "main" {
			mains = append(mains, pkg)
		}
	}
	switch {
	case len(mains) > 1:
		return nil, nil, hint.With(fmt.Errorf("%q names %d main packages", importpath, len(mains)), "name one, such as "+mains[0].PkgPath)
	case len(mains) == 0 && len(pkgs) > 0 && len(pkgs[0].Errors) > 0 && pkgs[0].Name == "":
		return nil, nil, unread(dir, importpath, pkgs[0].Errors[0])
	case len(mains) == 0:
		return nil, nil, fmt.Errorf("reading %q: %w", importpath, ErrNoMain)
	}
	all := map[string]*packages.Package{}
	packages.Visit(pkgs, nil, func(pkg *packages.Package) { all[pkg.ID] = pkg })
	return mains[0], all, nil
}

// unread says why a package could not be read.
func unread(dir, importpath string, reason packages.Error) error {
	if info, err := os.Stat(filepath.Join(dir, importpath)); err == nil && info.IsDir() && build.IsLocalImport(importpath) {
		return fmt.Errorf("reading %q: %w: %s", importpath, ErrNoMain, reason.Msg)
	}
	return hint.With(fmt.Errorf("reading %q: %s", importpath, reason.Msg), "run kohealth in the module's directory")
}

// Mains returns the import paths of the main packages of the app's module.
func (a *App) Mains(ctx context.Context) (mains []string, err error) {
	pkgs, err := packages.Load(&packages.Config{Context: ctx, Dir: a.ModuleDir, Env: environ(), Mode: packages.NeedName}, "./...")
	if err != nil {
		return nil, fmt.Errorf("reading the module %s: %w", a.Module, err)
	}
	for _, pkg := range pkgs {
		if pkg.Name == "main" {
			mains = append(mains, pkg.PkgPath)
		}
	}
	return mains, nil
}

// environ is what go runs with: ko builds for Linux, and without cgo.
func environ() []string { return append(os.Environ(), "GOOS=linux", "CGO_ENABLED=0") }

// A checker gives types to what packages hold, dependencies first. Of other modules'
// packages it looks at declarations only.
type checker struct {
	ctx    context.Context
	app    *App
	all    map[string]*packages.Package
	parsed map[string][]*ast.File // by package ID
	errs   map[string][]error     // of the files' syntax
	done   map[string]*types.Package
}

// parse parses all files, side by side.
func (c *checker) parse(ctx context.Context) error {
	c.parsed, c.errs = map[string][]*ast.File{}, map[string][]error{}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for id, pkg := range c.all {
		files, errs := make([]*ast.File, len(pkg.GoFiles)), make([]error, len(pkg.GoFiles))
		c.parsed[id], c.errs[id] = files, errs
		own := c.own(pkg)
		for i, name := range pkg.GoFiles {
			g.Go(func() error {
				if err := ctx.Err(); err != nil {
					return err
				}
				// What has errors in its syntax is there as far as it goes.
				text, err := limits.Source.ReadFile(name)
				if limits.IsExceeded(err) {
					return err
				}
				if err != nil {
					errs[i] = err
					return nil
				}
				f, err := parser.ParseFile(c.app.fset, name, text, parser.SkipObjectResolution)
				if f != nil && !own {
					dropBodies(f)
				}
				files[i], errs[i] = f, err
				return nil
			})
		}
	}
	return g.Wait()
}

func dropBodies(f *ast.File) {
	for _, decl := range f.Decls {
		if fn, ok := decl.(*ast.FuncDecl); ok {
			fn.Body = nil
		}
	}
}

// own tells whether a package is the app's own: of the main package's module.
func (c *checker) own(pkg *packages.Package) bool {
	if c.app.Module == "" {
		return pkg.PkgPath == c.app.Importpath
	}
	return pkg.Module != nil && pkg.Module.Path == c.app.Module
}

// check returns a package with types. Errors leave holes in it.
func (c *checker) check(pkg *packages.Package) *types.Package {
	if p, ok := c.done[pkg.ID]; ok {
		return p
	}
	own := c.own(pkg)
	first := cmp.Or(c.errs[pkg.ID]...)
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
	files := slices.DeleteFunc(slices.Clone(c.parsed[pkg.ID]), func(f *ast.File) bool { return f == nil })
	info := c.app.info
	if !own {
		info = nil
	}
	p, _ := config.Check(pkg.PkgPath, c.app.fset, files, info) // its error is the first one
	c.done[pkg.ID] = p
	if own {
		c.app.add(pkg.PkgPath, files)
		if c.app.Broken == nil {
			c.app.Broken = first
		}
	}
	return p
}

// add takes a package of the app's own.
func (a *App) add(path string, files []*ast.File) {
	a.Packages = append(a.Packages, path)
	a.files = append(a.files, files...)
	for _, f := range files {
		for _, decl := range f.Decls {
			if fn, ok := decl.(*ast.FuncDecl); ok {
				if obj, ok := a.info.Defs[fn.Name].(*types.Func); ok {
					a.funcs = append(a.funcs, obj)
					a.decls[obj] = fn
				}
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
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	if err := i.ctx.Err(); err != nil {
		return nil, err
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

// A Position is a place in the app's source.
type Position struct {
	File         string // relative to the module's directory, with slashes
	Line, Column int
}

func (p Position) String() string { return fmt.Sprintf("%s:%d:%d", p.File, p.Line, p.Column) }

func (a *App) position(pos token.Pos) Position {
	at := a.fset.Position(pos)
	file := at.Filename
	if rel, err := filepath.Rel(a.ModuleDir, file); err == nil && !strings.HasPrefix(rel, "..") {
		file = rel
	}
	return Position{filepath.ToSlash(file), at.Line, at.Column}
}
