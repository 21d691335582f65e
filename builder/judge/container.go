package judge

import (
	"path"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/executable"
)

// A Container is what a check runs in. The zero value is one of which nothing is known.
type Container struct {
	Files    *Files      // nil: the image was not looked into
	Platform v1.Platform // of the image

	Env     map[string]Variable
	EnvOpen bool // there may be variables that Env does not hold

	User       string // USER[:GROUP], names or numbers; "" is root
	UserOpen   bool   // User is not known
	WorkingDir string // "" is /
	ReadOnly   bool   // the root file system cannot be written

	Mounts     []string // paths that something is mounted over
	MountsOpen bool     // there may be others
	Ports      []int    // that the app is said to listen on; none is not known

	Command  []string // what starts: entrypoint and arguments; nil is not known
	Kohealth bool     // the image has kohealth's probe
}

// A Variable is one that is set in a container.
type Variable struct {
	Value string
	Open  bool // it is set, to a value that is not known
}

// variable returns the value of one of the environment's variables. set is false if there
// is none for sure; the value of one that may be there is [Unknown].
func (c *Container) variable(name string) (value string, set bool) {
	v, ok := c.Env[name]
	switch {
	case ok && v.Open:
		return Unknown, true
	case ok:
		return v.Value, true
	case name == "PATH" && c.Files != nil:
		return executable.DefaultPath, true
	case c.EnvOpen, slices.Contains(runtimes, name), strings.HasPrefix(name, "ECS_"), strings.HasPrefix(name, "AWS_"):
		return Unknown, true
	}
	return "", false
}

// runtimes are variables that runtimes and shells set themselves.
var runtimes = []string{"PATH", "HOME", "HOSTNAME", "TERM", "PWD", "OLDPWD", "IFS", "PPID", "OPTIND", "PS1", "PS2", "PS4", "container",
	"SHLVL", "_", "SHELL", "USER", "LOGNAME", "UID", "EUID", "BASH", "BASH_VERSION", "RANDOM", "SECONDS", "LINENO", "HOSTTYPE", "OSTYPE"}

// mountOver returns the mount that a path lies in, or "".
func (c *Container) mountOver(name string) string {
	for _, dir := range c.Mounts {
		if path.IsAbs(dir) && within(name, path.Clean(dir)) {
			return dir
		}
	}
	return ""
}

func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// changing are directories where even programs come and go while a container runs.
var changing = []string{"/tmp", "/var", "/run", "/dev", "/proc", "/sys"}

// programDirs are directories that hold programs and what they need: nobody writes there
// while a container runs.
var programDirs = []string{"/bin", "/sbin", "/usr", "/lib", "/lib64", "/ko-app"}

// isSettled reports whether what the image has at a path is what the container has.
func (r *run) isSettled(name string) bool {
	if r.container.Files == nil || r.container.mountOver(name) != "" || strings.Contains(name, Unknown) {
		return false
	}
	in := func(dir string) bool { return within(name, dir) }
	return slices.ContainsFunc(programDirs, in)
}

// isChanging reports whether a file may be made at a path while the container runs, even
// a program.
func (r *run) isChanging(name string) bool {
	in := func(dir string) bool { return within(name, dir) }
	return r.container.Files == nil || r.container.mountOver(name) != "" || strings.Contains(name, Unknown) ||
		slices.ContainsFunc(changing, in)
}
