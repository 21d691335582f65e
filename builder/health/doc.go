// Package health says what a health check is: how users write it, what it
// defaults to, which limits it has to keep, and the form in which an image's
// config holds it.
//
// A check is written with the keys of Compose's healthcheck. Every place where it
// can be written (a flag, an environment variable, a build's section of .ko.yaml,
// the file's top level) yields [Settings], which say something about some of the
// keys. Settings are laid over each other and then turned into a [Check], in which
// every key has a value:
//
//	var flags, file health.Settings
//	err := flags.Set(health.KeyTest, "http://:8080/healthz")
//	…
//	check, err := flags.Over(file).Check()
//	check.Config() // what the image config's Healthcheck says
package health
