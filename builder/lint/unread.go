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

// fromTemplate is what to do about a template of no kind that is known.
const fromTemplate = "lint what is made of it"

func lookalikes() []lookalike {
	return []lookalike{
		{"a Helm template", isHelmTemplate, "lint what helm template prints (helm template CHART | kohealth lint -)"},
		{"a Helm chart's own file", isChart, "lint what helm template prints (helm template CHART | kohealth lint -)"},
		{"a template", isTemplateText, fromTemplate},
		{"Jsonnet", isJsonnet, "lint what jsonnet prints, or ecspresso render taskdef"},
	}
}

// fileLookalikes are what a file may be that has the name of a Dockerfile's or of a job's and
// is none.
func fileLookalikes() []lookalike {
	return []lookalike{
		{"a template of a Dockerfile", isDockerfileTemplate, "lint the Dockerfile that is made of it"},
		{"a part of a Dockerfile, without FROM", isDockerfilePart, "lint the Dockerfile that it is put into"},
		{"a template of a Nomad job", isNomadTemplate, "lint the job that is made of it (nomad-pack render, levant render)"},
	}
}

func isJsonnet(f *file) bool {
	return slices.Contains([]string{".jsonnet", ".libsonnet"}, path.Ext(filepath.ToSlash(f.name)))
}

// Actions in braces that Helm's templates hold, and those of templates of any kind. Neither
// matches what shells, Compose files and ecspresso's hold.
var (
	helmAction     = regexp.MustCompile(`\{\{-?\s*(?:[^}\n]*\.(?:Values|Release|Chart|Capabilities|Files|Template)\b|(?:include|template|define|toYaml|tpl)\b)`)
	templateAction = regexp.MustCompile(`(?:^|[^$])\{\{-?\s*(?:/\*|\$|(?:with|range|if|else|end)\b)|\{%[-+]?\s*(?:if|for|set|block|macro|raw)\b|(?m:^[\w\s:-]*\s@[A-Z][A-Z_]*@\s*$)`)
	valueAction    = regexp.MustCompile(`(?m)^\s*(?:-\s+)?(?:[\w./-]+:\s+)?\{\{`) // which YAML takes for a map
	lineAction     = regexp.MustCompile(`(?m)^\s*(?:\{\{|\{%|<%|\{#)`)
	levantAction   = regexp.MustCompile(`\[\[-?\s*(?:\.|/\*|\$|(?:with|range|if|else|end|template|timeNow|fileContents|consulKey|env)\b)`)
	isFrom         = regexp.MustCompile(`(?im)^\s*FROM\s`)
)

func isHelmTemplate(f *file) bool { return helmAction.Match(f.data) }
func isTemplateText(f *file) bool { return sign.Match(f.data) && templateAction.Match(f.data) }

func isDockerfileTemplate(f *file) bool { return isDockerfile(f) && lineAction.Match(f.data) }
func isDockerfilePart(f *file) bool     { return isDockerfile(f) && !isFrom.Match(f.data) }

func isNomadTemplate(f *file) bool {
	return isNomad(f) && levantAction.Match(f.data) // Consul's templates stand in strings
}

func isChart(f *file) bool {
	base := path.Base(filepath.ToSlash(f.name))
	return base == "Chart.yaml" || base == "Chart.lock"
}

// A foreignError is the syntax error of a file that has no sign of any format.
type foreignError struct{ error }

func (e foreignError) Unwrap() error        { return e.error }
func (e foreignError) Is(target error) bool { return target == ErrUnknown }

// sign matches a line that a file of some format has, whatever is wrong with others.
var sign = regexp.MustCompile(`(?mi)^\s*[{"]*(?:(?:apiVersion|services|include|Resources|containerDefinitions|taskDefinition)"?\s*:|type:\s*(?:(?:Load Balanced Web|Backend|Worker) Service|Scheduled Job)\b)`)

// unread adds to the error of a file that cannot be read what it looks like, if anything.
func (f *file) unread(err error) error {
	resembles := f.resembles(lookalikes())
	switch {
	case resembles != nil:
		return resembles
	case !errors.Is(err, ErrUnknown) && sign.Match(f.data) && valueAction.Match(f.data):
		return &LookalikeError{"a template", fromTemplate}
	case !errors.Is(err, ErrUnknown) && !sign.Match(f.data):
		return foreignError{err}
	}
	return err
}

// resembles returns an error that says which of the kinds the file looks like, or nil.
func (f *file) resembles(kinds []lookalike) error {
	for _, l := range kinds {
		if l.is(f) {
			return &LookalikeError{l.name, l.todo}
		}
	}
	return nil
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
// command. Their API group begins with the tool's name.
var sources = map[string]string{
	"Kustomization": "kustomize build",
	"Component":     "kustomize build",
	"HelmRelease":   "helm template",
	"HelmChart":     "helm template",
}

// leaveSource notes that an object is the source of others.
func (g *group) leaveSource(doc *doctree.Node) {
	kind, _ := doc.Get("kind").Str()
	group, _ := doc.Get("apiVersion").Str()
	command, ok := sources[kind]
	tool, _, _ := strings.Cut(command, " ")
	if ok && strings.HasPrefix(group, tool+".") {
		g.left("a " + kind + " holds no containers itself: lint what " + command + " prints")
	}
}
