package lint

import (
	"errors"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/hint"
)

// ErrUnknown is the error of a file that is of no format that lint reads.
var ErrUnknown = errors.New("it is of no format that lint reads")

// A lookalike is what a file may be that lint does not read, with what to do instead.
type lookalike struct {
	name string // with its article
	is   func(*file) bool
	todo string
}

// A LookalikeError says what a file looks like that lint cannot read.
type LookalikeError struct{ name, todo string }

func (e *LookalikeError) Error() string { return "it looks like " + e.name + ": " + e.todo }

func lookalikes() []lookalike {
	return []lookalike{
		{"a Helm template", isHelmTemplate, "lint what helm template prints (helm template CHART | kohealth lint -)"},
		{"a Helm chart's own file", isChart, "lint what helm template prints (helm template CHART | kohealth lint -)"},
		{"Jsonnet", isJsonnet, "lint what jsonnet prints, or ecspresso render taskdef"},
		{"kohealth's own .ko.yaml", isKoFile, "kohealth build reads and judges it; kohealth build --lint says more of what comes of it"},
	}
}

func isJsonnet(f *file) bool {
	return slices.Contains([]string{".jsonnet", ".libsonnet"}, path.Ext(filepath.ToSlash(f.name)))
}

func isKoFile(f *file) bool {
	return slices.Contains([]string{".ko.yaml", ".ko.yml", ".ko.json"}, path.Base(filepath.ToSlash(f.name)))
}

// helmAction matches what Helm's templates hold, and no shell, Compose file or ecspresso's.
var helmAction = regexp.MustCompile(`\{\{-?\s*(?:/\*|\$|\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|(?:include|template|define|toYaml|tpl|with|range|if|else|end)\b)`)

func isHelmTemplate(f *file) bool { return helmAction.Match(f.data) }

func isChart(f *file) bool {
	base := path.Base(filepath.ToSlash(f.name))
	return base == "Chart.yaml" || base == "Chart.lock"
}

// A foreignError is the syntax error of a file that has no sign of any format.
type foreignError struct{ error }

func (e foreignError) Unwrap() error        { return e.error }
func (e foreignError) Is(target error) bool { return target == ErrUnknown }

// sign matches a line that a file of some format has, whatever is wrong with others.
var sign = regexp.MustCompile(`(?mi)^\s*[{"]*(?:apiVersion|services|include|Resources|containerDefinitions|taskDefinition)"?\s*:`)

// unread adds to the error of a file that cannot be read what it looks like, if anything.
func (f *file) unread(err error) error {
	for _, l := range lookalikes() {
		if l.is(f) {
			return &LookalikeError{l.name, l.todo}
		}
	}
	if !errors.Is(err, ErrUnknown) && !sign.Match(f.data) {
		return foreignError{err}
	}
	return err
}

// unknown returns the error of a file of which a document is of no format.
func unknown() error {
	var read []string
	for _, format := range FileFormats() {
		known := format.Name
		if format.isDocument != nil {
			known += " (" + strings.ReplaceAll(format.By, "`", "") + ")"
		}
		read = append(read, known)
	}
	return hint.With(ErrUnknown, "lint reads "+strings.Join(read, ", "))
}

// sources are objects of Kubernetes' kind by which a tool makes others, with the tool's
// command.
var sources = map[string]string{
	"Kustomization": "kustomize build",
	"Component":     "kustomize build",
	"HelmRelease":   "helm template",
	"HelmChart":     "helm template",
}

// leaveSource notes that an object is the source of others.
func (g *group) leaveSource(doc *doctree.Node) {
	kind, _ := doc.Get("kind").Str()
	if command, ok := sources[kind]; ok {
		g.left("a " + kind + " holds no containers itself: lint what " + command + " prints")
	}
}
