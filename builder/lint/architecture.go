package lint

func wrongArchitecture(c *container) []problem {
	if c.Image == nil || c.Image.Platform.OS != "linux" {
		return nil
	}
	arch, want := c.Image.Platform.Architecture, c.Platform.Architecture
	if c.Runtime == onECS && !c.platformUnsure && arch != want {
		return at(c.ImageRef.At(), c.architectureFix(), "the image is for %s, and the task runs on %s", arch, want)
	}
	if c.Runtime == onKubernetes && c.Probe == nil && !c.platformUnsure && arch != want {
		return at(c.ImageRef.At(), "kubernetes.io/arch: "+arch, "the image is for %s, and the pod asks for nodes of %s", arch, want)
	}
	if c.Own != nil && arch != c.Own.Architecture {
		return at(c.ImageRef.At(), c.write("platform", c.Image.Platform.OS+"/"+arch), "the image is for %s, and the service is for %s", arch, c.Own.Architecture)
	}
	return nil
}

func (c *container) architectureFix() string {
	ecs := map[string]string{"amd64": "X86_64", "arm64": "ARM64"}[c.Image.Platform.Architecture]
	if ecs == "" {
		return ""
	}
	if c.Style == hclStyle { // the block of the resource, which is not in what jsonencode takes
		return `runtime_platform { cpu_architecture = ` + encode(ecs) + ` }`
	}
	return c.Style.pair("runtimePlatform", "{"+c.write("operatingSystemFamily", "LINUX")+", "+c.write("cpuArchitecture", ecs)+"}")
}
