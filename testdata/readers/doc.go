// Package readers tests what kohealth render and taskdef print with the readers of each format:
// they have to accept it, and to read the check that was rendered.
//
// It is a module of its own, so that what the readers are made of is no part of
// kohealth.
package readers
