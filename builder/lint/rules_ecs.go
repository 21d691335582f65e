package lint

import (
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/judge"
)

// ecsRules compare a task definition with the image and with itself.
func ecsRules() []Rule {
	return []Rule{
		{"ecs-ignores-image", Error, "ECS ignores the HEALTHCHECK of an image and looks only at the task definition's healthCheck.", srcECS, ecsIgnoresImage, onlyOn(onECS)},
		{"command-string", Error, "ECS takes a command as a list only.", srcECS, commandString, onlyOn(onECS)},
		{"command-differs", Warning, "The check in the file replaces the image's, which is another one.", srcECS, commandDiffers, onlyOn(onCompose, onECS, onRun)},
		{"timings-differ", Info, "The file's numbers, defaults included, are not those of the image.", srcECS, timingsDiffer, onlyOn(onECS)},
		{"check-overridden", Info, "The file switches a check on or off that the image switches the other way.", srcImage, checkOverridden, onlyOn(onCompose, onECS, onRun)},
		{"start-interval-on-ecs", Info, "The image has a start interval, and Fargate has none: it checks less often while the app starts.", srcECS, startIntervalOnECS, onlyOn(onECS)},
		{"start-period-leak", Info, "Docker takes from the image what the task definition leaves out, so on EC2 the image's start period may hold.", srcMoby, startPeriodLeak, onlyOn(onECS)},
		{"shared-pid-log", Warning, "With a shared PID namespace, /proc/1/fd/1 is another container's log.", srcECSTask, sharedPIDLog, onlyOn(onECS)},
		{"classic-load-balancer", Warning, "Container health checks do not work for services behind a Classic Load Balancer.", srcECSDoc, classicLB, onlyOn(onECS)},
		{"no-memory", Error, "Neither the task nor the container has a memory size: ECS refuses the task definition.", srcECSDef, noMemory, onlyOn(onECS)},
		{"small-memory", Warning, "The check runs within the container's memory: in a small one, a shell with curl can get it killed.", srcECSDef, smallMemory, onlyOn(onECS)},
	}
}

func commandString(c *container) []problem {
	if c.Runtime != onECS || c.PlainPos == (doctree.Pos{}) {
		return nil
	}
	test := unpaste(&check{Test: []arg{{Text: c.Plain}}})
	if len(test) > 0 && test[0] != "CMD" && test[0] != "CMD-SHELL" {
		test = []string{"CMD-SHELL", c.Plain}
		if words, ok := judge.Words(c.Plain); ok {
			test = append([]string{"CMD"}, words...)
		}
	}
	return at(c.PlainPos, c.write("command", test), "the command is a string, and ECS takes a list")
}

func (c *container) hasCheck() bool { return c.runs() || c.Unclear }

func ecsIgnoresImage(c *container) []problem {
	if c.Runtime != onECS || c.Check != nil || c.Unclear || c.Image == nil || !c.Image.runs() {
		return nil
	}
	image := *c
	image.Check = imageCheck(c.Image.Check, nil, c.Pos)
	return at(c.Pos, c.ifImagePasses(image.whole(c.Image.ecsTest()...)), "the image has a HEALTHCHECK, which ECS ignores: there is no check")
}

func (i *image) runs() bool { return i.Check != nil && i.Check.Test[0] != "NONE" }

// ecsTest returns the image's test for a task definition. The probe finds its
// arguments in the image.
func (i *image) ecsTest() []string {
	if probe := health.ProbePathOn(i.Platform.OS); i.Kohealth && len(i.Check.Test) > 1 && i.Check.Test[1] == probe {
		return []string{"CMD", probe}
	}
	return i.Check.Test
}

func commandDiffers(c *container) []problem {
	if !c.runs() || c.Check.OfImage || c.Image == nil || !c.Image.runs() || c.Runtime == onDocker {
		return nil
	}
	var test []string
	for _, a := range c.Check.Test {
		if a.Open {
			return nil
		}
		test = append(test, a.Text)
	}
	for _, same := range [][]string{test, withoutPorts(test)} {
		if slices.Equal(same, c.Image.Check.Test) || slices.Equal(same, c.Image.ecsTest()) {
			return nil
		}
	}
	return at(c.Check.at(0), c.ifImagePasses(c.write("command", c.Image.ecsTest())), "the image's own check is %s", encode(c.Image.Check.Test))
}

