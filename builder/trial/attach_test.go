package trial

import (
	"bytes"
	"strings"
	"testing"
)

// TestLinesOfTwoStreams has two streams share a writer: no line of one is in a line of
// the other's, and nothing is lost.
func TestLinesOfTwoStreams(t *testing.T) {
	var got bytes.Buffer
	one, two := &lineWriter{w: &got}, &lineWriter{w: &got}
	long := strings.Repeat("x", maxRest+1)
	for _, write := range []struct {
		to   *lineWriter
		text string
	}{
		{one, "a"}, {two, "1\n2\n3"}, {one, "b\nbye"}, {two, "\n"}, {two, long}, {one, "\n"}, {two, "y\n4"},
	} {
		if n, err := write.to.Write([]byte(write.text)); n != len(write.text) || err != nil {
			t.Fatalf("writing %q: %d, %v", write.text, n, err)
		}
	}
	for _, w := range []*lineWriter{one, two} {
		if err := w.end(); err != nil {
			t.Fatal(err)
		}
	}
	if want := "1\n2\nab\n3\n" + long + "\nbye\ny\n4\n"; got.String() != want {
		t.Errorf("got %q, want %q", &got, want)
	}
}
