package lint

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/health"
	"github.com/ko-health/kohealth/builder/health/probeargs"
	"github.com/ko-health/kohealth/builder/kube"
)

// kubeRules judge what Kubernetes makes of probes and hooks beside their commands.
func kubeRules() []Rule {
	const (
		srcProbe = "https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#Probe"
		srcUse   = "https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/"
		srcVars  = "https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/"
		srcHooks = "https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/"
	)
	kubernetes := onlyOn(onKubernetes)
	return []Rule{
		{"kube-refused", Error, "The API server refuses a probe or a hook as it is written.", srcProbe, kubeRefused, kubernetes},
		{"kube-port", Error, "A probe or a hook asks a port by a name that none of the container's ports has.", srcUse, kubePort, kubernetes},
		{"kube-other-port", Warning, "A probe asks a port that neither the pod, nor the image, nor its own check knows.", srcUse, kubeOtherPort, kubernetes},
		{"kube-host", Warning, "The kubelet asks from the node: localhost is the node's, not the container's.", srcUse, kubeHost, kubernetes},
		{"kube-variable", Warning, "Probes get no variable whose value comes from elsewhere, and hooks none at all: $(NAME) is empty there, or stays.", srcVars, kubeVariable, kubernetes},
		{"kube-timeout", Warning, "A probe is killed after a second where timeoutSeconds does not say more, and its program takes that long to start.", srcProbe, kubeSlow, kubernetes},
		{"kube-start", Warning, "The probe kills an app that takes only a few seconds to start, again and again.", srcUse, kubeStart, kubernetes},
		{"kube-initial-delay", Info, "A startupProbe holds the other probes back, so initialDelaySeconds only delays them.", srcUse, kubeDelay, kubernetes},
		{"kube-ignores-image", Info, "Kubernetes ignores the HEALTHCHECK of an image, and the pod has no probe.", srcHooks, kubeIgnoresImage, kubernetes},
	}
}

// Defaults of a probe.
const (
	kubePeriod  = 10 * time.Second
	kubeTimeout = time.Second
)

// isPart reports whether something fills in what the file leaves out: it is merged into
// another, as a whole container names its image, or it is of a kind with defaults of its
// own, as Knative's are.
func (c *container) isPart() bool { return !c.ImageRef.Given() || !c.Pod.BuiltIn }

// isLater reports whether a value is filled in before Kubernetes gets it.
func isLater(n *doctree.Node) bool {
	return n != nil && (n.Kind == doctree.Unknown || strings.ContainsAny(n.Text, "$<{%"))
}

// handlers are the ways of a probe or a hook.
//
// https://github.com/kubernetes/kubernetes/blob/master/pkg/apis/core/validation/validation.go
func (c *container) handlers() (given, known []string) {
	known = []string{"exec", "httpGet", "tcpSocket", "grpc"}
	if c.Probe.Hook {
		known = []string{"exec", "httpGet", "tcpSocket", "sleep"}
	}
	for _, key := range known {
		if c.Probe.Get(key).Given() {
			given = append(given, key)
		}
	}
	return given, known
}

func kubeRefused(c *container) (found []problem) {
	if c.Probe == nil {
		return nil
	}
	if c.Probe.Kind != doctree.Map {
		if isLater(c.Probe.Node) {
			return nil
		}
		return at(c.Probe.Pos, "", "it is no map")
	}
	given, known := c.handlers()
	switch {
	case len(given) == 0 && !c.isPart():
		found = append(found, at(c.Probe.Pos, "", "it has none of %s", strings.Join(known, ", "))...)
	case len(given) > 1:
		found = append(found, at(c.Probe.Pos, "", "it has %s, and there may be one of them", strings.Join(given, " and "))...)
	}
	return slices.Concat(found, c.refusedCommand(), c.refusedNumbers(), c.refusedPort(), c.refusedScheme())
}