// withoutPorts returns a check with plain auto in the place of auto with ports, which
// kohealth taskdef puts there.
func withoutPorts(test []string) []string {
	plain := slices.Clone(test)
	if last := len(plain) - 1; last >= 0 && strings.HasPrefix(plain[last], health.DefaultTest+":") {
		plain[last] = health.DefaultTest
	}
	return plain
}

func timingsDiffer(c *container) []problem {
	if c.Runtime != onECS || !c.runs() || c.Image == nil || !c.Image.runs() {
		return nil
	}
	image := &container{group: &group{Runtime: onDocker}, Check: imageCheck(c.Image.Check, nil, c.Pos)}
	own, other := c.timings(), image.timings()
	if own == other {
		return nil
	}
	fixed := *c
	fixed.Check = image.Check
	return at(c.Check.Pos, c.ifImagePasses(fixed.whole(c.Image.ecsTest()...)), "interval, timeout, start period and retries are %s here and %s in the image", own, other)
}

// String lists the numbers: 30s, 5s, 0s, 3.
func (t timings) String() string {
	return strings.Join([]string{t.interval.String(), t.timeout.String(), t.startPeriod.String(), encode(t.retries)}, ", ")
}

func checkOverridden(c *container) []problem {
	if c.Runtime == onDocker || c.Check == nil || c.Image == nil || c.Image.Check == nil || c.Check.OfImage {
		return nil
	}
	switch {
	case !c.Image.runs() && c.runs():
		return at(c.Check.Pos, "", "the image switches its check off, and the file switches one on")
	case c.Image.runs() && c.Check.form() == "NONE":
		return at(c.Check.Pos, "", "the image has a check, which the file switches off")
	}
	return nil
}

func startIntervalOnECS(c *container) []problem {
	if c.Runtime != onECS || !c.Fargate && c.EC2 || !c.runs() || c.Image == nil || c.Image.Check == nil || c.Image.Check.StartInterval == 0 {
		return nil // on EC2, Docker takes it from the image
	}
	return at(c.Check.Pos, "", "the image's start interval of %s does not hold on Fargate", c.Image.Check.StartInterval)
}

func startPeriodLeak(c *container) []problem {
	fargateOnly := c.Fargate && !c.EC2
	if c.Runtime != onECS || fargateOnly || !c.runs() || c.Check.StartPeriod.Given || c.Image == nil || c.Image.Check == nil || c.Image.Check.StartPeriod == 0 {
		return nil
	}
	return at(c.Check.Pos, c.write("startPeriod", c.Image.Check.StartPeriod), "the image's start period of %s may hold on EC2", c.Image.Check.StartPeriod)
}

func sharedPIDLog(c *container) []problem {
	mode, _ := c.SharedPID.Str()
	if c.Check == nil || mode != "task" && mode != "host" {
		return nil
	}
	for _, a := range c.Check.Test {
		if strings.Contains(a.Text, "/proc/1/fd/") {
			return at(a.Pos, "", "with pidMode %s, process 1 is another container's", mode)
		}
	}
	return nil
}

func classicLB(c *container) []problem {
	if c.ClassicLB == nil || !c.hasCheck() {
		return nil
	}
	return at(c.ClassicLB.Pos, "", "the check of container %q does not count behind a Classic Load Balancer", c.Name)
}

func noMemory(c *container) []problem {
	if c.Runtime != onECS || c.TaskMemory || c.Memory > 0 || c.Reservation {
		return nil
	}
	return at(c.Pos, c.write("memory", 512), "neither the container nor the task has memory: ECS refuses the task definition")
}

// smallMiB is too little for BusyBox's shell, curl and its libraries beside an app that
// is not small itself.
const smallMiB = 32

func smallMemory(c *container) []problem {
	if c.Runtime != onECS || !c.runs() || c.Memory == 0 || c.Memory > smallMiB || c.Check.form() != "CMD-SHELL" {
		return nil
	}
	return at(c.Pos, c.write("memory", 2*smallMiB), "the check's shell and programs share %d MiB with the app", c.Memory)
}
