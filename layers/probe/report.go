package main

import (
	"strconv"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/health/probeargs"
)

const (
	maxReport  = pipeBuf // what Docker keeps of a check's output, too
	maxSnippet = 200     // bytes of somebody else's text
	maxTarget  = 500     // bytes of a target, which may be a long URL
)

const (
	pipeBuf  = 4096                       // PIPE_BUF, limits.h(0P)
	patience = 50 * probeargs.Millisecond // with whoever is to read
)

// A voice is what the probe says beside failures on stderr.
type voice struct {
	log     bool // failures in the container's log
	json    bool // everything on stdout, for machines
	verbose bool // successes on stderr
}

// tell says what came of the check and returns the exit code.
func (v voice) tell(all []*outcome) (code int) {
	var said, failures, json string
	code = healthy
	for _, o := range all {
		line := o.line()
		if o.err != nil {
			code = unhealthy
			failures += line
		}
		if o.err != nil || v.verbose {
			said += line
		}
	}
	if v.json {
		json = jsonLine(all, "")
	}
	v.report(said, failures, json)
	return code
}

// refuse says why there was no check.
func (v voice) refuse(why string) {
	line, json := "unhealthy: "+why+"\n", ""
	if v.json {
		json = jsonLine(nil, why)
	}
	v.report(line, line, json)
}

// report writes JSON to stdout, lines to stderr, and those of failures to the container's
// log if that is wanted. Nobody who does not read holds it up for long.
func (v voice) report(lines, failures, json string) {
	writeStdout(json)
	writeStderr(limit(lines))
	if v.log && failures != "" {
		writeLog(limit(failures))
	}
}

// limit cuts lines to what is kept of them.
func limit(lines string) string {
	if len(lines) > maxReport {
		lines = lines[:maxReport-1] + "\n"
	}
	return lines
}

// snippet quotes the beginning of a text that the app sent.
func snippet(text []byte) string {
	s := probeargs.Trim(string(text))
	if len(s) <= maxSnippet {
		return probeargs.Quote(s)
	}
	return probeargs.Quote(cut(s, maxSnippet)) + "..."
}

// plain escapes somebody else's text without quoting it.
func plain(s string) string {
	quoted := probeargs.Quote(cut(s, maxSnippet))
	return quoted[1 : len(quoted)-1]
}

// cut cuts a text to a length, and not in the middle of a character.
func cut(s string, length int) string {
	if len(s) <= length {
		return s
	}
	n := length
	for n > length-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// durationText rounds a duration, upwards, to what people want to read: 0.3ms,
// 12ms, 2.7s.
func durationText(d probeargs.Duration) string {
	switch {
	case d < 10*probeargs.Millisecond:
		return tenths(d, probeargs.Millisecond) + "ms"
	case d < probeargs.Second:
		return strconv.Itoa(int((d+probeargs.Millisecond-1)/probeargs.Millisecond)) + "ms"
	}
	return tenths(d, probeargs.Second) + "s"
}

// tenths returns d in units, with one decimal place unless that is 0.
func tenths(d, unit probeargs.Duration) string {
	n := int64((d + unit/10 - 1) / (unit / 10))
	s := strconv.FormatInt(n/10, 10)
	if n%10 != 0 {
		s += "." + strconv.FormatInt(n%10, 10)
	}
	return s
}
