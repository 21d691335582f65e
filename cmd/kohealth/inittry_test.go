package main

import (
	"testing"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
)

// TestAsWritten shows which ports of an app that was tried a check has as variables.
func TestAsWritten(t *testing.T) {
	t.Setenv("HERE", "7002")
	var proposals []discover.Proposal
	for _, target := range []string{"tcp://:${PORT:-8080}", "tcp://:9090", "tcp://${ADDR:-:7070}", "http://:${WEB:-6060}/healthz"} {
		test, err := health.ParseTest(target)
		if err != nil {
			t.Fatal(err)
		}
		proposals = append(proposals, discover.Proposal{Test: test})
	}
	for _, tt := range []struct {
		env        []string
		port, want string
	}{
		{nil, "8080", "${PORT:-8080}"},
		{[]string{"PORT=7001"}, "7001", "${PORT:-8080}"},
		{[]string{"PORT=7001"}, "8080", "8080"},
		{nil, "9090", "9090"},
		{nil, "7070", "7070"},
		{[]string{"OTHER=7001"}, "7001", "${OTHER:-7001}"},
		{[]string{"HERE"}, "7002", "${HERE:-7002}"},
		{[]string{"OTHER=70010"}, "7001", "7001"},
	} {
		if got := (prover{env: tt.env}).asWritten(tt.port, proposals); got != tt.want {
			t.Errorf("%s with %q: %s, want %s", tt.port, tt.env, got, tt.want)
		}
	}
}
