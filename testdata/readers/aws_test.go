package readers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
	"github.com/awslabs/goformation/v4"
	"github.com/google/go-cmp/cmp"
	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
	"github.com/zclconf/go-cty/cty/function"
	"github.com/zclconf/go-cty/cty/function/stdlib"
	"go.yaml.in/yaml/v3"

	"github.com/ko-health/kohealth/builder/health"
)

// definition decodes a container definition into the AWS SDK's type, which has to know
// every field.
func definition(text string) (types.ContainerDefinition, error) {
	var def types.ContainerDefinition
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	err := dec.Decode(&def)
	if err == nil && def.HealthCheck == nil {
		err = errors.New("there is no health check")
	}
	return def, err
}

func readECS(text string) (health.Config, error) {
	def, err := definition(text)
	if err != nil {
		return health.Config{}, err
	}
	hc := def.HealthCheck
	if hc.Interval == nil || hc.Timeout == nil || hc.Retries == nil || hc.StartPeriod == nil {
		return health.Config{}, errors.New("a number is missing")
	}
	seconds := func(n *int32) time.Duration { return time.Duration(*n) * time.Second }
	return health.Config{Test: hc.Command, Interval: seconds(hc.Interval), Timeout: seconds(hc.Timeout),
		StartPeriod: seconds(hc.StartPeriod), Retries: int(*hc.Retries)}, nil
}

// TestRegister registers a task definition with the AWS SDK: what it sends has to be
// what was rendered.
func TestRegister(t *testing.T) {
	text := golden(t, "words", "ecs")
	var sent struct{ ContainerDefinitions []json.RawMessage }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&sent); err != nil {
			t.Error(err)
		}
		_, _ = io.WriteString(w, "{}")
	}))
	defer srv.Close()
	def, err := definition(text)
	if err != nil {
		t.Fatal(err)
	}
	client := ecs.New(ecs.Options{Region: "eu-central-1", BaseEndpoint: &srv.URL, Credentials: aws.AnonymousCredentials{}})
	if _, err := client.RegisterTaskDefinition(context.Background(), &ecs.RegisterTaskDefinitionInput{
		Family: aws.String("app"), ContainerDefinitions: []types.ContainerDefinition{def},
	}); err != nil {
		t.Fatal(err)
	}
	var want, got struct{ HealthCheck map[string]any }
	if err := errors.Join(json.Unmarshal([]byte(text), &want), json.Unmarshal(sent.ContainerDefinitions[0], &got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want.HealthCheck) != 5 {
		t.Errorf("(-rendered +sent):\n%s", diff)
	}
}

func readCloudFormation(text string) (health.Config, error) {
	template, err := goformation.ParseYAML([]byte("AWSTemplateFormatVersion: 2010-09-09\nResources:\n  Task:\n    Type: AWS::ECS::TaskDefinition\n" +
		"    Properties:\n      ContainerDefinitions:\n      - Name: app\n" + indent(text, "        ")))
	if err != nil {
		return health.Config{}, err
	}
	task, err := template.GetECSTaskDefinitionWithName("Task")
	if err != nil {
		return health.Config{}, err
	}
	hc := task.ContainerDefinitions[0].HealthCheck
	seconds := func(n int) time.Duration { return time.Duration(n) * time.Second }
	return health.Config{Test: hc.Command, Interval: seconds(hc.Interval), Timeout: seconds(hc.Timeout),
		StartPeriod: seconds(hc.StartPeriod), Retries: hc.Retries}, nil
}

// readTerraform evaluates the attribute where it belongs, in jsonencode, and reads the
// container definition that comes out.
func readTerraform(text string) (health.Config, error) {
	file, diags := hclsyntax.ParseConfig([]byte("x = jsonencode([{\n  name = \"app\"\n"+indent(text, "  ")+"}])\n"), "main.tf", hcl.InitialPos)
	if diags.HasErrors() {
		return health.Config{}, diags
	}
	attributes, diags := file.Body.JustAttributes()
	if diags.HasErrors() {
		return health.Config{}, diags
	}
	value, diags := attributes["x"].Expr.Value(&hcl.EvalContext{
		Variables: map[string]cty.Value{"a": cty.StringVal("replaced")},
		Functions: map[string]function.Function{"jsonencode": stdlib.JSONEncodeFunc},
	})
	if diags.HasErrors() {
		return health.Config{}, diags
	}
	var definitions []json.RawMessage
	if err := json.Unmarshal([]byte(value.AsString()), &definitions); err != nil {
		return health.Config{}, err
	}
	return readECS(string(definitions[0]))
}

var copilotVariable = regexp.MustCompile(`(\\?)\$\{([_a-zA-Z][_a-zA-Z0-9]*)\}`)

// readCopilot reads a manifest in the way that Copilot documents; its module cannot be
// had.
func readCopilot(text string) (health.Config, error) {
	var manifest struct {
		Image struct {
			Healthcheck struct {
				Command     []string
				Interval    string
				Timeout     string
				Retries     int
				StartPeriod string `yaml:"start_period"`
			}
		}
	}
	dec := yaml.NewDecoder(strings.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&manifest); err != nil {
		return health.Config{}, err
	}
	hc := manifest.Image.Healthcheck
	out := health.Config{Retries: hc.Retries}
	for _, s := range hc.Command {
		for _, m := range copilotVariable.FindAllStringSubmatch(s, -1) {
			if m[1] == "" {
				return out, fmt.Errorf("environment variable %q is not defined", m[2])
			}
			s = strings.ReplaceAll(s, m[0], m[0][1:])
		}
		var list []string
		if json.Unmarshal([]byte(s), &list) == nil && len(list) > 0 {
			return out, fmt.Errorf("%q becomes a list", s)
		}
		out.Test = append(out.Test, s)
	}
	return out, durations(&out, hc.Interval, hc.Timeout, hc.StartPeriod)
}

// golden returns what a file of testdata/render holds in a format.
func golden(t *testing.T, name, format string) string {
	t.Helper()
	data, err := os.ReadFile("../render/" + name + ".txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(data), "\n-- "+format+" --\n")
	if !ok {
		t.Fatalf("%s has no %s", name, format)
	}
	text, _, _ = strings.Cut(text, "\n-- ")
	return text
}
