package main

import (
	"strconv"
	"unicode/utf8"

	"github.com/ko-health/kohealth/builder/health/cmdline"
)

const (
	maxReport  = 4096 // what Docker keeps of a check's output, and PIPE_BUF
	maxSnippet = 200  // bytes of somebody else's text
	maxTarget  = 500  // bytes of a target, which may be a long URL
)

// report writes lines to stderr and, if asked, to the container's log. It is the
// last thing that the probe does, and nobody who does not read may hold it up.
func report(lines string, log bool) {
	if len(lines) > maxReport {
		lines = lines[:maxReport-1] + "\n"
	}
	within(50*cmdline.Millisecond, func() {
		if log {
			writeLog(lines)
		}
		writeStderr(lines)
	})
}

// snippet quotes the beginning of a text that the app sent.
func snippet(text []byte) string {
	s := cmdline.Trim(string(text))
	if len(s) <= maxSnippet {
		return cmdline.Quote(s)
	}
	return cmdline.Quote(cut(s, maxSnippet)) + "..."
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
func durationText(d cmdline.Duration) string {
	switch {
	case d < 10*cmdline.Millisecond:
		return tenths(d, cmdline.Millisecond) + "ms"
	case d < cmdline.Second:
		return strconv.Itoa(int((d+cmdline.Millisecond-1)/cmdline.Millisecond)) + "ms"
	}
	return tenths(d, cmdline.Second) + "s"
}

// tenths returns d in units, with one decimal place unless that is 0.
func tenths(d, unit cmdline.Duration) string {
	n := int64((d + unit/10 - 1) / (unit / 10))
	s := strconv.FormatInt(n/10, 10)
	if n%10 != 0 {
		s += "." + strconv.FormatInt(n%10, 10)
	}
	return s
}
