package main

import (
	"cmp"
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/ko-health/kohealth/builder/discover"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/hint"
	"github.com/ko-health/kohealth/builder/trial"
)

// failure says why an app is not healthy, and what to do about it. Its routes are asked
// for only if one was not found.
func failure(o trial.Outcome, test health.Test, routes func() []string) error {
	what := "is unhealthy"
	if o.End != "" {
		what = "ended " + o.End
	}
	err := fmt.Errorf("the app %s after %s", what, seconds(o.After))
	if o.Last.Cause != "" {
		err = fmt.Errorf("%w; the last check: %s", err, o.Last.Cause)
	}
	return hint.With(err, strings.Join(steps(o, test, routes), "; "))
}

const giveSettings = "-v shows what the app writes; -e NAME=VALUE gives it what it needs, and so do arguments behind --"

// steps returns what to do next, in the order of what is known.
func steps(o trial.Outcome, test health.Test, routes func() []string) (steps []string) {
	switch {
	case isUntrusted(o.Last.Cause, test):
		return []string{"to verify no certificate, write in .ko.yaml: test: " + listed(append([]string{"-insecure"}, test.Args...))}
	case o.End != "":
		return []string{"of your environment the app has only what -e NAME names; arguments for it stand behind --"}
	case strings.Contains(o.Last.Cause, ": not found"), strings.Contains(o.Last.Cause, "executable file not found"):
		return []string{"kohealth build --lint says what the image lacks; --health-tool=busybox and --health-package add it"}
	case strings.Contains(o.Last.Cause, ": 404 "):
		if known := routes(); len(known) > 0 {
			steps = append(steps, "the app's source speaks for "+strings.Join(known, " or "))
		}
	}
	switch {
	case strings.HasPrefix(o.Last.Cause, health.DefaultTest+": "), o.Auto.Cause == "" && len(o.Auto.Addresses) == 0:
		return append(steps, giveSettings)
	case o.Auto.Cause != "":
		return append(steps, "auto would not pass either: "+strings.TrimPrefix(o.Auto.Cause, health.DefaultTest+": "), giveSettings)
	}
	return append(steps, "auto would pass: the app accepts connections on "+strings.Join(o.Auto.Addresses, " "))
}

// isUntrusted reports whether a check has failed for a certificate that the probe can be told
// not to verify.
func isUntrusted(cause string, test health.Test) bool {
	return test.Kind == health.Probe && strings.Contains(cause, "certificate") &&
		!slices.ContainsFunc(test.Args, func(arg string) bool { return strings.HasPrefix(strings.TrimLeft(arg, "-"), "insecure") })
}

// listed returns words as a list in YAML.
func listed(words []string) string {
	var quoted []string
	for _, word := range words {
		quoted = append(quoted, strconv.Quote(word))
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// maxRoutes is how many checks of routes a hint names.
const maxRoutes = 3

// knownRoutes returns the checks of routes for which an app's source speaks, best first.
func knownRoutes(ctx context.Context, importpath string) (routes []string) {
	app, err := discover.Load(ctx, "", cmp.Or(importpath, "."))
	if err != nil {
		return nil // the hint is worth less than the error that it would hide
	}
	for _, p := range app.Proposals() {
		asks := slices.ContainsFunc(p.Test.Args, func(arg string) bool { return arg == "-path" || strings.HasPrefix(arg, "http") })
		if asks && len(routes) < maxRoutes {
			routes = append(routes, p.Test.String())
		}
	}
	return routes
}

// debugPorts are ports on which apps serve those who look into them, not their clients:
// 6060 in the documentation of net/http/pprof, 2112 in Prometheus's guide for Go, 2345 in
// that of the debugger Delve.
var debugPorts = []uint16{2112, 2345, 6060}

// lasting is the end of the ports that an app can be expected to have again: those from
// here on Linux gives to whoever asks for any, ip_local_port_range in ip(7).
const lasting = 32768

// ownPorts returns the ports on which others reach an app for its own sake, as they are
// written in a check. Those that are written otherwise than as numbers last.
func ownPorts(addresses []string, written func(port string) string) (ports []string) {
	for _, address := range addresses {
		at, err := netip.ParseAddrPort(address)
		if err != nil || at.Addr().IsLoopback() || slices.Contains(debugPorts, at.Port()) {
			continue
		}
		number := fmt.Sprint(at.Port())
		port := written(number)
		if (port != number || at.Port() < lasting) && !slices.Contains(ports, port) {
			ports = append(ports, port)
		}
	}
	return ports
}

func asNumber(port string) string { return port }

// unproven says what auto does not prove of a healthy app, or "".
func unproven(o trial.Outcome) string {
	reached := slices.DeleteFunc(slices.Clone(o.Auto.Addresses), func(address string) bool {
		at, err := netip.ParseAddrPort(address)
		return err == nil && (at.Addr().IsLoopback() || slices.Contains(debugPorts, at.Port()))
	})
	if len(o.Auto.Addresses) == 0 || len(reached) > 0 {
		return ""
	}
	return "the app accepts connections on " + strings.Join(o.Auto.Addresses, " ") +
		" only, where none of its clients connect: auto is healthy before it listens elsewhere; --health=auto:8080 waits for that port"
}
