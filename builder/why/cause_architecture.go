package why

import (
	"fmt"
	"regexp"
)

var execFormatPattern = regexp.MustCompile(`(?i)exec format error`)

func architecture() Cause {
	return Cause{
		ID: "architecture", Doc: "The image is for another processor than the machine has: nothing in it starts, or it runs slowly under an emulator.",
		Signs: []Sign{
			{anywhere, "`exec format error` in the log, in the reason why the container ended, or in what the check writes"},
			{onDocker, "the image's architecture is not the engine's; under QEMU the app runs, and checks time out"},
		},
		Sure: "Certain where `exec format error` stands; likely where the architectures differ and checks fail.",
		Do:   "build the image for the machine: kohealth build --platform=linux/amd64,linux/arm64, or set the task's runtimePlatform",
		find: func(c *Container) *Diagnosis {
			differs := c.Arch != "" && c.HostArch != "" && c.Arch != c.HostArch
			what := "what starts is for another processor than the machine has"
			if differs {
				what = fmt.Sprintf("the image is for %s, and the machine is %s", c.Arch, c.HostArch)
			}
			says := c.platformSays(execFormatPattern) != nil || c.appSays(execFormatPattern) != nil || c.checkSays(execFormatPattern) != nil
			switch {
			case says:
				return &Diagnosis{Certainty: Certain, Verdict: what + ": exec format error", rules: []string{"wrong-architecture"}}
			case differs && c.isDown() && c.exitCode() != 0:
				return &Diagnosis{Certainty: Likely, Verdict: what}
			case differs && c.failing() && c.failures()[0].isTimeout():
				return &Diagnosis{Certainty: Likely, Verdict: what + ": it runs under an emulator, which is too slow for the check's timeout"}
			}
			return nil
		},
	}
}

func (c *Container) exitCode() int {
	end, _ := c.exited()
	return end.ExitCode
}
