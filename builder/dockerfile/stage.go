package dockerfile

import (
	"maps"
	"path"
	"regexp"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/quote"
)

// A State is what has become of a stage at its end.
type State struct {
	Check   *Check // the last that it says, in the stage or in one that it begins with; nil is the image's
	Env     map[string]string
	EnvOpen bool // there may be variables that Env does not hold: those of the image
	User    *Word
	Dir     string // "" is not known, or /
	Ports   []string
	Entry   []string // nil is the image's
	Command []string // nil is the image's, or none where Entry is set

	// Dirs are directories that WORKDIR and VOLUME make.
	Dirs []string

	Windows bool // the stage is one of Windows', as far as the file tells

	// Added are paths at and below which the stage puts what is not known.
	Added []string
	// Runs are the scripts of RUN, in order. One that is not known is [Unknown].
	Runs []string
}

// A Base is what a stage begins with, apart from files.
type Base struct {
	Env []string // NAME=VALUE
	Dir string
}

// Evaluate follows a stage from the image that it begins with, of which nil means that it
// is not known.
func (f *File) Evaluate(s *Stage, base *Base) *State {
	e := &evaluation{file: f, known: base != nil, state: &State{Env: map[string]string{}, EnvOpen: base == nil}}
	if base != nil {
		e.state.Dir = base.Dir
		for _, kv := range base.Env {
			name, value, _ := strings.Cut(kv, "=")
			e.state.Env[name] = value
		}
	}
	e.stage(s)
	e.state.Windows = e.isWindows(s)
	return e.state
}

// namesWindows matches images of Windows', and of what runs there only.
var namesWindows = regexp.MustCompile(`(?i)windows|nanoserver|servercore|/dotnet/framework/`)

// isWindows reports whether a stage is one of Windows': by its platform, or else by its
// image, its shell, or an escape character that leaves paths their backslashes.
func (e *evaluation) isWindows(s *Stage) bool {
	if os, _, _ := strings.Cut(s.Platform(), "/"); os == "linux" || os == "windows" {
		return os == "windows"
	}
	return namesWindows.MatchString(s.Image()) || e.file.escape == '`' || e.shell != nil && isWindowsShell(e.shell)
}

// isWindowsShell reports whether a shell is there on Windows only, unlike pwsh.
func isWindowsShell(shell []string) bool {
	name := strings.ToLower(path.Base(strings.ReplaceAll(shell[0], `\`, "/")))
	name = strings.TrimSuffix(name, ".exe")
	return name == "cmd" || name == "powershell"
}

// An evaluation is one call of Evaluate.
type evaluation struct {
	file  *File
	state *State
	args  map[string]string // of the stage
	shell []string
	known bool // what the image has is known
}

func (e *evaluation) stage(s *Stage) {
	if s.parent != nil {
		e.stage(s.parent)
	}
	e.args = map[string]string{}
	for _, step := range s.steps {
		e.step(step)
	}
}

func (e *evaluation) step(step any) {
	switch step := step.(type) {
	case *Check:
		e.state.Check = step
	case *instructions.EnvCommand:
		set := map[string]string{}
		for _, kv := range step.Env { // those of one instruction do not see each other
			set[e.expand(kv.Key)] = e.expand(kv.Value)
		}
		maps.Copy(e.state.Env, set)
	case *instructions.ArgCommand:
		e.arguments(step)
	case *instructions.WorkdirCommand:
		e.state.Dir = e.absolute(e.expand(step.Path))
		e.state.Dirs = append(e.state.Dirs, e.state.Dir)
	case *instructions.VolumeCommand:
		for _, volume := range step.Volumes {
			e.state.Dirs = append(e.state.Dirs, e.absolute(e.expand(volume)))
		}
	case *instructions.UserCommand:
		e.state.User = &Word{e.expand(step.User), doctree.Pos{}}
		if loc := step.Location(); len(loc) > 0 {
			e.state.User.Pos = doctree.Pos{Line: loc[0].Start.Line, Column: 1}
		}
	case *instructions.ExposeCommand:
		for _, port := range step.Ports {
			e.state.Ports = append(e.state.Ports, strings.Fields(e.expand(port))...)
		}
	case *instructions.ShellCommand:
		e.shell = step.Shell
	case *instructions.EntrypointCommand:
		e.state.Entry, e.state.Command = e.started(step.ShellDependantCmdLine), []string{}
	case *instructions.CmdCommand:
		e.state.Command = e.started(step.ShellDependantCmdLine)
	case *instructions.CopyCommand:
		e.add(step.DestPath)
	case *instructions.AddCommand:
		e.add(step.DestPath)
	case *instructions.RunCommand:
		e.run(step)
	}
}

// expand replaces the variables in a word. Build arguments count behind the environment.
func (e *evaluation) expand(word string) string {
	values := maps.Clone(e.args)
	maps.Copy(values, e.state.Env)
	text, err := e.file.expand(word, values, !e.known)
	if err != nil {
		return Unknown // ${NAME:?} and the like
	}
	return text
}

// arguments sets build arguments of the stage: to their defaults, or to those before the
// first stage.
func (e *evaluation) arguments(arg *instructions.ArgCommand) {
	for _, kv := range arg.Args {
		global, ok := e.file.args[kv.Key]
		switch {
		case kv.Value != nil:
			e.args[kv.Key] = e.expand(*kv.Value)
		case ok:
			e.args[kv.Key] = global
		default:
			e.args[kv.Key] = Unknown
		}
	}
}

// absolute returns a path from the root, or [Unknown].
func (e *evaluation) absolute(name string) string {
	switch {
	case path.IsAbs(name):
		return path.Clean(name)
	case strings.Contains(name, Unknown), e.state.Dir == "" && !e.known, strings.Contains(e.state.Dir, Unknown):
		return Unknown
	}
	return path.Join("/", e.state.Dir, name)
}

// add notes that something comes to a path.
func (e *evaluation) add(dest string) {
	name := e.absolute(e.expand(dest))
	if i := strings.Index(name, Unknown); i >= 0 {
		name = path.Dir("/" + strings.TrimPrefix(name[:i], "/"))
	}
	e.state.Added = append(e.state.Added, name)
}

// run notes a script. Without its shell, a command in a list is one, too.
func (e *evaluation) run(c *instructions.RunCommand) {
	script := strings.Join(c.CmdLine, " ")
	if !c.PrependShell && len(c.Files) == 0 {
		script = quote.ShellWords(c.CmdLine)
	}
	for _, file := range c.Files {
		script += "\n" + file.Data
	}
	if e.shell != nil && !isPOSIX(e.shell) {
		script = Unknown
	}
	e.state.Runs = append(e.state.Runs, script)
}

func isPOSIX(shell []string) bool {
	switch path.Base(shell[0]) {
	case "sh", "bash", "ash", "dash", "ksh":
		return true
	}
	return false
}

// started returns what a command line starts: with a shell where it is one of a shell's.
func (e *evaluation) started(c instructions.ShellDependantCmdLine) []string {
	if !c.PrependShell {
		return append([]string{}, c.CmdLine...)
	}
	shell := e.shell
	if shell == nil {
		shell = []string{"/bin/sh", "-c"}
	}
	return append(append([]string{}, shell...), strings.Join(c.CmdLine, " "))
}
