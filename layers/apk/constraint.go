package apk

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A constraint is what a request or a dependency asks for: a name and, perhaps, an
// operator and a version.
type constraint struct{ name, op, version string }

var constraintSyntax = regexp.MustCompile(`^([^\s!@<>=~][^\s@<>=~]*)(?:(=|<|>|<=|>=|~|=~|~=)([0-9][^\s@<>=~]*))?$`)

// parseConstraint parses name, name=1.2-r0, name~1.2, name>1.2 and the like.
func parseConstraint(s string) (constraint, error) {
	m := constraintSyntax.FindStringSubmatch(s)
	if m == nil {
		return constraint{}, fmt.Errorf("package %q: want a name, as in curl, or a name and a version, as in curl=8.21.0-r2 or curl~8.21", s)
	}
	c := constraint{m[1], m[2], m[3]}
	if strings.Contains(c.op, "~") {
		c.op = "~"
	}
	return c, nil
}

func (c constraint) String() string { return c.name + c.op + c.version }

// allows reports whether a version is one that is asked for.
func (c constraint) allows(version string) bool {
	if c.op == "" {
		return true
	}
	if c.op == "~" { // 8.21 stands for 8.21, 8.21.0 and 8.21-r3
		rest, ok := strings.CutPrefix(version, c.version)
		return ok && (rest == "" || strings.ContainsAny(rest[:1], ".-_") || isLetter(rest[0]))
	}
	order, err := compareVersions(version, c.version)
	if err != nil {
		return c.op == "=" && version == c.version
	}
	return strings.ContainsRune(c.op, [...]rune{'<', '=', '>'}[order+1])
}

func isLetter(b byte) bool { return b >= 'a' && b <= 'z' }

// satisfiedBy reports whether a package is what is asked for, by its own name or by one
// that it provides.
func (c constraint) satisfiedBy(p *Package) bool {
	if p.Name == c.name && c.allows(p.Version) {
		return true
	}
	return slices.ContainsFunc(p.provides, func(s string) bool {
		name, version, _ := strings.Cut(s, "=")
		return name == c.name && (c.op == "" || version != "" && c.allows(version))
	})
}
