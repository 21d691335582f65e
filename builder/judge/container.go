package judge

import (
	"maps"
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
	Volumes    []string // paths of the image that can be written, whatever ReadOnly says
	MountsOpen bool     // there may be others
	Added      []string // paths at and below which there may be more than Files hold, or something else
	Dirs       []string // directories that are there, whatever Files hold; WorkingDir and Volumes are in any case

	// Lacks reports whether a program that Files do not hold is not there, whatever Added
	// says. Nil: that is not known.
	Lacks func(program string) bool

	Ports []int // that the app is said to listen on; none is not known

	Command  []string // what starts: entrypoint and arguments; nil is not known
	Kohealth bool     // the image has kohealth's probe
}

// OfImage returns the container that an image makes by itself, without its files. Who runs
// it, with which other variables and mounts, is not known.
func OfImage(file *v1.ConfigFile) Container {
	c := Container{
		Platform:   v1.Platform{OS: file.OS, Architecture: file.Architecture, Variant: file.Variant},
		Env:        map[string]Variable{},
		EnvOpen:    true,
		MountsOpen: true,
		User:       file.Config.User,
		WorkingDir: file.Config.WorkingDir,
		Volumes:    slices.Sorted(maps.Keys(file.Config.Volumes)),
		Command:    slices.Concat(file.Config.Entrypoint, file.Config.Cmd),
	}
	for _, kv := range file.Config.Env {
		name, value, _ := strings.Cut(kv, "=")
		c.Env[name] = Variable{Value: value}
	}
	return c
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

// runtimes are variables that runtimes set themselves. A terminal has TERM.
var runtimes = []string{"PATH", "HOME", "HOSTNAME", "TERM", "container"}

// shellsOwn are variables that every shell sets itself, and bashsOwn those of bash; BusyBox
// has some of them.
var (
	shellsOwn = []string{"PWD", "OLDPWD", "IFS", "PPID", "OPTIND", "PS1", "PS2", "PS4", "LINENO", "OPTARG"}
	bashsOwn  = []string{"UID", "EUID", "BASH", "BASH_VERSION", "BASHPID", "BASHOPTS", "SHELLOPTS", "RANDOM", "SECONDS", "HOSTTYPE", "OSTYPE", "MACHTYPE",
		"SHLVL", "_", "SHELL", "HISTCMD", "DIRSTACK", "GROUPS", "PIPESTATUS", "FUNCNAME", "EPOCHSECONDS", "EPOCHREALTIME", "SRANDOM",
		"REPLY", "MAPFILE", "COPROC", "BASH_REMATCH"}
	ashsOwn = []string{"REPLY", "RANDOM", "SHLVL", "EPOCHSECONDS", "EPOCHREALTIME"}
)

// sets reports whether a shell sets a variable itself.
func (d dialect) sets(name string) bool {
	switch {
	case slices.Contains(shellsOwn, name):
		return true
	case d == ash:
		return slices.Contains(ashsOwn, name)
	case d == dash:
		return false
	}
	return slices.Contains(bashsOwn, name)
}

// mountOver returns the mount that a path lies in, or "".
func (c *Container) mountOver(name string) string {
	for _, dir := range c.Mounts {
		if path.IsAbs(dir) && within(name, path.Clean(dir)) {
			return dir
		}
	}
	return ""
}

// isAdded reports whether there may be something at a path that Files do not tell. What is
// added brings the directories above it. /bin and the like may be links into /usr.
func (c *Container) isAdded(name string) bool {
	return slices.ContainsFunc(c.Added, func(added string) bool {
		return within(name, added) || within(added, name) || within(strings.TrimPrefix(name, "/usr"), strings.TrimPrefix(added, "/usr"))
	})
}

// isMade reports whether a path is a directory that Files need not hold, or lies above
// one: who runs a container makes its working directory and its volumes.
func (c *Container) isMade(name string) bool {
	for _, dir := range slices.Concat(c.Dirs, c.Volumes, []string{c.WorkingDir}) {
		if path.IsAbs(dir) && within(path.Clean(dir), name) {
			return true
		}
	}
	return false
}

func within(name, dir string) bool {
	return name == dir || strings.HasPrefix(name, strings.TrimSuffix(dir, "/")+"/")
}

// changing are directories where even programs come and go while a container runs.
var changing = []string{"/tmp", "/var", "/run", "/dev", "/proc", "/sys"}

// programDirs are directories that hold programs and what they need: nobody writes there
// while a container runs.
var programDirs = []string{"/bin", "/sbin", "/usr", "/lib", "/lib64", "/ko-app"}

// imageDirs are directories whose files are hardly made while a container runs.
var imageDirs = []string{"/opt", "/etc", "/home", "/root", "/srv"}

// kernels are directories of the kernel's.
var kernels = []string{"/dev", "/proc", "/sys"}

// madeByRuntimes are files that runtimes put into every container.
var madeByRuntimes = []string{"/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/mtab", "/.dockerenv", "/run/.containerenv"}

func withinAny(name string, dirs []string) bool {
	return slices.ContainsFunc(dirs, func(dir string) bool { return within(name, path.Clean(dir)) })
}

// isSettled reports whether what the image has at a path is what the container has.
func (r *run) isSettled(name string) bool {
	if r.container.Files == nil || r.container.mountOver(name) != "" || r.container.isAdded(name) || strings.Contains(name, Unknown) {
		return false
	}
	return withinAny(name, programDirs)
}

// isChanging reports whether a file may be made at a path while the container runs, even
// a program.
func (r *run) isChanging(name string) bool {
	return r.container.Files == nil || r.container.mountOver(name) != "" || r.container.isAdded(name) || strings.Contains(name, Unknown) || withinAny(name, changing)
}
