package probeargs

import (
	"strconv"
)

// Units of a Duration.
const (
	Millisecond Duration = 1e6
	Second      Duration = 1e9
)

var units = [...]struct {
	name string
	n    Duration
}{
	// "m" stands behind what begins with it.
	{"ns", 1}, {"us", 1e3}, {"\u00b5s", 1e3}, {"\u03bcs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9},
}

// maxDuration keeps sums of durations from overflowing: a year is more than enough.
const maxDuration = 366 * 24 * 3600 * Second

// parseDuration parses what time.ParseDuration does, but for signs, numbers without
// a unit, and durations of more than a year. (Package time is too large for the
// probe: see Duration.)
func parseDuration(s string) (d Duration, ok bool) {
	for rest := s; rest != ""; {
		var part Duration
		if part, rest, ok = parsePart(rest); !ok {
			return 0, false
		}
		if d += part; d > maxDuration {
			return 0, false
		}
	}
	return d, s != ""
}

// parsePart parses one number with its unit, and returns the rest.
func parsePart(s string) (d Duration, rest string, ok bool) {
	whole, s := digits(s)
	fraction := ""
	if HasPrefix(s, ".") {
		fraction, s = digits(s[1:])
	}
	if whole+fraction == "" {
		return 0, "", false
	}
	for _, unit := range units {
		if !HasPrefix(s, unit.name) {
			continue
		}
		n, ok := number("0"+whole, int64(maxDuration/unit.n))
		d = Duration(n) * unit.n
		for i, place := 0, unit.n/10; i < len(fraction) && place > 0; i, place = i+1, place/10 {
			d += Duration(fraction[i]-'0') * place
		}
		return d, s[len(unit.name):], ok
	}
	return 0, "", false
}

// digits splits s behind the digits that it begins with.
func digits(s string) (digits, rest string) {
	n := 0
	for n < len(s) && '0' <= s[n] && s[n] <= '9' {
		n++
	}
	return s[:n], s[n:]
}

// formatDuration returns d, exactly, in the largest unit that needs no fraction.
func formatDuration(d Duration) string {
	switch {
	case d%Second == 0:
		return strconv.FormatInt(int64(d/Second), 10) + "s"
	case d%Millisecond == 0:
		return strconv.FormatInt(int64(d/Millisecond), 10) + "ms"
	}
	return strconv.FormatInt(int64(d), 10) + "ns"
}
