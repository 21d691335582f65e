package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/limits"
)

// TestSecurityLimits checks that SECURITY.md has the table of limits; UPDATE=1 rewrites it.
func TestSecurityLimits(t *testing.T) {
	const begin, end = "<!-- limits -->\n", "<!-- /limits -->"
	before, rest, ok := strings.Cut(document(t, "SECURITY.md"), begin)
	old, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatal("SECURITY.md has no place for the limits")
	}
	want := "| | at most |\n| --- | --- |\n"
	for _, l := range limits.All() {
		want += fmt.Sprintf("| %s | %s |\n", l.What(), l)
	}
	if update {
		if err := os.WriteFile(filepath.Join(topDir, "SECURITY.md"), []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, old); diff != "" {
		t.Errorf("limits in SECURITY.md (-want +got); UPDATE=1 go test ./cmd/kohealth mends it:\n%s", diff)
	}
}

// testLimitSentences checks the documents' sentences about limits.
func testLimitSentences(t *testing.T) {
	var text string
	for _, name := range guides(t) {
		text += strings.Join(strings.Fields(document(t, name)), " ")
	}
	for _, want := range []string{
		fmt.Sprintf("gives up on a registry that neither sends nor takes a byte for %s.", limits.Stall),
		fmt.Sprintf("ends kohealth within %s", limits.Interrupt),
		fmt.Sprintf("All packages of an image together may have %s, and %s of files.", limits.Downloads, limits.Files),
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no document says %q", want)
		}
	}
}
