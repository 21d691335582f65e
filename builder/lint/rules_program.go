package lint

import (
	"fmt"
	"path"
	"strings"

	"github.com/ko-health/kohealth/builder/source"
)

// programRules hold a command against what is in the image.
func programRules() []Rule {
	return []Rule{
		{"no-shell", Error, "The command runs in /bin/sh, which is not in the image, so every check fails and nothing is logged.", srcMoby, noShell},
		{"no-program", Error, "A program that the command starts is not in the image.", srcExec, noProgram},
		{"not-executable", Error, "A program that the command starts is not an executable file.", srcExec, notExecutable},
		{"user-cannot-execute", Error, "The check runs as the container's user, who may not execute the program.", srcMoby, userCannotExecute},
		{"wrong-architecture", Error, "The image, or a program that the command starts, is for another processor than it will run on.", srcECSTask, wrongArchitecture},
		{"missing-library", Error, "A program's loader, library or interpreter is not in the image; starting it says only: no such file or directory.", srcLoader, missingLibrary},
		{"hidden-by-mount", Error, "A volume is mounted over the program that the command starts.", srcECSDef, hiddenByMount},
	}
}

func noShell(c *container) []problem {
	if c.Shell == nil || c.Shell.Path != "" {
		return nil
	}
	return at(c.Shell.Pos, c.useProbe(), "CMD-SHELL needs /bin/sh, which is not in the image: the check never runs")
}

func noProgram(c *container) (found []problem) {
	for _, p := range c.Programs {
		if p.Path != "" || p.Spare || isOneString(c) || c.mountOver(p.Name) != nil {
			continue
		}
		where := "in the image"
		if !strings.Contains(p.Name, "/") {
			where = "in the image's PATH"
		}
		found = append(found, at(p.Pos, c.useProbe(), "%s is not %s", p.Name, where)...)
	}
	return found
}

func notExecutable(c *container) (found []problem) {
	for _, p := range c.Programs {
		if p.Path != "" && !p.Executable {
			found = append(found, at(p.Pos, "chmod 755 "+p.Path, "%s is not an executable file", p.Path)...)
		}
	}
	return found
}

func userCannotExecute(c *container) (found []problem) {
	for _, p := range c.Programs {
		if p.Blocked != "" {
			found = append(found, at(p.Pos, "chmod o+x "+p.Blocked, "user %s may not execute %s", p.User, p.Blocked)...)
		}
	}
	return found
}

func wrongArchitecture(c *container) (found []problem) {
	if c.Image == nil || c.Image.Platform.OS != "linux" {
		return nil
	}
	arch, want := c.Image.Platform.Architecture, c.Platform.Architecture
	if c.Runtime == onECS && !c.platformUnsure && arch != want {
		return at(c.ImageRef.At(), c.architectureFix(), "the image is for %s, and the task runs on %s", arch, want)
	}
	if c.Own != nil && arch != c.Own.Architecture {
		return at(c.ImageRef.At(), c.write("platform", c.Image.Platform.OS+"/"+arch), "the image is for %s, and the service is for %s", arch, c.Own.Architecture)
	}
	for _, p := range c.Programs {
		if p.Arch != "" && p.Arch != arch && !(p.Arch == "386" && arch == "amd64") {
			found = append(found, at(p.Pos, c.useProbe(), "%s is for %s, and the image is for %s: exec format error", p.Name, p.Arch, arch)...)
		}
	}
	return found
}

func (c *container) architectureFix() string {
	ecs := map[string]string{"amd64": "X86_64", "arm64": "ARM64"}[c.Image.Platform.Architecture]
	if ecs == "" {
		return ""
	}
	return c.Style.key("runtimePlatform") + ": {" + c.write("operatingSystemFamily", "LINUX") + ", " + c.write("cpuArchitecture", ecs) + "}"
}

func missingLibrary(c *container) (found []problem) {
	for _, p := range append([]*program{c.Shell}, c.Programs...) {
		if p != nil && p.Missing != "" && !p.Spare {
			found = append(found, at(p.Pos, c.useProbe(), "%s needs %s, which is not in the image", p.Path, p.Missing)...)
		}
	}
	return found
}

func hiddenByMount(c *container) (found []problem) {
	for _, p := range c.Programs {
		if p.Path == "" {
			continue
		}
		if m := c.mountOver(p.Path); m != nil {
			found = append(found, at(m.At(), fmt.Sprintf("mount it elsewhere than over %s", path.Dir(p.Path)), "what is mounted at %s hides %s", m.Text, p.Path)...)
		}
	}
	return found
}

// mountOver returns the mount that name lies in, or nil.
func (c *container) mountOver(name string) *source.Node {
	for _, m := range c.Mounts {
		dir, ok := m.Str()
		if ok && path.IsAbs(dir) && (path.Clean(dir) == name || strings.HasPrefix(name, strings.TrimSuffix(path.Clean(dir), "/")+"/")) {
			return m
		}
	}
	return nil
}
