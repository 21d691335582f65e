package judge

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// otherPorts tells of ports that are asked, and that the app does not have.
func (r *run) otherPorts() (found []Verdict) {
	if len(r.container.Ports) == 0 {
		return nil
	}
	var names []string
	for _, port := range r.container.Ports {
		names = append(names, strconv.Itoa(port))
	}
	for _, a := range r.asked {
		port, err := strconv.Atoi(a.port)
		if err != nil || a.host != "" && !isHere(a.host) || slices.Contains(r.container.Ports, port) {
			continue
		}
		message := a.tool + " asks port " + a.port + ", and the container's ports are " + strings.Join(names, ", ")
		v := Verdict{Rule: "other-port", Severity: Warning, Arg: a.arg, Offset: a.offset, Message: message}
		if !slices.ContainsFunc(found, func(o Verdict) bool { return o.Message == v.Message && o.Arg == v.Arg && o.Offset == v.Offset }) {
			found = append(found, v)
		}
	}
	return found
}

// limit tells of a tool's own time limit that is not below the check's.
func (c *call) limit(o options, tool string, names ...string) {
	if value, ok := o.value(names...); ok {
		c.late(value, tool)
	}
}

// late tells of a time limit, which stands in seconds where it has no unit, that is not
// below the check's.
func (c *call) late(value, tool string) {
	text := value
	if strings.Trim(value, "0123456789.") == "" {
		text += "s"
	}
	own, err := time.ParseDuration(text)
	limit := c.check.Timeout
	if err != nil || limit == 0 || own < limit {
		return
	}
	below := limit - min(limit/2, time.Second)
	instead := below.String()
	if text != value {
		instead = strconv.FormatFloat(below.Seconds(), 'g', -1, 64)
	}
	e := c.replaceWord(value, instead)
	c.tell("late-timeout", c.at, tool+" gives up after "+own.String()+", and the check is killed after "+limit.String(), e)
}

// replaceWord changes a value that is an argument, or the end of one.
func (c *call) replaceWord(old, new string) edit {
	for _, w := range c.args() {
		if rest, ok := strings.CutSuffix(w, old); ok && (rest == "" || strings.HasPrefix(rest, "-")) {
			return c.replace(w, rest+new)
		}
	}
	return nil
}
