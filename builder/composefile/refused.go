package composefile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/compose-spec/compose-go/v2/errdefs"
	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"

	"github.com/ko-health/kohealth/builder/doctree"
)

// A strictness says whether Compose judges the file that it loads.
type strictness bool

const (
	strict  strictness = true
	lenient strictness = false
)

// model returns what Compose makes of the file.
func (l *load) model(ctx context.Context, data []byte, how strictness) (model map[string]any, err error) {
	l.project.variables.count = 0
	if err := l.follow(); err != nil {
		return nil, err
	}
	// The library asserts types before its schema has judged them.
	defer func() {
		if r := recover(); r != nil {
			model, err = nil, fmt.Errorf("%v", r)
		}
	}()
	details := types.ConfigDetails{
		WorkingDir:  l.dir,
		ConfigFiles: l.configFiles(data),
		Environment: l.project.variables.environment,
	}
	model, err = loader.LoadModelWithContext(ctx, details, func(o *loader.Options) { l.options(o, how) })
	if err != nil || how == lenient || l.skipInclude || l.skipExtends || l.isPart(model) {
		return model, err
	}
	if err = l.consistent(model, details); err == nil {
		return model, nil
	}
	// The library goes through the services in no order: the first by name is told of.
	services, _ := model["services"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if own := l.consistent(alone(model, name), details); own != nil {
			return nil, own
		}
	}
	return nil, err
}

// consistent returns what Compose says against how the parts of a file belong together.
func (l *load) consistent(model map[string]any, details types.ConfigDetails) error {
	_, err := loader.ModelToProject(model, &loader.Options{
		Profiles: []string{"*"}, SkipResolveEnvironment: true, SkipResolveLabels: true,
	}, details)
	return err
}

// alone returns a model in which nothing is said of all services but one.
func alone(model map[string]any, name string) map[string]any {
	services, _ := model["services"].(map[string]any)
	others := map[string]any{}
	for other := range services {
		others[other] = map[string]any{"image": other}
	}
	others[name] = services[name]
	model = maps.Clone(model)
	model["services"] = others
	return model
}

// isPart reports whether the file is one that another extends, or is merged into: there
// are services with nothing to run.
func (l *load) isPart(model map[string]any) bool {
	services, _ := model["services"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(services)) {
		if s, ok := services[name].(map[string]any); ok && s["image"] == nil && s["build"] == nil && s["provider"] == nil {
			l.note(fmt.Sprintf("service %q has neither image nor build, so the file is taken for a part of another", name))
			return true
		}
	}
	return false
}

// fileName stands for the file in Compose's own messages, whose reader knows which it is.
const fileName = "the file"

func (l *load) options(o *loader.Options, how strictness) {
	o.SetProjectName("project", true) // its own is not asked for
	o.SkipNormalization = true
	o.SkipValidation = how == lenient
	o.SkipInclude, o.SkipExtends = l.skipInclude, l.skipExtends
	o.Interpolate.Substitute = l.project.variables.substitute
	o.Interpolate.TypeCastMapping = casts(o.Interpolate.TypeCastMapping)
}

var (
	inYAML       = regexp.MustCompile(` at L(\d+)\.C(\d+)(?:-[LC\d.]+)?: (.*)`)
	constructed  = regexp.MustCompile(`^failed to parse the file: yaml: .*\bline (\d+): (.*)`)
	inBrackets   = regexp.MustCompile(`\bservices\[([^\]]+)\]`)
	propertyName = regexp.MustCompile(`additional properties '([^']+)'`)
	modelPath    = regexp.MustCompile(`\bservices\.[^\s:']+`)
	namedInText  = regexp.MustCompile("(?i)\\bservice:? [\"`]?([\\w.-]+)")
)

// locate finds the place that Compose's words name.
func (l *load) locate(err error) error {
	var at *doctree.Error
	if errors.As(err, &at) {
		return err
	}
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	text = strings.TrimPrefix(text, "validating "+fileName+": ")
	text = strings.TrimSuffix(text, ": "+errdefs.ErrInvalid.Error())
	if m := inYAML.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		column, _ := strconv.Atoi(m[2])
		return &doctree.Error{Pos: doctree.Pos{Line: max(line, 1), Column: max(column, 1)}, Err: errors.New(m[3])}
	}
	if m := constructed.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		return &doctree.Error{Pos: doctree.Pos{Line: max(line, 1), Column: 1}, Err: errors.New(m[2])}
	}
	text = strings.TrimPrefix(text, "decoding failed due to the following error(s):; ; ")
	text = inBrackets.ReplaceAllString(text, "services.$1")
	text = strings.ReplaceAll(unknown(text), " false schema", " is not allowed")
	text = strings.ReplaceAll(text, Unknown, "…")
	var keys []string
	if path := modelPath.FindString(text); path != "" {
		keys = strings.Split(strings.TrimRight(path, "."), ".")
		if m := propertyName.FindStringSubmatch(text); m != nil {
			keys = append(keys, m[1])
		}
	} else if m := namedInText.FindStringSubmatch(text); m != nil {
		keys = []string{"services", m[1]}
	}
	return &doctree.Error{Pos: l.placeOf(keys), Err: errors.New(text)}
}

// placeOf returns the place of the last of some keys that is written.
func (l *load) placeOf(keys []string) doctree.Pos {
	pos, deepest := firstPos(l.docs), 0
	for _, doc := range l.docs {
		n := doc
		for depth, key := range keys {
			i := lastField(n, key)
			if i < 0 {
				break
			}
			if n = untagged(n.Fields[i].Value); depth+1 > deepest {
				pos, deepest = n.Pos, depth+1
			}
		}
	}
	return pos
}
