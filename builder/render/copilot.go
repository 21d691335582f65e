package render

import (
	"fmt"
	"regexp"
	"time"
)

// copilotVariable is what Copilot replaces in any string of a manifest. A backslash
// before it is taken away.
//
// https://aws.github.io/copilot-cli/docs/developing/manifest-env-var/
var copilotVariable = regexp.MustCompile(`(\\?)\$\{[_a-zA-Z][_a-zA-Z0-9]*\}`)

// copilot writes the healthcheck of a manifest's image.
//
// https://aws.github.io/copilot-cli/docs/manifest/backend-service/#image-healthcheck
func copilot(r *rendering) error {
	hc, err := r.ecs()
	if err != nil {
		return err
	}
	var manifest struct {
		Image struct {
			Healthcheck struct {
				Command     words
				Interval    string
				Timeout     string
				Retries     int
				StartPeriod string `yaml:"start_period"`
			}
		}
	}
	out := &manifest.Image.Healthcheck
	for _, s := range hc.Command {
		escaped, err := copilotString(s)
		if err != nil {
			return err
		}
		out.Command = append(out.Command, escaped)
	}
	seconds := func(n int) string { return duration(time.Duration(n) * time.Second) }
	out.Interval, out.Timeout, out.Retries, out.StartPeriod = seconds(hc.Interval), seconds(hc.Timeout), hc.Retries, seconds(hc.StartPeriod)
	return r.yaml(manifest)
}

func copilotString(s string) (string, error) {
	if isJSONList(s) {
		return "", fmt.Errorf("%q would become a list in Copilot", s)
	}
	for _, m := range copilotVariable.FindAllStringSubmatch(s, -1) {
		if m[1] != "" { // where the variable occurs twice, Copilot takes two backslashes away
			return "", fmt.Errorf("%q would lose its backslash in Copilot", m[0])
		}
	}
	return copilotVariable.ReplaceAllStringFunc(s, func(v string) string { return `\` + v }), nil
}
