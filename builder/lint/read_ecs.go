package lint

import (
	"math"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/ko-health/kohealth/builder/composefile"
	"github.com/ko-health/kohealth/builder/doctree"
)

// isTask reports whether a document holds a task definition, or container definitions.
func isTask(doc *doctree.Node) bool {
	definitions := doc.List() // Terraform's container_definitions
	return doc.Get("containerDefinitions").Given() || doc.Get("taskDefinition").Get("containerDefinitions").Given() ||
		len(definitions) > 0 && definitions[0].Get("image").Given() || isDefinition(doc)
}

// isDefinition reports whether a document is a container definition by itself.
func isDefinition(doc *doctree.Node) bool {
	isECS := func(key string) bool { return doc.Get(key).Given() }
	return doc.Get("image").Given() && !doc.Get("apiVersion").Given() &&
		slices.ContainsFunc([]string{"healthCheck", "essential", "portMappings", "logConfiguration", "memoryReservation"}, isECS)
}

func readTaskDocument(f *file, doc *doctree.Node) []*group {
	described := doc.Get("taskDefinition") // what describe-task-definition prints
	switch {
	case doc.Get("containerDefinitions").Given():
		return []*group{readTask(doc, f.ecsStyle())}
	case described.Get("containerDefinitions").Given():
		return []*group{readTask(described, f.ecsStyle())}
	}
	if doc.Kind == doctree.Map {
		doc = &doctree.Node{Kind: doctree.List, Pos: doc.Pos, Items: []*doctree.Node{doc}}
	}
	return []*group{readDefinitions(doc, f.ecsStyle())}
}

// readTask reads a task definition. CloudFormation's differs in the case of keys only.
//
// https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html
func readTask(task *doctree.Node, style style) *group {
	g := &group{Runtime: onECS, Style: style, TaskMemory: task.Get("memory").Given()}
	for _, n := range task.Get("requiresCompatibilities").List() {
		g.Fargate = g.Fargate || n.Text == "FARGATE"
		g.EC2 = g.EC2 || n.Text == "EC2" || n.Text == "MANAGED_INSTANCES"
	}
	g.setPlatform(task.Get("runtimePlatform"))
	if mode := task.Get("pidMode"); mode.Given() {
		g.SharedPID = mode
	}
	for _, n := range task.Get("containerDefinitions").List() {
		if n.Kind != doctree.Map || n.Get("Fn::If").Given() {
			continue // known only when the file is used
		}
		c := readECSContainer(n)
		c.group = g
		g.Containers = append(g.Containers, c)
	}
	return g
}

// readDefinitions reads the container definitions of a task that is defined elsewhere.
func readDefinitions(list *doctree.Node, style style) *group {
	g := readTask(&doctree.Node{Kind: doctree.Map, Fields: []doctree.Field{
		{Key: &doctree.Node{Text: "containerDefinitions"}, Value: list},
	}}, style)
	g.TaskMemory, g.platformUnsure = true, true
	return g
}

// setPlatform reads the platform that a task runs on. ECS's default is X86_64 on Linux.
func (g *group) setPlatform(n *doctree.Node) {
	g.Platform = v1.Platform{OS: "linux", Architecture: "amd64"}
	if os, _ := n.Get("operatingSystemFamily").Str(); strings.HasPrefix(os, "WINDOWS") {
		g.Platform.OS = "windows"
	}
	arch := n.Get("cpuArchitecture")
	text, known := arch.Str()
	g.PlatformPos = arch.At()
	g.platformUnsure = arch.Given() && (!known || isOpen(text)) || isUnknown(n)
	if text == "ARM64" {
		g.Platform.Architecture = "arm64"
	}
}

func readECSContainer(n *doctree.Node) *container {
	c := &container{
		Pos:          n.At(),
		ImageRef:     n.Get("image"),
		Essential:    !n.Get("essential").Given() || n.Get("essential").IsTrue(),
		Env:          map[string]string{},
		StartTimeout: n.Get("startTimeout").Given(),
		Reservation:  n.Get("memoryReservation").Given(),
		User:         n.Get("user"),
	}
	c.Name = nameOf(n.Get("name"))
	c.Dir = textOf(n.Get("workingDirectory"))
	if isUnknown(n.Get("essential")) {
		c.Essential = false // then nothing is said of it
	}
	c.ReadOnly = n.Get("readonlyRootFilesystem").IsTrue()
	if memory := n.Get("memory"); memory.Given() {
		c.Memory, _ = memory.Int()
		c.Reservation = c.Reservation || c.Memory == 0 // of unknown size
	}
	for _, kv := range n.Get("environment").List() {
		c.setVariable(kv.Get("name"), kv.Get("value"))
	}
	for _, kv := range n.Get("secrets").List() {
		c.setVariable(kv.Get("name"), nil)
	}
	c.EnvOpen = c.EnvOpen || n.Get("environmentFiles").Given() || isUnknown(n.Get("environment")) || isUnknown(n.Get("secrets"))
	for _, p := range n.Get("portMappings").List() {
		protocol, _ := p.Get("protocol").Str()
		if port, ok := p.Get("containerPort").Int(); ok && (protocol == "" || protocol == "tcp") {
			c.Ports = append(c.Ports, port)
		}
	}
	for _, d := range n.Get("dependsOn").List() {
		if condition, _ := d.Get("condition").Str(); condition == "HEALTHY" {
			name := nameOf(d.Get("containerName"))
			c.DependsOn = append(c.DependsOn, dependency{name, d.At()})
		}
	}
	for _, m := range n.Get("mountPoints").List() {
		c.Mounts = append(c.Mounts, m.Get("containerPath"))
	}
	c.MountsOpen = isUnknown(n.Get("mountPoints")) || n.Get("volumesFrom").Given()
	for _, m := range n.Get("linuxParameters").Get("tmpfs").List() {
		c.Mounts = append(c.Mounts, m.Get("containerPath"))
	}
	c.Entrypoint, c.Command = readWords(n.Get("entryPoint")), readWords(n.Get("command"))
	c.readECSCheck(n.Get("healthCheck"))
	return c
}