func (c *container) refusedCommand() []problem {
	exec := c.Probe.Get("exec")
	command := exec.Get("command")
	switch {
	case !exec.Given() || isLater(command):
		return nil
	case !command.Given() || command.Kind == doctree.List && len(command.Items) == 0:
		if c.isPart() {
			return nil
		}
		return at(exec.Pos, "", "there is no command")
	case command.Kind != doctree.List:
		return at(command.Pos, c.write("command", []string{"CMD-SHELL", command.Text}), "the command is a string, and Kubernetes takes a list")
	}
	for _, word := range command.Items {
		switch {
		case word.Kind == doctree.Scalar && word.Bare && !isLater(word):
			return at(word.Pos, encode(word.Text), "%s is no string: it has to stand in quotes", word.Text)
		case word.Kind == doctree.Map || word.Kind == doctree.List:
			return at(word.Pos, "", "a word of the command is no string")
		}
	}
	return nil
}

// refusedNumbers finds numbers that are none, or out of range. 0 stands for the default.
func (c *container) refusedNumbers() (found []problem) {
	keys := []string{"initialDelaySeconds", "timeoutSeconds", "periodSeconds", "failureThreshold", "successThreshold"}
	if c.Probe.Hook {
		return nil
	}
	for _, key := range keys {
		n := c.Probe.Get(key)
		number := readNumber(n)
		switch {
		case isLater(n):
		case n.Given() && (!number.Given || !n.Bare):
			found = append(found, at(n.Pos, "", "%s is no whole number", key)...)
		case number.Value < 0:
			found = append(found, at(n.Pos, "", "%s is %d, and may not be below 0", key, number.Value)...)
		case key == "successThreshold" && number.Value > 1 && c.Probe.Key != "readinessProbe":
			found = append(found, at(n.Pos, c.write(key, 1), "%s is %d, and a %s takes 1 only", key, number.Value, c.Probe.Key)...)
		}
	}
	if n := c.Probe.Get("terminationGracePeriodSeconds"); n.Given() && c.Probe.Key == "readinessProbe" {
		found = append(found, at(n.Pos, "", "a readinessProbe takes no terminationGracePeriodSeconds: it ends nothing")...)
	}
	return found
}

// asks returns the handler that asks a port, and how the port is written.
func (c *container) asks() (handler, port *doctree.Node, by string) {
	if c.Probe == nil {
		return nil, nil, ""
	}
	for _, key := range []string{"httpGet", "tcpSocket", "grpc"} {
		if h := c.Probe.Get(key); h.Given() {
			return h, h.Get("port"), key
		}
	}
	return nil, nil, ""
}

func (c *container) refusedPort() []problem {
	handler, port, by := c.asks()
	number, isNumber := port.Int()
	switch {
	case handler == nil, isLater(port), c.isPart() && !port.Given():
		return nil
	case !port.Given():
		return at(handler.Pos, "", "%s has no port", by)
	case isNumber && !port.Bare:
		return at(port.Pos, c.write("port", number), "the port is a string of digits: without quotes it is a number, and a name has a letter")
	case isNumber && (number < 1 || number > 65535):
		return at(port.Pos, "", "port %d is not between 1 and 65535", number)
	case by == "grpc" && !isNumber:
		return at(port.Pos, "", "grpc takes a number for its port, and no name")
	}
	return nil
}

func (c *container) refusedScheme() []problem {
	scheme := c.Probe.Get("httpGet").Get("scheme")
	text, ok := scheme.Str()
	if !ok || text == "HTTP" || text == "HTTPS" || text == "" || isLater(scheme) {
		return nil
	}
	fix := ""
	if upper := strings.ToUpper(text); upper == "HTTP" || upper == "HTTPS" {
		fix = c.write("scheme", upper)
	}
	return at(scheme.Pos, fix, "the scheme is %s, and Kubernetes takes HTTP and HTTPS", encode(text))
}

