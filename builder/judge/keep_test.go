package judge_test

import (
	"slices"
	"testing"

	"github.com/ko-health/kohealth/builder/judge"
)

// The probe that is proposed has the check's variables, and not their values.
func TestProbeKeepsVariables(t *testing.T) {
	c := judge.Container{Files: judge.NewFiles(memory{}), Env: map[string]judge.Variable{
		"PORT": {Value: "8080"}, "TOKEN": {Value: "s3cret"}, "SECRET": {Open: true}, "HOST": {Value: "127.0.0.1"}, "ODD": {Value: "a b"},
	}}
	for script, want := range map[string][]string{
		"curl -f http://localhost:$PORT/x || exit 1":                                   {"http://:${PORT}/x"},
		"curl -f http://$HOST:${PORT:-90}/x$PORT":                                      nil,
		"curl -f http://$HOST:${PORT:-90}/x":                                           {"http://:${PORT:-90}/x"},
		"curl -f http://localhost:${OTHER:-90}/${TOKEN}?a=61803":                       {"http://:${OTHER:-90}/${TOKEN}?a=61803"},
		`curl -f -H "Authorization: Bearer $TOKEN" http://localhost:80/`:               {"-header", "Authorization: Bearer ${TOKEN}", "http://:80/"},
		`curl -f -H "Authorization: Bearer ${SECRET}" -H 'X: $TOKEN' http://localhost`: {"-header", "Authorization: Bearer ${SECRET}", "-header", "X: $$TOKEN", "http://:80"},
		"curl -f http://localhost:${PORT#0}/":                                          nil,
		"nc -z localhost $PORT":                                                        {"tcp://:${PORT}"},
		"curl -f http://localhost:80/$ODD":                                             nil,
		"curl -f http://localhost:80/":                                                 {"http://:80/"},
	} {
		found, err := judge.Judge(t.Context(), judge.Check{Test: []string{"CMD-SHELL", script}}, c)
		if err != nil || len(found) == 0 {
			t.Fatal(found, err)
		}
		if !slices.Equal(found[0].Probe, want) {
			t.Errorf("%s: %q, want %q", script, found[0].Probe, want)
		}
	}
}
