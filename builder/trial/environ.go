package trial

import (
	"regexp"
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/health/probeargs"
)

// environ returns the environment of the app and of its check: the image's, with more
// over it. Where the check asks for the port in $PORT, there is a free one.
func (l *Local) environ(more []string) ([]string, error) {
	env := []string{"HOME=" + l.root}
	for _, kv := range slices.Concat(slices.DeleteFunc(slices.Clone(l.config.Env), steers), more) {
		switch name, value, _ := strings.Cut(kv, "="); name {
		case "SSL_CERT_FILE", "SSL_CERT_DIR": // this machine has its certificates elsewhere
		case "PATH":
			env = append(env, "PATH="+l.pathHere(value))
		default:
			env = append(env, name+"="+l.here(value))
		}
	}
	if !wantsPort(l.test) || valueOf(env, "PORT") != "" {
		return env, nil
	}
	port, err := freePort()
	return append(env, "PORT="+port), err
}

// steers reports whether a variable of the image would have the linker or a shell of this
// machine, which the app may start, run something else than they are asked to, or lead to the user's own files. Shells
// take functions out of variables with names of their own, bash's BASH_FUNC_NAME%%.
func steers(kv string) bool {
	name, _, _ := strings.Cut(kv, "=")
	return !plainName.MatchString(name) || steering.MatchString(name)
}

var (
	plainName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	steering  = regexp.MustCompile(`^(LD_.*|DYLD_.*|BASH.*|ENV|SHELLOPTS|PS4|PROMPT_COMMAND|IFS|GCONV_PATH|GLIBC_TUNABLES|HOME)$`)
)

// wantsPort reports whether a test asks for the port that the variable PORT holds.
func wantsPort(t health.Test) (wants bool) {
	switch t.Kind {
	case health.Probe:
		_, _ = probeargs.Parse(t.Args, func(name, _ string) (string, error) {
			wants = wants || name == "PORT"
			return "1", nil
		})
	case health.Shell:
		wants = portVariable.MatchString(t.Args[0])
	}
	return wants
}

var portVariable = regexp.MustCompile(`\$(PORT\b|\{PORT\b)`)

// valueOf returns the value of a variable, the last one if there are several.
func valueOf(env []string, name string) string {
	for _, kv := range slices.Backward(env) {
		if value, ok := strings.CutPrefix(kv, name+"="); ok {
			return value
		}
	}
	return ""
}

// absolute matches, in an argument or a shell command, an absolute path and what is
// before it.
var absolute = regexp.MustCompile("(^|[\\s='\"`(<>;|&])(/[^\\s'\"`()<>;|&]*)")

// here returns a text with the paths of what was unpacked as they are on this machine.
func (l *Local) here(text string) string {
	return absolute.ReplaceAllStringFunc(text, func(match string) string {
		at := strings.Index(match, "/")
		for _, unpacked := range []string{appDir, dataDir, health.ProbePath} {
			if strings.HasPrefix(match[at:]+"/", unpacked+"/") {
				return match[:at] + l.root + match[at:]
			}
		}
		return match
	})
}

func (l *Local) pathHere(list string) string {
	dirs := strings.Split(list, ":")
	for i := range dirs {
		dirs[i] = l.here(dirs[i])
	}
	return strings.Join(dirs, ":")
}
