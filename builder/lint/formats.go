package lint

import (
	"context"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/kube"
)

// A Format is a kind of file that lint reads. What there is to say of one stands in the
// table of [Formats]: its reader, the files of a directory that are looked at, and the
// documentation come from there.
type Format struct {
	ID    string   // one word
	Name  string   // with its article, as in "a Compose file"
	Files []string // names of the files in a directory that may be of the format: patterns of [path.Match]
	By    string   // what a file of any name is recognised by; for documentation, as Read and Left are
	Read  string   // what is read
	Left  string   // what is not, and stays unknown

	runtime runtime // of its containers: it says which rules apply

	// Exactly one of the two recognises the format: in a document of JSON or YAML, or in
	// a file that is neither. An isFile goes by the name, and by the bytes where there is
	// none.
	isDocument func(*doctree.Node) bool
	isFile     func(*file) bool
	// whole formats make one of all documents of a file, whatever the others would be.
	whole bool

	// read reads a file's containers: of documents, those that are of the format.
	read func(context.Context, *file, Options) ([]*group, error)
}

// FileFormats returns the formats that lint reads, in the order in which they are looked for.
func FileFormats() []Format {
	return []Format{
		{
			ID: "dockerfile", Name: "a Dockerfile",
			Files:   []string{"Dockerfile", "Dockerfile.*", "Dockerfile-*", "*.Dockerfile", "*.dockerfile", "Containerfile", "Containerfile.*"},
			By:      "its name, or `FROM` at its beginning",
			Read:    "the `HEALTHCHECK` of the last stage and of others that have one, against the image that the stage begins with; `ARG`, `ENV`, `USER`, `WORKDIR`, `EXPOSE`, `COPY`, `RUN`",
			Left:    "what `COPY` and `RUN` put into the image: a program that one of them may bring is no error, and where a `RUN` installs others by name a warning",
			runtime: onBuild, isFile: isDockerfile, read: readDockerfile,
		},
		{
			ID: "terraform", Name: "a Terraform file",
			Files:   []string{"*.tf", "*.tofu"},
			By:      "its name, `*.tf` or `*.tofu`",
			Read:    "`aws_ecs_task_definition`: `jsonencode`, `yamldecode`, heredocs, `file`, `templatefile` and `template_file`, locals, variables with defaults or in `terraform.tfvars`, `*.auto.tfvars` and `.json` of both, functions; `container_definitions` of terraform-aws-modules/ecs, and cloudposse's container definition",
			Left:    "what only a plan knows: `for_each`, data sources, other resources and modules",
			runtime: onECS, isFile: isTerraform, read: readTerraform,
		},
		{
			ID: "terraform-plan", Name: "a Terraform plan in JSON",
			Files:   []string{"*plan*.json"},
			By:      "`format_version` and `planned_values` or `values`, as `terraform show -json` prints them",
			Read:    "`aws_ecs_task_definition` in all modules",
			Left:    "what is known after apply",
			runtime: onECS, isDocument: isPlan, read: eachDocument(readPlan),
		},
		{
			ID: "quadlet", Name: "a Quadlet unit",
			Files:   []string{"*.container", "*.kube"},
			By:      "its name, `*.container` or `*.kube`",
			Read:    "`HealthCmd` and its numbers, `Image`, `Environment`, `User`, `Volume` and the like; which YAML a `.kube` names",
			Left:    "images of `.image` and `.build` units, environment files, `PodmanArgs`, what systemd replaces",
			runtime: onRun, isFile: isQuadlet, read: readQuadlet,
		},
		{
			ID: "nomad", Name: "a Nomad job",
			Files:   []string{"*.nomad", "*.hcl"},
			By:      "its name, `*.nomad`, or a `job` block in `*.hcl`",
			Read:    "checks of type `script` in services of tasks and groups, the `config` of Docker's and Podman's tasks, `env`, `user`, variables with defaults",
			Left:    "what Nomad replaces when the task runs; jobs in JSON",
			runtime: onNomad, isFile: isNomad, read: readNomad,
		},
		{
			ID: "ko", Name: "a .ko.yaml",
			Files:   []string{".ko.yaml"},
			By:      "its name, `.ko.yaml`",
			Read:    "the checks for all images and those of `builds`, as kohealth makes them, against the base image",
			Left:    "what ko builds, packages, base images of `baseImageOverrides`",
			runtime: onBuild, isFile: isKoFile, read: readKo,
		},
		{
			ID: "copilot", Name: "a Copilot manifest",
			Files:   []string{"manifest.yml"},
			By:      "`name` and `type` of a service or job of Copilot's",
			Read:    "the service's container and its sidecars: checks, images, variables, ports, dependencies",
			Left:    "images that Copilot builds, what environments override, `taskdef_overrides`",
			runtime: onECS, isDocument: isCopilot, read: eachDocument(readCopilot),
		},
		{
			ID: "inspect", Name: "an output of docker inspect",
			By:      "`Id` and `Config`, in a list or by itself",
			Read:    "containers and images of `docker inspect` and `podman inspect`: check, environment, user, mounts, what starts",
			Left:    "containers whose images are only in an engine",
			runtime: onRun, isDocument: isInspect, read: eachDocument(readInspect),
		},
		{
			ID: "kubernetes", Name: "a Kubernetes manifest",
			Files:   []string{"*.yaml", "*.yml"},
			By:      "`apiVersion` and `kind` at its top",
			Read:    "pods, all that has a template of pods (Deployment, StatefulSet, DaemonSet, ReplicaSet, Job, CronJob, Knative's Service, …), lists of them, what Kustomize and Helm print; probes and lifecycle hooks with image, command, args, env, securityContext, volumeMounts and ports",
			Left:    "values of secrets; what config maps of other files and services set; init containers that end; templates that are not rendered",
			runtime: onKubernetes, isDocument: kube.IsObject, read: readKubernetes,
		},
		{
			ID: "compose", Name: "a Compose file",
			Files:   []string{"compose*.yaml", "compose*.yml", "docker-compose*.yaml", "docker-compose*.yml", "container-compose*.yaml", "container-compose*.yml"},
			By:      "`services` or `include` at its top",
			Read:    "services of all profiles, their checks, environment, env_file, user, ports, volumes, depends_on; include, extends, variables, .env, `compose.override.yaml` and `COMPOSE_FILE` as Compose reads them",
			Left:    "images that are built from it",
			runtime: onCompose, isDocument: isCompose, whole: true, read: readComposeFile,
		},
		{
			ID: "cloudformation", Name: "a CloudFormation template",
			Files:   []string{"*.template", "*.template.json", "*.template.yaml", "*.template.yml", "template.yaml", "template.yml", "template.json"},
			By:      "`Resources` at its top",
			Read:    "`AWS::ECS::TaskDefinition`, and the `AWS::ECS::Service` that runs it behind a Classic Load Balancer",
			Left:    "what functions such as `!Ref` and `!Sub` give; conditional parts",
			runtime: onECS, isDocument: isTemplateOfAWS, read: eachDocument(readTemplate),
		},
		{
			ID: "ecs", Name: "an ECS task definition",
			Files:   []string{"*task*def*.json", "*task*def*.yaml", "*task*def*.yml"},
			By:      "`containerDefinitions` at its top or in `taskDefinition`, or a list of container definitions, or one by itself; JSON may have comments and `{{ … }}`, as ecspresso's has",
			Read:    "container definitions, their checks, environment, user, ports, mounts, memory, dependencies; the task's platform and pidMode",
			Left:    "environment files, values of secrets, what templates put in; Jsonnet",
			runtime: onECS, isDocument: isTask, read: eachDocument(readTaskDocument),
		},
	}
}

// A file is what lint is asked about.
type file struct {
	name string
	data []byte
	docs []*doctree.Node // of JSON or YAML: those that are for the reader
}

func (f *file) isJSON() bool { return doctree.IsJSON(f.data) }

// ecsStyle returns how ECS's keys are written in the file.
func (f *file) ecsStyle() style {
	if f.isJSON() {
		return camelJSON
	}
	return camelYAML
}

// eachDocument reads documents one by one.
func eachDocument(read func(f *file, doc *doctree.Node) []*group) func(context.Context, *file, Options) ([]*group, error) {
	return func(_ context.Context, f *file, _ Options) (groups []*group, err error) {
		for _, doc := range f.docs {
			groups = append(groups, read(f, doc)...)
		}
		return groups, nil
	}
}
