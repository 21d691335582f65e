package lint

import (
	"strconv"
	"time"

	"github.com/ko-health/kohealth/builder/health"
)

// timingRules judge a check's numbers.
func timingRules() []Rule {
	ecs := health.ECS()
	return []Rule{
		{"ecs-interval", Error, "ECS takes an interval of 5 to 300 whole seconds.", srcECS, ecsRange("interval", ecs.Interval, func(c *check) duration { return c.Interval }), onlyOn(onECS)},
		{"ecs-timeout", Error, "ECS takes a timeout of 2 to 60 whole seconds; CDK lets 120 pass.", srcECS, ecsRange("timeout", ecs.Timeout, func(c *check) duration { return c.Timeout }), onlyOn(onECS)},
		{"ecs-retries", Error, "ECS takes 1 to 10 retries.", srcECS, ecsRetries, onlyOn(onECS)},
		{"ecs-start-period", Error, "ECS takes a start period of 0 to 300 whole seconds.", srcECS, ecsRange("startPeriod", ecs.StartPeriod, func(c *check) duration { return c.StartPeriod }), onlyOn(onECS)},
		{"timeout-above-interval", Warning, "A timeout longer than the interval makes ECS find out later than it is meant to that a check hangs; CDK refuses it.", srcECS, timeoutAboveInterval, onlyOn(onECS)},
		{"no-start-period", Warning, "Without a start period, ECS restarts an app for ever that is slower to start than interval × retries.", srcECS, noStartPeriod, onlyOn(onECS)},
		{"duration-below-1ms", Error, "Docker refuses durations below 1 ms; a number without a unit is in nanoseconds in an image's config.", srcImage, belowMillisecond, onlyOn(onDocker, onCompose, onBuild, onRun)},
		{"fraction-of-second", Warning, "ECS takes whole seconds only, so this cannot be written in a task definition.", srcECS, fractionOfSecond, onlyOn(onDocker)},
		{"start-interval-alone", Warning, "A start interval has no effect without a start period.", srcCompose, startIntervalAlone, onlyOn(onDocker, onCompose, onBuild, onRun)},
	}
}

func ecsRange(key string, takes health.Range, get func(*check) duration) func(*container) []problem {
	return func(c *container) []problem {
		if c.Runtime != onECS || c.Check == nil {
			return nil
		}
		d := get(c.Check)
		seconds := d.Value.Truncate(time.Second)
		number := number{Value: int(seconds / time.Second), Given: d.Given, Bad: d.Bad, Pos: d.Pos}
		return outOfRange(key, number, int(takes.Min/time.Second), int(takes.Max/time.Second), c.write(key, takes.Nearest(seconds)))
	}
}

func ecsRetries(c *container) []problem {
	if c.Runtime != onECS || c.Check == nil {
		return nil
	}
	n, most := c.Check.Retries, health.ECS().MaxRetries
	nearest := min(max(n.Value, 1), most)
	if n.Bad != "" {
		nearest = health.DockerRetries
	}
	return outOfRange("retries", n, 1, most, c.write("retries", nearest))
}

func outOfRange(key string, n number, least, most int, fix string) []problem {
	switch {
	case n.Bad != "":
		return at(n.Pos, fix, "%s is %s, which is no whole number", key, encode(n.Bad))
	case n.Given && (n.Value < least || n.Value > most):
		return at(n.Pos, fix, "%s is %d, and ECS takes %d to %d", key, n.Value, least, most)
	}
	return nil
}

func timeoutAboveInterval(c *container) []problem {
	t := c.timings()
	if c.Runtime != onECS || !c.runs() || !c.Check.Timeout.Given || c.Check.Interval.Open || t.timeout <= t.interval || t.interval != t.forECS().interval {
		return nil // Docker counts an interval from the end of a check; one that ECS refuses is told of
	}
	return at(c.Check.Timeout.Pos, c.write("timeout", health.ECS().Timeout.Nearest(t.interval)), "timeout %s is longer than interval %s", t.timeout, t.interval)
}

// shortStart is how long an app may be expected to take to start.
const shortStart = 30 * time.Second

func noStartPeriod(c *container) []problem {
	t := c.timings()
	if c.Runtime != onECS || !c.runs() || c.Check.StartPeriod.Open || c.Check.StartPeriod.Bad != "" || c.Check.StartPeriod.Value > 0 {
		return nil // Docker restarts nothing
	}
	grace := t.interval * time.Duration(t.retries)
	if grace >= shortStart {
		return nil
	}
	return at(c.Check.Pos, c.write("startPeriod", 10*time.Second), "an app that is not ready after %s is unhealthy: there is no start period", grace)
}

// durations returns the durations of a check that runs on Docker.
func (c *container) durations() []named {
	if c.Runtime == onECS || c.Check == nil {
		return nil
	}
	return []named{{"interval", c.Check.Interval}, {"timeout", c.Check.Timeout},
		{"startPeriod", c.Check.StartPeriod}, {"startInterval", c.Check.StartInterval}}
}

type named struct {
	key string
	duration
}

func belowMillisecond(c *container) (found []problem) {
	for _, d := range c.durations() {
		switch {
		case d.Bad != "":
			found = append(found, at(d.Pos, c.write(d.key, d.meant()), "%s is %s, which is no duration", separated(d.key, ' '), encode(d.Bad))...)
		case d.Given && d.Value != 0 && d.Value < time.Millisecond:
			found = append(found, at(d.Pos, c.write(d.key, longer(d.Value)), "%s is %s", separated(d.key, ' '), d.Value)...)
		}
	}
	return found
}

// longer returns what a duration below 1 ms was meant to be.
func longer(d time.Duration) time.Duration {
	d = d.Abs()
	switch {
	case d >= time.Millisecond:
		return d
	case d < time.Microsecond: // seconds that were taken for nanoseconds
		return d / time.Nanosecond * time.Second
	}
	return d / time.Microsecond * time.Millisecond
}

// meant returns what a duration was meant to be: a number without a unit is one of seconds.
func (d duration) meant() time.Duration {
	if n, err := strconv.Atoi(d.Bad); err == nil && n > 0 && n < 1_000_000 {
		return time.Duration(n) * time.Second
	}
	return 30 * time.Second
}

func fractionOfSecond(c *container) (found []problem) {
	if c.Runtime != onDocker {
		return nil
	}
	for _, d := range c.durations() {
		if d.key != "startInterval" && d.Value%time.Second != 0 && d.Value >= time.Millisecond {
			found = append(found, at(c.Pos, c.write(d.key, d.Value.Truncate(time.Second)+time.Second), "%s is %s", separated(d.key, ' '), d.Value)...)
		}
	}
	return found
}

func startIntervalAlone(c *container) []problem {
	if c.Check == nil || c.Fragment || !c.Check.StartInterval.Given || c.Check.StartInterval.Value == 0 || c.Check.StartPeriod.Value > 0 || c.Check.StartPeriod.Open || len(composeStartInterval(c)) > 0 {
		return nil
	}
	return at(c.Check.StartInterval.Pos, c.write("startPeriod", 10*time.Second), "there is a start interval, and no start period")
}
