package health_test

import (
	"testing"

	"github.com/ko-health/kohealth/builder/health"
)

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		word  string
		known []string
		want  string
	}{
		{"interval", []string{"internal", "interval"}, "interval"},
		{"startPeriod", []string{"start_period"}, "start_period"},
		{"texx", []string{"test"}, "test"},   // two letters are others
		{"abcxyz", []string{"abcdef"}, ""},   // three are
		{"tes", []string{"test"}, "test"},    // one is missing
		{"tessst", []string{"test"}, "test"}, // two are too many
		{"xy", []string{"a"}, ""},            // nothing is the same
		{"x", nil, ""},
	} {
		if got := health.Nearest(tt.word, tt.known); got != tt.want {
			t.Errorf("nearest to %q in %q is %q, want %q", tt.word, tt.known, got, tt.want)
		}
	}
}

// TestMergeOrder checks who wins, as YAML says: a mapping's own keys before merged ones,
// and of merged mappings the earlier.
func TestMergeOrder(t *testing.T) {
	for text, interval := range map[string]string{
		"healthcheck: {<<: [{interval: 1s}, {interval: 2s}]}": "1s",
		"healthcheck: {<<: {interval: 1s}, interval: 2s}":     "2s",
		"healthcheck: {interval: 2s, <<: {interval: 1s}}":     "2s",
		"healthcheck: {<<: {interval: 1s}}":                   "1s",
	} {
		f, err := health.ParseFile(".ko.yaml", []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if got := f.For(health.BuildID{}).Interval; got == nil || got.String() != interval {
			t.Errorf("%s: interval %v, want %s", text, got, interval)
		}
	}
}
