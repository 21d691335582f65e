package lint

import (
	"cmp"
	"context"
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
)

func isKoFile(f *file) bool {
	return slices.Contains([]string{".ko.yaml", ".ko.yml"}, path.Base(filepath.ToSlash(f.name)))
}

// koBase is the base image where nothing says another.
//
// https://ko.build/configuration/
const koBase = "cgr.dev/chainguard/static:latest"

// readKo reads the checks of a .ko.yaml: that for all images, and those of builds. Each is
// judged as it will be in an image that kohealth builds.
func readKo(_ context.Context, f *file, o Options) (groups []*group, err error) {
	doc, err := doctree.Parse(f.data)
	if err != nil {
		return nil, err
	}
	file, err := health.ParseFile(f.name, f.data)
	var at *health.FileError
	switch {
	case errors.As(err, &at):
		return nil, &doctree.Error{Pos: doctree.Pos{Line: at.Line, Column: 1}, Err: at.Err}
	case err != nil:
		return nil, err
	}
	base := baseOf(doc, o.Environment)
	top := keyed(doc, "healthcheck")
	for i, id := range file.Builds() {
		if own := keyed(keyed(doc, "builds").List()[i], "healthcheck"); own.Given() {
			groups = append(groups, koGroup(base, koName(id), own, top, file.For(id)))
		}
	}
	if top.Given() || len(groups) == 0 {
		all, err := file.Build("")
		if err != nil {
			return nil, err
		}
		groups = append([]*group{koGroup(base, "", top, nil, all)}, groups...)
	}
	return groups, nil
}

// keyed returns the value of a key, which ko finds whatever its case.
func keyed(n *doctree.Node, key string) *doctree.Node {
	for _, f := range slices.Backward(n.Map()) {
		if strings.EqualFold(f.Key.Text, key) {
			return f.Value
		}
	}
	return nil
}

// koName is what findings call the image of a build.
func koName(id health.BuildID) string {
	if !strings.HasPrefix(id.ID, "#") {
		return id.ID
	}
	return path.Join(filepath.ToSlash(id.Dir), filepath.ToSlash(id.Main))
}

// baseOf returns the base image, which is not known where there are several.
func baseOf(doc *doctree.Node, environment map[string]string) *doctree.Node {
	if keyed(doc, "baseImageOverrides").Given() {
		return &doctree.Node{Kind: doctree.Unknown}
	}
	if name := environment["KO_DEFAULTBASEIMAGE"]; name != "" {
		return &doctree.Node{Kind: doctree.Scalar, Text: name}
	}
	if named := keyed(doc, "defaultBaseImage"); named.Given() {
		return named
	}
	return &doctree.Node{Kind: doctree.Scalar, Text: koBase}
}

// koGroup makes a group of a check for images on a base. The check is written at a place, and
// what it leaves out below.
func koGroup(base *doctree.Node, name string, own, below *doctree.Node, settings health.Settings) *group {
	c := &container{Name: name, Pos: cmp.Or(own.At(), doctree.Pos{Line: 1, Column: 1}), ImageRef: base, Essential: true,
		EnvOpen: true, MountsOpen: true, Entrypoint: words{Given: true, List: []string{"/ko-app/" + composefile.Unknown}}}
	g := newGroup(c)
	g.Runtime, g.Style, g.platformUnsure, g.Platform = onBuild, koYAML, true, v1.Platform{OS: "linux", Architecture: "amd64"}
	written := func(key string) *doctree.Node {
		if n := own.Get(key); n.Given() {
			return n
		}
		return below.Get(key)
	}
	check, err := settings.Check()
	if err != nil {
		c.Unclear = true
		g.Refused = &doctree.Error{Pos: cmp.Or(written(health.KeyTest).At(), c.Pos), Err: err}
		return g
	}
	c.Added = []string{health.ProbePath, "/etc/healthcheck", "/ko-app", "/var/run/ko"}
	if len(check.AllPackages()) > 0 || check.Tool != health.ToolProbe {
		c.Added = []string{"/"}
	}
	config := check.Config()
	if check.Disabled {
		config = health.Config{Test: []string{"NONE"}}
	}
	c.Ignored = check.Ignore
	c.readKoCheck(config, written)
	return g
}

// readKoCheck reads a check as the image's config will have it.
func (c *container) readKoCheck(config health.Config, written func(key string) *doctree.Node) {
	at := func(key string) doctree.Pos { return cmp.Or(written(key).At(), c.Pos) }
	set := func(key string, d time.Duration) duration { return duration{Value: d, Given: d != 0, Pos: at(key)} }
	c.Check = &check{
		Pos: c.Pos, Interval: set(health.KeyInterval, config.Interval), Timeout: set(health.KeyTimeout, config.Timeout),
		StartPeriod: set(health.KeyStartPeriod, config.StartPeriod), StartInterval: set(health.KeyStartInterval, config.StartInterval),
		Retries: number{Value: config.Retries, Given: config.Retries != 0, Pos: at(health.KeyRetries)},
	}
	words := written(health.KeyTest).List()
	for i, text := range config.Test {
		a := arg{Text: text, Pos: at(health.KeyTest)}
		if len(words) == len(config.Test) {
			a.Pos = words[i].At()
		}
		c.Check.Test = append(c.Check.Test, a)
	}
	c.Said = c.Check
}