func kubePort(c *container) []problem {
	_, port, by := c.asks()
	name, ok := port.Str()
	if _, isNumber := port.Int(); !ok || isNumber || by == "grpc" || isLater(port) || c.isPart() {
		return nil
	}
	var names []string
	for _, p := range c.Kube.Ports {
		if p.Name == name {
			return nil
		}
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	switch {
	case len(names) > 0:
		near := health.Nearest(name, names)
		if near != "" {
			near = c.write("port", near)
		}
		return at(port.Pos, near, "no port of the container is named %s: there are %s", encode(name), strings.Join(names, ", "))
	case len(c.Kube.Ports) == 1 && c.Kube.Ports[0].Number > 0:
		return at(port.Pos, c.write("port", c.Kube.Ports[0].Number), "no port of the container is named %s: its port has no name", encode(name))
	}
	return at(port.Pos, "", "no port of the container is named %s", encode(name))
}

// kubeOtherPort compares a port with all that is known to listen, where the image says
// something: what a pod says of ports informs only.
func kubeOtherPort(c *container) []problem {
	handler, port, _ := c.asks()
	number, ok := port.Int()
	if !ok || c.Image == nil || c.Probe.Hook || handler.Get("host").Given() || slices.Contains(c.Ports, number) {
		return nil
	}
	known := append(c.Image.exposed(), c.Image.ownPorts()...)
	if len(known) == 0 || slices.Contains(known, number) || c.mentions(strconv.Itoa(number)) {
		return nil
	}
	slices.Sort(known)
	var names []string
	for _, p := range slices.Compact(known) {
		names = append(names, strconv.Itoa(p))
	}
	return at(port.Pos, "", "nothing is known to listen on port %d: the image has %s", number, strings.Join(names, ", "))
}

// ownPorts returns the ports that the image's own check asks, if that is kohealth's probe.
func (i *image) ownPorts() (ports []int) {
	if i.Check == nil || len(i.Check.Test) < 2 || i.Check.Test[1] != health.ProbePath {
		return nil
	}
	cmd, err := probeargs.Parse(i.Check.Test[2:], func(_, value string) (string, error) { return value, nil })
	if err != nil {
		return nil
	}
	for _, t := range cmd.Targets {
		if t.Port > 0 {
			ports = append(ports, int(t.Port))
		}
	}
	return ports
}

// mentions reports whether the container's command, arguments or variables, or the image's,
// hold a text, or may hold any.
func (c *container) mentions(text string) bool {
	starts := c.kubeStarts()
	if starts == nil {
		starts = slices.Concat(c.Image.Config.Entrypoint, c.Image.Config.Cmd)
	}
	holds := func(s string) bool { return strings.Contains(s, text) || isOpen(s) }
	for _, value := range c.Env {
		if holds(value) {
			return true
		}
	}
	return c.Kube.EnvOpen || slices.ContainsFunc(starts, holds) || slices.ContainsFunc(c.Image.Config.Env, holds)
}

func kubeHost(c *container) []problem {
	handler, port, _ := c.asks()
	host, ok := handler.Get("host").Str()
	if !ok || c.Pod.HostNetwork || !isLoopback(host) {
		return nil
	}
	return at(handler.Get("host").Pos, "", "host %s, port %s is asked on the node, not in the pod: without host, the kubelet asks the pod's address", encode(host), port.Text)
}

func isLoopback(host string) bool {
	return host == "localhost" || strings.HasPrefix(host, "127.") || host == "::1" || host == "0.0.0.0"
}

var reference = regexp.MustCompile(`\$\(([A-Za-z_][A-Za-z0-9_]*)\)`)

func kubeVariable(c *container) (found []problem) {
	if c.Probe == nil {
		return nil
	}
	for _, word := range c.Probe.Get("exec").Get("command").List() {
		text, _ := word.Str()
		for _, m := range reference.FindAllStringSubmatchIndex(text, -1) {
			if m[0] > 0 && text[m[0]-1] == '$' && !c.Probe.Hook {
				continue // $$(NAME) is $(NAME)
			}
			if message := c.unexpanded(text[m[2]:m[3]]); message != "" {
				found = append(found, at(word.Pos, "", "%s", message)...)
			}
		}
	}
	return found
}

// unexpanded says what becomes of a reference that is not expanded to the container's value,
// or nothing.
func (c *container) unexpanded(name string) string {
	i := slices.IndexFunc(c.Kube.Env, func(v kube.Variable) bool { return v.Name == name })
	switch {
	case c.Probe.Hook && i >= 0:
		return "$(" + name + ") is not replaced: hooks get their words as they are"
	case c.Probe.Hook || i < 0 && (!c.Kube.EnvFrom || strings.ToUpper(name) != name):
		return "" // a shell's own, or nobody's
	case i < 0:
		return "$(" + name + ") stays as it is, even if envFrom sets " + name + ": probes know env only"
	case c.Kube.Env[i].From:
		return "$(" + name + ") is replaced by nothing: probes do not get values that come from elsewhere; a shell's $" + name + " does"
	}
	return ""
}

// slowPrograms take about a second to start: Java's, Erlang's, and big ones in other
// languages.
var slowPrograms = regexp.MustCompile(`(?:^|[\s;|&(/"'])(java|nodetool|cqlsh|rabbitmqctl|rabbitmq-diagnostics|kafka-[a-z-]+(?:\.sh)?|zkCli\.sh|mongosh|celery|airflow|npm|npx|rails|gcloud|az)(?:$|[\s;|&)"'])`)

func kubeSlow(c *container) []problem {
	if c.Probe == nil || c.Probe.Hook || c.Check == nil || c.Check.Timeout.Open || c.timings().timeout > kubeTimeout {
		return nil
	}
	for i, a := range c.Check.Test[1:] {
		if m := slowPrograms.FindStringSubmatch(a.Text); m != nil && (i == 0 || c.Check.expands()) {
			said := "timeoutSeconds is not given, so"
			if c.Check.Timeout.Given && c.Check.Timeout.Value > 0 {
				said = "timeoutSeconds is 1:"
			}
			return at(c.Probe.Pos, c.write("timeout", 5*time.Second), "%s it is killed after a second, which %s takes to start", said, m[1])
		}
	}
	return nil
}

// shortKubeStart is how long an app may take to start even where it is small.
const shortKubeStart = 5 * time.Second

func kubeStart(c *container) []problem {
	if c.Probe == nil || c.Probe.Key != "startupProbe" && (c.Probe.Key != "livenessProbe" || c.probe("startupProbe") != nil) || c.isPart() {
		return nil
	}
	grace := time.Duration(0)
	fill := func(key string, def int) int {
		n := c.Probe.Get(key)
		if value, ok := n.Int(); ok && value > 0 {
			return value
		}
		if isLater(n) {
			grace = time.Hour
		}
		return def
	}
	delay, period, failures := fill("initialDelaySeconds", 0), fill("periodSeconds", 10), fill("failureThreshold", 3)
	if grace += time.Duration(delay+period*(min(failures, 1000)-1)) * time.Second; grace >= shortKubeStart {
		return nil
	}
	need := int((30*time.Second-time.Duration(delay)*time.Second)/time.Second)/period + 1
	if c.Probe.Key == "startupProbe" {
		return at(c.Probe.Pos, c.write("retries", need), "an app that is not ready after %s is killed", grace)
	}
	return at(c.Probe.Pos, "", "an app that is not ready after %s is killed: there is no startupProbe", grace)
}

// probe returns the container's probe of a key, or nil.
func (c *container) probe(key string) *kube.Probe {
	for _, p := range c.Kube.Probes {
		if p.Key == key {
			return p
		}
	}
	return nil
}

func kubeDelay(c *container) []problem {
	if c.Probe == nil || c.Probe.Key != "livenessProbe" && c.Probe.Key != "readinessProbe" || c.probe("startupProbe") == nil {
		return nil
	}
	n := c.Probe.Get("initialDelaySeconds")
	if value, ok := n.Int(); !ok || value == 0 {
		return nil
	}
	return at(n.Pos, "", "initialDelaySeconds counts from the container's start, and the startupProbe holds this probe back anyway")
}

func kubeIgnoresImage(c *container) []problem {
	checked := slices.ContainsFunc(c.Kube.Probes, func(p *kube.Probe) bool { return !p.Hook })
	if c.Probe != nil || checked || c.Pod.Ends || c.Image == nil || !c.Image.runs() {
		return nil
	}
	image := *c
	image.Check = imageCheck(c.Image.Check, nil, c.Pos)
	return at(c.Pos, c.ifImagePasses(image.whole(c.Image.ecsTest()...)), "the image has a HEALTHCHECK, which Kubernetes ignores: there is no probe")
}
