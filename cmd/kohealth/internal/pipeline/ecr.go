package pipeline

import (
	"fmt"
	"log"
	"os"
	"strconv"
	"strings"

	"github.com/google/ko/pkg/commands/options"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/ecr"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/limits"
	"github.com/ko-health/kohealth/cmd/kohealth/internal/files"
)

// EcrFlag is the flag that has missing repositories created. Its variable is
// KOHEALTH_ECR_CREATE_REPOSITORY, and in .ko.yaml, where ko passes over it:
//
//	ecr:
//	  create_repository: true
const EcrFlag = "ecr-create-repository"

const (
	ecrSection = "ecr"
	ecrKey     = "create_repository"
)

// ecrFlags are the flags for Amazon ECR.
type ecrFlags struct {
	set    *pflag.FlagSet
	create bool
}

// AddECRFlags adds the flags for Amazon ECR to a set.
func AddECRFlags(set *pflag.FlagSet) *ecrFlags {
	f := &ecrFlags{set: set}
	set.BoolVar(&f.create, EcrFlag, false, "create the repository in Amazon ECR if it is missing")
	return f
}

// options says how ECR is used: the flag over the variable over the .ko.yaml in dir.
func (f *ecrFlags) options(dir string) (o ecr.Options, err error) {
	o.Logf = log.Printf
	value := os.Getenv(Variable(EcrFlag))
	switch {
	case f.set.Changed(EcrFlag):
		o.Create = f.create
	case value != "":
		if o.Create, err = strconv.ParseBool(value); err != nil {
			return o, fmt.Errorf("reading %s: parsing %q: want true or false", Variable(EcrFlag), value)
		}
	default:
		o.Create, err = ecrCreates(files.ConfigFile(dir))
	}
	return o, err
}

// ecrCreates tells what a .ko.yaml says; path is "" if there is none.
func ecrCreates(path string) (create bool, err error) {
	if path == "" {
		return false, nil
	}
	data, err := limits.Document.ReadFile(path)
	if err != nil {
		return false, fmt.Errorf("reading configuration: %w", err)
	}
	if !health.IsYAML(path) {
		return false, nil // kohealth's own keys are in YAML or JSON
	}
	var file map[string]yaml.Node
	if err := yaml.Unmarshal(data, &file); err != nil {
		return false, fmt.Errorf("parsing %q: %w", path, err)
	}
	for name, section := range file {
		if !strings.EqualFold(name, ecrSection) {
			continue
		}
		if create, err = readECR(section); err != nil {
			return false, fmt.Errorf("%s:%d: %w", path, section.Line, err)
		}
	}
	return create, nil
}

func readECR(section yaml.Node) (create bool, err error) {
	var keys map[string]yaml.Node
	if err := section.Decode(&keys); err != nil {
		return false, hint.With(fmt.Errorf("parsing %s: want keys and values", ecrSection), "the key is "+ecrKey)
	}
	for key, value := range keys {
		if key != ecrKey {
			return false, hint.With(fmt.Errorf("unknown key %q in %s", key, ecrSection), "the key is "+ecrKey)
		}
		if value.Tag != "!!bool" {
			return false, fmt.Errorf("parsing %s %q: want true or false", key, value.Value)
		}
		if err := value.Decode(&create); err != nil {
			return false, fmt.Errorf("parsing %s: %w", key, err)
		}
	}
	return create, nil
}

// inECR reports whether images are pushed to ECR.
func inECR(po *options.PublishOptions) bool {
	registry, _, _ := strings.Cut(po.DockerRepo, "/")
	return po.Push && !po.Local && ecr.Is(registry)
}
