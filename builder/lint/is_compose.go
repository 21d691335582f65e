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
// GitLab's and Travis' pipelines.
func isCompose(doc *doctree.Node) bool {
	services, include := doc.Get("services"), doc.Get("include")
	switch {
	case kube.IsObject(doc), isTemplateOfAWS(doc):
		return false
	case services.Given() && services.Kind == doctree.Map && len(services.Fields) > 0:
		return slices.ContainsFunc(services.Fields, func(f doctree.Field) bool { return isService(f.Value) }) || hasOnlyNames(services) && isComposeOnly(doc)
	}
	return isComposeOnly(doc) && (services.Given() || isInclude(include))
}

// isComposeOnly reports whether all keys at the top of a document are Compose's.
func isComposeOnly(doc *doctree.Node) bool {
	return !slices.ContainsFunc(doc.Map(), func(f doctree.Field) bool {
		return !slices.Contains(composeKeys, f.Key.Text) && !strings.HasPrefix(f.Key.Text, "x-")
	})
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
