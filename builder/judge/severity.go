package judge

import (
	"fmt"
	"slices"
)

// Severity says how bad something is.
type Severity int

const (
	Info    Severity = iota // good to know
	Warning                 // hardly meant, or will fail some day
	Error                   // the check cannot pass, or is not accepted, or not run
)

var severityNames = []string{"info", "warning", "error"}

func (s Severity) String() string { return severityNames[s] }

// MarshalText implements [encoding.TextMarshaler].
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText implements [encoding.TextUnmarshaler].
func (s *Severity) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSeverity(string(text))
	return err
}

// ParseSeverity parses what String returns.
func ParseSeverity(s string) (Severity, error) {
	i := slices.Index(severityNames, s)
	if i < 0 {
		return 0, fmt.Errorf("unknown severity %q: there are info, warning and error", s)
	}
	return Severity(i), nil
}
