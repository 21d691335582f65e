package render

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/health/probeargs"
	"github.com/ko-health/kohealth/builder/kube"
)

// A kubeProbe is a Probe of Kubernetes' API.
//
// https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Probe
type kubeProbe struct {
	kubeHandler         `yaml:",inline"`
	InitialDelaySeconds int64 `yaml:"initialDelaySeconds,omitempty"`
	PeriodSeconds       int64 `yaml:"periodSeconds"`
	TimeoutSeconds      int64 `yaml:"timeoutSeconds"`
	FailureThreshold    int64 `yaml:"failureThreshold"`
}

// A kubeHandler has one of its fields.
type kubeHandler struct {
	Exec *struct {
		Command words `yaml:"command"`
	} `yaml:"exec,omitempty"`
	HTTPGet   *kubeHTTP `yaml:"httpGet,omitempty"`
	TCPSocket *kubePort `yaml:"tcpSocket,omitempty"`
	GRPC      *kubeGRPC `yaml:"grpc,omitempty"`
}

type kubeHTTP struct {
	Path    string       `yaml:"path"`
	Port    uint16       `yaml:"port"`
	Scheme  string       `yaml:"scheme,omitempty"`
	Headers []kubeHeader `yaml:"httpHeaders,omitempty"`
}

type kubeHeader struct {
	Name  string `yaml:"name"`
	Value string `yaml:"value"`
}

type kubePort struct {
	Port uint16 `yaml:"port"`
}

type kubeGRPC struct {
	Port    uint16 `yaml:"port"`
	Service string `yaml:"service,omitempty"`
}

const kubeSource = "https://kubernetes.io/docs/concepts/configuration/liveness-readiness-startup-probes/"

// kubernetes writes a container's livenessProbe, and a startupProbe for its start
// period.
func kubernetes(r *rendering) error {
	var problems []string
	for _, n := range []number{{"interval", r.interval}, {"timeout", r.timeout}} {
		if n.value%time.Second != 0 {
			problems = append(problems, fmt.Sprintf("%s %s (whole seconds)", n.key, duration(n.value)))
		}
	}
	if err := refuse("Kubernetes", problems, kubeSource); err != nil {
		return err
	}
	live := kubeProbe{
		PeriodSeconds:    int64(r.interval / time.Second),
		TimeoutSeconds:   int64(r.timeout / time.Second),
		FailureThreshold: int64(r.retries),
	}
	var container struct {
		Startup *kubeProbe `yaml:"startupProbe,omitempty"`
		Live    kubeProbe  `yaml:"livenessProbe"`
	}
	if r.startPeriod > 0 {
		startup := r.startup(live)
		container.Startup = &startup
		if max(startup.PeriodSeconds, startup.FailureThreshold) > math.MaxInt32 {
			problems = append(problems, "start_period "+duration(r.startPeriod))
		}
	} else {
		live.InitialDelaySeconds = live.PeriodSeconds // Docker, too, waits before it first checks
	}
	if max(live.PeriodSeconds, live.TimeoutSeconds) > math.MaxInt32 {
		problems = append(problems, "numbers above 2147483647 seconds")
	}
	if err := refuse("Kubernetes", problems, kubeSource); err != nil {
		return err
	}
	live.kubeHandler = r.handler()
	if container.Startup != nil {
		container.Startup.kubeHandler = live.kubeHandler
	}
	container.Live = live
	return r.yaml(container)
}

// startup returns the probe that holds the other back while the app starts. Kubernetes
// kills an app that fails it, where Docker begins to count failures when the start
// period ends. So it lasts until Docker would have counted enough of them.
func (r *rendering) startup(live kubeProbe) kubeProbe {
	every := r.startInterval
	if every == 0 {
		every = min(health.DockerStartInterval, r.interval)
	}
	total := wholeSeconds(r.startPeriod) + live.FailureThreshold*live.PeriodSeconds
	live.PeriodSeconds = wholeSeconds(every)
	live.FailureThreshold = (total + live.PeriodSeconds - 1) / live.PeriodSeconds
	if every%time.Second != 0 {
		r.note("start_interval %s becomes %ds: Kubernetes counts whole seconds", duration(every), live.PeriodSeconds)
	}
	if lasts := live.FailureThreshold * live.PeriodSeconds; lasts != total || r.startPeriod%time.Second != 0 {
		r.note("the startupProbe lasts %ds, a little longer than start_period %s and %d times interval %s",
			lasts, duration(r.startPeriod), r.retries, duration(r.interval))
	}
	return live
}

