package readers

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2/hclsimple"
	"github.com/hashicorp/nomad/api"

	"github.com/ko-health/kohealth/builder/health"
)

// nomadFile is a file with a check. The parser of jobs cannot be had, so its keys are
// held against the API's in TestNomadKeys.
type nomadFile struct {
	Check nomadCheck `hcl:"check,block"`
}

type nomadCheck struct {
	Name     string       `hcl:"name"`
	Type     string       `hcl:"type"`
	Command  string       `hcl:"command"`
	Args     []string     `hcl:"args"`
	Interval string       `hcl:"interval"`
	Timeout  string       `hcl:"timeout"`
	Restart  nomadRestart `hcl:"check_restart,block"`
}

type nomadRestart struct {
	Limit int    `hcl:"limit"`
	Grace string `hcl:"grace"`
}

func readNomad(text string) (health.Config, error) {
	var file nomadFile
	if err := hclsimple.Decode("job.hcl", []byte(text), nil, &file); err != nil {
		return health.Config{}, err
	}
	c := file.Check
	if c.Type != "script" {
		return health.Config{}, fmt.Errorf("type %q", c.Type)
	}
	out := health.Config{Test: append([]string{"CMD", c.Command}, c.Args...), Retries: c.Restart.Limit}
	return out, durations(&out, c.Interval, c.Timeout, c.Restart.Grace)
}

// TestNomadKeys checks that Nomad's API has every key that is read here.
func TestNomadKeys(t *testing.T) {
	checkKeys(t, reflect.TypeFor[nomadCheck](), reflect.TypeFor[api.ServiceCheck]())
	checkKeys(t, reflect.TypeFor[nomadRestart](), reflect.TypeFor[api.CheckRestart]())
}

func checkKeys(t *testing.T, ours, theirs reflect.Type) {
	keys := func(typ reflect.Type) (keys []string) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			key, _, _ := strings.Cut(f.Tag.Get("hcl"), ",")
			if key == "" {
				key = strings.ToLower(f.Name)
			}
			keys = append(keys, key)
		}
		return keys
	}
	known := keys(theirs)
	for _, key := range keys(ours) {
		if !slices.Contains(known, key) {
			t.Errorf("%s has no %q among %q", theirs, key, known)
		}
	}
}
