package readers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"sigs.k8s.io/yaml"

	"github.com/ko-health/kohealth/builder/health"
)

// container decodes a container, of which every field has to be known.
func container(text string) (c corev1.Container, err error) {
	err = yaml.UnmarshalStrict([]byte(text), &c)
	if err == nil && c.LivenessProbe == nil {
		err = errors.New("there is no livenessProbe")
	}
	return c, err
}

// readKubernetes reads probes that run the check in the container. The start period is
// what the startupProbe gives beyond the failures that count.
func readKubernetes(text string) (health.Config, error) {
	c, err := container(text)
	if err != nil {
		return health.Config{}, err
	}
	live := c.LivenessProbe
	if live.Exec == nil {
		return health.Config{}, errors.New("there is no command")
	}
	seconds := func(n int32) time.Duration { return time.Duration(n) * time.Second }
	out := health.Config{Test: []string{"CMD"}, Interval: seconds(live.PeriodSeconds), Timeout: seconds(live.TimeoutSeconds), Retries: int(live.FailureThreshold)}
	for _, s := range live.Exec.Command {
		out.Test = append(out.Test, expand(s))
	}
	if start := c.StartupProbe; start != nil {
		if diff := cmp.Diff(live.ProbeHandler, start.ProbeHandler); diff != "" || start.TimeoutSeconds != live.TimeoutSeconds {
			return out, fmt.Errorf("the probes differ (-live +start):\n%s", diff)
		}
		out.StartInterval = seconds(start.PeriodSeconds)
		out.StartPeriod = time.Duration(start.FailureThreshold)*out.StartInterval - time.Duration(out.Retries)*out.Interval
	} else if live.InitialDelaySeconds != live.PeriodSeconds {
		return out, errors.New("the first check comes too early")
	}
	return out, nil
}

// expand does what the kubelet does to the words of a command: $(NAME) is a variable's
// value where there is one, and $$ is a dollar.
//
// https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/
func expand(s string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(s, "$")
		b.WriteString(before)
		switch {
		case !ok:
			return b.String()
		case strings.HasPrefix(rest, "$"):
			b.WriteByte('$')
			s = rest[1:]
		case strings.HasPrefix(rest, "(") && strings.Contains(rest, ")"):
			_, s, _ = strings.Cut(rest, ")")
			b.WriteString("replaced")
		default:
			b.WriteByte('$')
			s = rest
		}
	}
}

// TestNative reads probes that the kubelet does by itself.
func TestNative(t *testing.T) {
	service := "my.Service"
	for name, want := range map[string]corev1.ProbeHandler{
		"http": {HTTPGet: &corev1.HTTPGetAction{Path: "/healthz", Port: intstr.FromInt32(8080)}},
		"grpc": {GRPC: &corev1.GRPCAction{Port: 50051, Service: &service}},
		"slow": {TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(1)}},
	} {
		c, err := container(golden(t, name, "kubernetes"))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(want, c.LivenessProbe.ProbeHandler); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
