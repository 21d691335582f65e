package render

import (
	"fmt"
	"regexp"
	"time"

	"github.com/ko-health/kohealth/builder/hint"
)

// nomadVariable is what Nomad replaces in a check when the task runs, and cannot be
// escaped.
//
// https://developer.hashicorp.com/nomad/docs/reference/runtime-variable-interpolation
var nomadVariable = regexp.MustCompile(`\$\{[a-zA-Z0-9_\-.]+\}`)

const nomadSource = "https://developer.hashicorp.com/nomad/docs/job-specification/check"

// nomad writes a script check, which only services in Consul can have. Nomad acts on
// failures through check_restart.
func nomad(r *rendering) error {
	argv := r.run()
	if err := checkHCL(argv); err != nil {
		return err
	}
	for _, s := range argv {
		if v := nomadVariable.FindString(s); v != "" {
			return hint.With(fmt.Errorf("%s in %q would be replaced by Nomad", v, s), "write "+`$`+v[2:len(v)-1]+" without braces, or with a default as in ${PORT:-8080}")
		}
	}
	var problems []string
	for _, n := range []number{{"interval", r.interval}, {"timeout", r.timeout}} {
		if n.value < time.Second {
			problems = append(problems, fmt.Sprintf("%s %s (at least 1s)", n.key, duration(n.value)))
		}
	}
	if err := refuse("Nomad", problems, nomadSource); err != nil {
		return err
	}
	r.dropStartInterval("Nomad")
	r.printf(`# For a service of the task, with provider = "consul". In a service of the group, add task.
check {
  name     = "health"
  type     = "script"
  command  = %s
  args     = %s
  interval = %s
  timeout  = %s

  check_restart {
    limit = %d
    grace = %s
  }
}
`, hclString(argv[0]), quotedList(argv[1:], hclString, ", "), hclString(duration(r.interval)), hclString(duration(r.timeout)),
		r.retries, hclString(duration(r.startPeriod)))
	return nil
}
