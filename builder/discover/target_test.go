package discover

import "testing"

// Addresses are what the probe reaches from within the container, or nothing.
func TestAddress(t *testing.T) {
	env := func(name, def string) value { return variable(name, def, 0) }
	for _, tt := range []struct {
		want string
		addr []value
	}{
		{":8080", []value{text(":8080")}},
		{":8080", []value{text("0.0.0.0:8080")}},
		{":8080", []value{text("[::1]:8080")}},
		{":8080", []value{text("localhost:8080")}},
		{":80", []value{text(":http")}},
		{":${PORT:-8080}", []value{text(":").then(env("PORT", "8080"))}},
		{":${PORT}", []value{text(":").then(env("PORT", ""))}},
		{":${PORT:-8080}", []value{env("HOST", "").then(text(":")).then(env("PORT", "8080"))}},
		{":9000", []value{unknown().then(text(":9000"))}},
		{"${ADDR:-:8080}", []value{env("ADDR", ":8080")}},
		{"", []value{env("ADDR", "")}},
		{"", []value{env("ADDR", "8080")}},
		{"", []value{env("ADDR", "10.0.0.1:8080")}},
		{"", []value{text(":0")}},
		{"", []value{text(":65536")}},
		{"", []value{text(":8080x")}},
		{"", []value{text("8080")}},
		{"", []value{text("10.0.0.1:8080")}},
		{"", []value{text("example.com:8080")}},
		{"", []value{env("HOST", "10.0.0.1").then(text(":80"))}},
		{"", []value{text(":8").then(env("LAST", "1"))}},
		{"", []value{text(":").then(unknown())}},
		{"", []value{text(":1"), text(":2")}},
		{"", nil},
	} {
		if got, _ := (&proposer{}).address(listening{addr: tt.addr}); got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.addr, got, tt.want)
		}
	}
}

func TestHealthRank(t *testing.T) {
	best := []string{"/livez", "/health", "/ping", "/status", "/readyz"}
	for i := range best[1:] {
		a, okA := healthRank(best[i])
		b, okB := healthRank(best[i+1])
		if !okA || !okB || a >= b {
			t.Errorf("%s is not better than %s", best[i], best[i+1])
		}
	}
	for path, want := range map[string]bool{
		"/api/v1/healthz": true, "/-/healthy": true, "/_health": true, "/up": true, "/health/live": true,
		"/status/{code}": false, "/users/:id/status": false, "/healthy-food": false, "/": false, "/upload": false, "/metrics": false,
	} {
		if _, ok := healthRank(path); ok != want {
			t.Errorf("%s looks like health: %v", path, ok)
		}
	}
}
