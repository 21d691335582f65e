package lint

import (
	"slices"
	"strings"

	"github.com/ko-health/kohealth/builder/doctree"
	"github.com/ko-health/kohealth/builder/kube"
)

// composeKeys are what a Compose file has at its top, and serviceKeys what nearly every
// service of one has some of.
//
// https://docs.docker.com/reference/compose-file/
var (
	composeKeys = []string{"name", "version", "services", "include", "networks", "volumes", "secrets", "configs", "models"}
	serviceKeys = []string{"image", "build", "extends", "healthcheck", "command", "entrypoint", "environment", "env_file", "ports", "expose",
		"volumes", "depends_on", "deploy", "networks", "network_mode", "profiles", "restart", "user", "labels", "container_name", "platform", "<<"}
)

// isCompose reports whether a document is a Compose file's. Files of other tools have
// services or include at their top, too: Symfony's and Drupal's, azd's, Render's, those of
// GitLab's and Travis' pipelines. One key at the top may be wrong, as Compose then says.
func isCompose(doc *doctree.Node) bool {
	services, include, others := doc.Get("services"), doc.Get("include"), foreignKeys(doc)
	switch {
	case kube.IsObject(doc), isTemplateOfAWS(doc):
		return false
	case len(services.Map()) > 0:
		isAny := slices.ContainsFunc(services.Fields, func(f doctree.Field) bool { return isService(f.Value) })
		return isAny && others < 2 || hasOnlyNames(services) && others == 0
	case slices.ContainsFunc(services.List(), func(n *doctree.Node) bool { return n.Kind == doctree.Map }):
		return false
	}
	return others == 0 && (services.Given() || isInclude(include))
}

// foreignKeys returns how many keys at the top of a document are not Compose's.
func foreignKeys(doc *doctree.Node) (n int) {
	for _, f := range doc.Map() {
		if !slices.Contains(composeKeys, f.Key.Text) && !strings.HasPrefix(f.Key.Text, "x-") {
			n++
		}
	}
	return n
}

func isService(n *doctree.Node) bool {
	return slices.ContainsFunc(n.Map(), func(f doctree.Field) bool { return slices.Contains(serviceKeys, f.Key.Text) })
}

// hasOnlyNames reports whether nothing is said of any service.
func hasOnlyNames(services *doctree.Node) bool {
	return !slices.ContainsFunc(services.Map(), func(f doctree.Field) bool { return len(f.Value.Map()) > 0 })
}

// isInclude reports whether a list holds other Compose files, and not GitLab's.
func isInclude(n *doctree.Node) bool {
	return len(n.List()) > 0 && !slices.ContainsFunc(n.List(), func(item *doctree.Node) bool {
		return item.Kind == doctree.Map && !item.Get("path").Given()
	})
}
