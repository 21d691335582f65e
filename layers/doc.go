// Package layers answers: what bytes do we add?
//
// It makes the parts of an image that kohealth adds to what ko builds: the probe,
// which it compiles from source it carries, the probe's arguments, and a whole
// base image for those who want no registry's, served by [Transport] under the name
// [StaticRef]. Where in an image the parts go is the business of package builder.
//
// Every layer comes from [Layer] and is deterministic: the same files give the same
// digest, on every machine and at every time, as long as kohealth is compiled with
// the same version of Go, whose compressor it uses. So registries and nodes keep one copy
// for all apps, and a digest that changes says that the content did.
//
//	layer, err := layers.Layer([]layers.File{
//		{Path: "/usr/bin/healthcheck", Mode: 0o555, Content: probe},
//	}, types.OCILayer)
package layers