// isUnknown reports whether a value, or an item of a list, is known only when the file is
// used.
func isUnknown(n *doctree.Node) bool {
	return n != nil && n.Kind == doctree.Unknown && n.Given() || slices.ContainsFunc(n.List(), isUnknown)
}

// textOf returns a scalar's text, which may not be known.
func textOf(n *doctree.Node) string {
	if text, ok := n.Str(); ok || !isUnknown(n) {
		return text
	}
	return composefile.Unknown
}

// setVariable notes a variable. The value of a secret, or of a function of
// CloudFormation's, is known only in the container.
func (c *container) setVariable(name, value *doctree.Node) {
	key, ok := name.Str()
	text, known := value.Str()
	if !known {
		text = composefile.Unknown
	}
	if ok {
		c.Env[key] = text
	} else {
		c.EnvOpen = true
	}
}

// nameOf returns a container's name, with ? for what is not known of it. One that a template's
// parameter has is called as the parameter is.
func nameOf(n *doctree.Node) string {
	if name, ok := n.Str(); ok {
		return strings.ReplaceAll(name, composefile.Unknown, "?")
	}
	return refersTo(n)
}

func (c *container) readECSCheck(n *doctree.Node) {
	if !n.Given() {
		return
	}
	command := n.Get("command")
	if text, ok := command.Str(); ok {
		c.Plain, c.PlainPos = text, command.Pos
	}
	c.Unclear = n.Get("command").Given() && command.Kind != doctree.List || n.Kind != doctree.Map || n.Get("Fn::If").Given()
	if c.Unclear {
		return
	}
	c.Check = &check{
		Pos:         n.Pos,
		Test:        readArgs(command.List()),
		Interval:    readSeconds(n.Get("interval")),
		Timeout:     readSeconds(n.Get("timeout")),
		StartPeriod: readSeconds(n.Get("startPeriod")),
		Retries:     readNumber(n.Get("retries")),
	}
}

// readSeconds reads a whole number of seconds.
func readSeconds(n *doctree.Node) duration {
	i := readNumber(n)
	const most = math.MaxInt32 // what is more cannot be told in nanoseconds, and is out of range anyway
	d := duration{Value: time.Duration(min(max(i.Value, -most), most)) * time.Second, Given: i.Given, Bad: i.Bad, Pos: i.Pos}
	d.Open = n.Given() && !i.Given && i.Bad == ""
	if meant, err := time.ParseDuration(i.Bad); err == nil {
		d.Value = meant
	}
	return d
}

// isTemplateOfAWS reports whether a document is a template. Helm's values, too, have
// resources, which begin with a small letter.
func isTemplateOfAWS(doc *doctree.Node) bool {
	return slices.ContainsFunc(doc.Map(), func(f doctree.Field) bool { return f.Key.Text == "Resources" && f.Value.Given() })
}

// readTemplate reads the task definitions of a CloudFormation template's resources,
// and the services that run them behind a Classic Load Balancer.
func readTemplate(f *file, doc *doctree.Node) (groups []*group) {
	resources, style := doc.Get("Resources"), pascalYAML
	if f.isJSON() {
		style = pascalJSON
	}
	tasks := map[string]*group{}
	for _, f := range resources.Map() {
		if kind, _ := f.Value.Get("Type").Str(); kind == "AWS::ECS::TaskDefinition" {
			g := readTask(f.Value.Get("Properties"), style)
			tasks[f.Key.Text] = g
			groups = append(groups, g)
		}
	}
	for _, f := range resources.Map() {
		if kind, _ := f.Value.Get("Type").Str(); kind != "AWS::ECS::Service" {
			continue
		}
		properties := f.Value.Get("Properties")
		g := tasks[refersTo(properties.Get("TaskDefinition"))]
		for _, lb := range properties.Get("LoadBalancers").List() {
			if name := lb.Get("LoadBalancerName"); g != nil && name.Given() {
				g.ClassicLB = name
			}
		}
	}
	return groups
}

// refersTo returns the resource that !Ref and {"Ref": …} name.
func refersTo(n *doctree.Node) string {
	if n != nil && n.Kind == doctree.Unknown {
		return n.Text
	}
	name, _ := n.Get("Ref").Str()
	return name
}