// wholeSeconds returns the seconds that are not less than d.
func wholeSeconds(d time.Duration) int64 {
	n := int64(d / time.Second)
	if d%time.Second != 0 {
		n++
	}
	return n
}

// handler returns how the kubelet checks: by itself if it can.
func (r *rendering) handler() kubeHandler {
	if !r.Exec {
		h, reason := r.native()
		if reason == "" {
			r.note("the kubelet asks the pod's own address: an app that listens on 127.0.0.1 only needs --exec")
			r.note("%s", h.podman())
			return h
		}
		if reason != notProbe {
			r.note("the check is run in the container: %s", reason)
		}
	}
	var h kubeHandler
	h.Exec = &struct {
		Command words `yaml:"command"`
	}{}
	for _, s := range r.run() {
		h.Exec.Command = append(h.Exec.Command, kube.Escape(s))
	}
	return h
}

// podman says what Podman's kube play makes of a probe that the kubelet does by itself: it
// has nobody who asks from outside.
//
// https://github.com/containers/podman/blob/main/pkg/specgen/generate/kube/kube.go
func (h kubeHandler) podman() string {
	switch {
	case h.HTTPGet != nil:
		return "podman kube play runs the image's shell and curl instead: for Podman, too, use --exec"
	case h.TCPSocket != nil:
		return "podman kube play runs the image's shell and nc instead: for Podman, too, use --exec"
	}
	return "podman kube play refuses grpc probes: for Podman, too, use --exec"
}

// notProbe is the reason of checks that are none of kohealth's probe, about which
// there is nothing to say.
const notProbe = "it is another program's"

// native returns the check as one that the kubelet does by itself, or the reason why
// it cannot.
func (r *rendering) native() (h kubeHandler, reason string) {
	if len(r.argv) < 2 || !health.IsProbe(r.argv[0]) {
		return h, notProbe
	}
	var variables []string
	unset := false
	cmd, err := probeargs.Parse(r.argv[1:], func(name, def string) (string, error) {
		if def == "" {
			unset = true
			return "", nil
		}
		variables = append(variables, name)
		return def, nil
	})
	switch {
	case unset:
		return h, "Kubernetes cannot expand its variable"
	case err != nil:
		return h, "its arguments are not the probe's: " + err.Error()
	case len(cmd.Targets) > 1:
		return h, "Kubernetes checks one target"
	}
	if h, reason = nativeTarget(cmd, cmd.Targets[0]); reason == "" && len(variables) > 0 {
		r.note("Kubernetes cannot expand %s: the check asks by the default", strings.Join(variables, ", "))
	}
	return h, reason
}

func nativeTarget(cmd *probeargs.Command, t probeargs.Target) (h kubeHandler, reason string) {
	switch {
	case t.Host != "":
		return h, "Kubernetes would take " + t.Host + " for the node's"
	case t.Scheme == "tcp":
		h.TCPSocket = &kubePort{t.Port}
		return h, ""
	case t.Scheme == "grpc" && len(cmd.Header) == 0:
		h.GRPC = &kubeGRPC{t.Port, t.Path}
		return h, ""
	case t.Scheme == "http", t.Scheme == "https" && cmd.Insecure && cmd.Cert == "" && cmd.ServerName == "":
		return nativeHTTP(cmd, t)
	case t.Scheme == "https":
		return h, "Kubernetes verifies no certificate"
	}
	return h, "Kubernetes has nothing like it"
}

// nativeHTTP returns the request that the kubelet makes. It takes 200 to 399 for
// healthy, as the probe does.
func nativeHTTP(cmd *probeargs.Command, t probeargs.Target) (h kubeHandler, reason string) {
	if len(cmd.Status) > 0 || cmd.Method != "" && cmd.Method != "GET" || cmd.Body != "" || cmd.HTTP2 {
		return h, "Kubernetes has nothing like -status, -method, -body and -http2"
	}
	if u, err := url.Parse(t.Path); err != nil || u.RequestURI() != t.Path {
		return h, "Kubernetes would ask for another path"
	}
	h.HTTPGet = &kubeHTTP{Path: t.Path, Port: t.Port}
	if t.Scheme == "https" {
		h.HTTPGet.Scheme = "HTTPS"
	}
	for _, f := range cmd.Header {
		h.HTTPGet.Headers = append(h.HTTPGet.Headers, kubeHeader(f))
	}
	return h, ""
}
