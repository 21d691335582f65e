// Package programs is what kohealth init is tested on: small apps in samples, and the
// programs of others, which are tools of this module and are read where Go keeps them.
//
// It is a module of its own, so that what they are made of is no part of kohealth. The
// tests are those of builder/discover.
package programs
