package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/pipeline"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/shellwords"
)

// inputs are the inputs of the action, by their names. One that is not given is empty.
type inputs map[string]string

// Inputs returns the names of the inputs that are not flags of kohealth's own,
// and the values that they may have, if those are few.
func Inputs() map[string][]string {
	yesNo := []string{"true", "false"}
	return map[string][]string{
		"args":                  nil,
		"base-image":            nil,
		"cache":                 yesNo, // action.yml
		"container-name":        nil,
		"download-url":          nil, // action/install.sh
		"ecr-create-repository": yesNo,
		pipeline.FormatFlag:     nil,
		"importpaths":           nil,
		"lint":                  yesNo,
		"platforms":             nil,
		"push":                  yesNo,
		"repo":                  nil,
		"sbom":                  {"spdx", "none"},
		"summary":               yesNo,
		"tags":                  nil,
		"task-definition":       nil,
		"version":               nil, // action/install.sh
		whyInput:                nil,
		"working-directory":     nil,
	}
}

// parseInputs parses and judges inputs.
func parseInputs(text string) (inputs, error) {
	in := inputs{}
	if err := json.Unmarshal([]byte(text), &in); err != nil {
		return nil, fmt.Errorf("parsing %s: %w", inputsVariable, err)
	}
	known := Inputs()
	for _, f := range pipeline.HealthFlagTable() {
		known[f.Name] = nil
	}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		in[name] = strings.TrimSpace(in[name])
		values, ok := known[name]
		switch {
		case in[name] == "":
		case !ok:
			return in, fmt.Errorf("this version of kohealth has no input %q", name)
		case values != nil && !slices.Contains(values, in[name]):
			return in, fmt.Errorf("parsing input %s %q: want %s", name, in[name], strings.Join(values, " or "))
		}
	}
	return in, in.conflict()
}

// conflict refuses inputs that contradict each other.
func (in inputs) conflict() error {
	importpaths := strings.Fields(in.get("importpaths"))
	switch named := in.get("container-name") != ""; {
	case in.get(whyInput) != "" && (len(importpaths) > 0 || in.get("task-definition") != ""):
		return hint.With(errors.New("input why builds nothing: it excludes importpaths and task-definition"), "use a step of its own, with if: failure()")
	case named && in.get("task-definition") == "":
		return errors.New("input container-name needs task-definition")
	case named && len(importpaths) > 1:
		return hint.With(errors.New("input container-name is for one import path"),
			"write ko://IMPORTPATH as the images of the other containers")
	case in.get("task-definition") != "" && !named && len(importpaths) > 0:
		return hint.With(errors.New("importpaths and task-definition do not say which container gets the image"),
			"set container-name, or write ko://IMPORTPATH as the image of that container and remove importpaths")
	}
	return nil
}

func (in inputs) get(name string) string {
	if name == "working-directory" && in[name] == "" {
		return "."
	}
	return in[name]
}

// commandLine returns the command that the inputs stand for: kohealth build or, with a
// task definition, which goes to the file output, kohealth taskdef.
func (in inputs) commandLine(sbomDir, metadata, output string) ([]string, error) {
	var args []string
	flag := func(name, value string) {
		if value != "" {
			args = append(args, "--"+name+"="+value)
		}
	}
	flag("tags", tagList(in.get("tags")))
	flag("platform", joinList(in.get("platforms")))
	flag("push", in.get("push"))
	flag("lint", in.get("lint"))
	if flag("sbom", in.get("sbom")); in.get("sbom") != "none" {
		flag("sbom-dir", sbomDir)
	}
	for _, f := range pipeline.HealthFlagTable() {
		for _, value := range in.values(f) {
			flag(f.Name, value)
		}
	}
	flag(pipeline.FormatFlag, in.get(pipeline.FormatFlag))
	own, err := shellwords.Split(in.get("args"))
	if err != nil {
		return nil, fmt.Errorf("parsing input args: %w", err)
	}
	args = append(args, own...)
	flag(pipeline.MetadataFlag, metadata)

	importpaths := strings.Fields(in.get("importpaths"))
	if output == "" {
		return slices.Concat([]string{"build"}, args, []string{"--"}, importpaths), nil
	}
	flag("file", in.get("task-definition"))
	flag("output", output)
	if name := in.get("container-name"); name != "" {
		flag("container", name+"="+strings.Join(append(importpaths, ".")[:1], ""))
	}
	return append([]string{"taskdef"}, args...), nil
}

// values returns what an input says for a flag: of one that may be repeated, a value
// a line.
func (in inputs) values(f pipeline.HealthFlag) (values []string) {
	if !slices.Contains([]string{health.KeyPackages, health.KeyRepositories, health.KeyKeys, health.KeyIgnore}, f.Key) {
		return []string{in.get(f.Name)}
	}
	for line := range strings.Lines(in.get(f.Name)) {
		values = append(values, strings.TrimSpace(line))
	}
	return values
}

// environment returns the variables that the inputs stand for.
func (in inputs) environment() map[string]string {
	env := map[string]string{}
	for name, variable := range map[string]string{
		"repo":                  "KO_DOCKER_REPO",
		"base-image":            "KO_DEFAULTBASEIMAGE",
		"ecr-create-repository": pipeline.Variable("ecr-create-repository"),
	} {
		if value := in.get(name); value != "" {
			env[variable] = value
		}
	}
	return env
}

// named says which input an error of the command is about, for those who have written no
// flags and no variables.
func (in inputs) named(err error) error {
	text := err.Error()
	about := map[string]string{
		"repo": "KO_DOCKER_REPO", "base-image": "KO_DEFAULTBASEIMAGE", "tags": "cannot be a tag",
		"platforms": `"--platform" flag`, "task-definition": in.get("task-definition") + ":",
	}
	for _, f := range pipeline.HealthFlagTable() {
		about[f.Name] = `"--` + f.Name + `" flag`
	}
	for _, name := range slices.Sorted(maps.Keys(about)) {
		if in[name] != "" && strings.Contains(text+hint.Of(err), about[name]) {
			return fmt.Errorf("input %s: %w", name, err)
		}
	}
	return err
}

// tagList returns tags as the flag has them. docker/metadata-action writes each with the
// name of an image before it, which repo says here.
func tagList(s string) string {
	var tags []string
	for tag := range strings.SplitSeq(joinList(s), ",") {
		if i := strings.LastIndex(tag, ":"); i >= 0 {
			tag = tag[i+1:]
		}
		if !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	return strings.Join(tags, ",")
}

// joinList joins what commas or white space separate as flags have it.
func joinList(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }), ",")
}
