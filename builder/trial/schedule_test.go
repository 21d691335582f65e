package trial

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/ko-health/kohealth/builder/health"
)

// A timeline is an app that is healthy from a time on, and whose checks take some time.
type timeline struct {
	healthy time.Duration // 0 is never
	takes   time.Duration // each check
	ends    time.Duration // the app itself; 0 is never
}

// TestSchedule shows when Docker checks, and what it makes of the results.
func TestSchedule(t *testing.T) {
	second := time.Second
	defaults := health.Config{Interval: 10 * second, Timeout: 3 * second, Retries: 3, StartPeriod: 10 * second, StartInterval: second}
	for _, tt := range []struct {
		name   string
		config health.Config
		app    timeline
		want   string
	}{
		{"healthy at once", defaults, timeline{healthy: 1}, "1s ok: healthy"},
		{"the next check is timed from the end of the last", defaults, timeline{healthy: 3 * second, takes: 500 * time.Millisecond},
			"1.5s 0, 3s ok: healthy"},
		{"never, the last check of the start period is late", health.Config{Interval: 10 * second, Retries: 2, StartPeriod: 4 * second, StartInterval: 3 * second},
			timeline{}, "3s 0, 6s 1, 16s 2: unhealthy"},
		{"a check that begins in the start period does not count", health.Config{Interval: 5 * second, Retries: 1, StartPeriod: 4 * second, StartInterval: 3 * second},
			timeline{takes: 2 * second}, "5s 0, 12s 1: unhealthy"},
		{"no start period", health.Config{Interval: 5 * second, Retries: 3, StartInterval: second},
			timeline{}, "5s 1, 10s 2, 15s 3: unhealthy"},
		{"Docker's defaults", health.Config{}, timeline{}, "30s 1, 1m0s 2, 1m30s 3: unhealthy"},
		{"Docker's default of a start interval", health.Config{StartPeriod: 11 * second}, timeline{healthy: 44 * second}, "5s 0, 10s 0, 15s 1, 45s ok: healthy"},
		{"the app ends between checks", defaults, timeline{ends: 2500 * time.Millisecond}, "1s 0, 2s 0: ended at 2.5s"},
		{"the app ends in a check", defaults, timeline{takes: 3 * second, ends: 6 * second}, "4s 0: ended at 6s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				if diff := cmp.Diff(tt.want, tt.app.follow(t, tt.config)); diff != "" {
					t.Errorf("checks (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// follow describes what becomes of the app: when each check ends, and how many failures
// count.
func (l timeline) follow(t *testing.T, config health.Config) string {
	start := time.Now()
	alive, died := context.WithCancel(t.Context())
	defer died()
	if l.ends > 0 {
		time.AfterFunc(l.ends, died)
	}
	check := func(ctx context.Context) string {
		select {
		case <-time.After(l.takes):
		case <-ctx.Done():
		}
		if l.healthy > 0 && time.Since(start) >= l.healthy {
			return ""
		}
		return "refused"
	}
	var said []string
	o, err := watch(t.Context(), alive, newSchedule(config), check, &Options{Report: func(c Check) {
		what := "ok"
		if c.Cause != "" {
			what = fmt.Sprint(c.Failures)
		}
		said = append(said, fmt.Sprint(c.At, " ", what))
	}})
	if err != nil {
		t.Error(err)
	}
	verdict := map[bool]string{true: "healthy", false: "unhealthy"}[o.Healthy]
	if alive.Err() != nil {
		verdict = fmt.Sprint("ended at ", o.After)
	}
	return strings.Join(said, ", ") + ": " + verdict
}

func TestWatchInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("interrupted")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(1500*time.Millisecond, func() { cancel(cause) })
		check := func(context.Context) string { return "refused" }
		o, err := watch(ctx, ctx, newSchedule(health.Config{StartPeriod: time.Minute, StartInterval: time.Second}), check, &Options{})
		if !errors.Is(err, cause) || o.Healthy {
			t.Errorf("outcome %+v, error %v", o, err)
		}
	})
}

func TestSuggest(t *testing.T) {
	for _, tt := range []struct {
		checks                            int
		after, took, startPeriod, timeout time.Duration
	}{
		{2, 900 * time.Millisecond, 3 * time.Millisecond, 10 * time.Second, 3 * time.Second},
		{2, 5 * time.Second, 310 * time.Millisecond, 15 * time.Second, 4 * time.Second},
		{1, 30 * time.Second, 310 * time.Millisecond, 10 * time.Second, 4 * time.Second},
		{7, 10 * time.Minute, time.Minute, 300 * time.Second, 60 * time.Second},
	} {
		startPeriod, timeout := Outcome{Checks: tt.checks, After: tt.after, Last: Check{Took: tt.took}}.Suggest()
		if startPeriod != tt.startPeriod || timeout != tt.timeout {
			t.Errorf("after %s, a check of %s: %s and %s, want %s and %s", tt.after, tt.took, startPeriod, timeout, tt.startPeriod, tt.timeout)
		}
	}
}

func TestCause(t *testing.T) {
	for output, want := range map[string]string{
		"":                                    "exit code 1 and no output",
		" \n":                                 "exit code 1 and no output",
		"unhealthy: refused (1ms)\n":          "refused (1ms)",
		"unhealthy: one\r\nunhealthy: two\n":  "one; two",
		"curl: (7) connection refused\nmore ": "curl: (7) connection refused; more",
	} {
		if got := causeOf(output, "exit code 1"); got != want {
			t.Errorf("cause of %q: %q, want %q", output, got, want)
		}
	}
}
