// Package discover reads an app's source and proposes health checks for it: where does
// it listen, which of its routes are about health, and which environment variables and
// flags decide. Every proposal names the places in the source that it rests on.
//
// It follows values backwards, through variables, fields, parameters and functions of
// the app's own module, without running anything and without regard to the order of
// statements. What it cannot follow is unknown, and is said to be.
//
//	app, err := discover.Load(ctx, "", "./cmd/app")
//	for _, p := range app.Proposals() {
//		fmt.Println(p.Test, p.Evidence)
//	}
package discover
