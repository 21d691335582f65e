//go:build linux && go1.27

package main

import "os"

func arguments() []string { return os.Args }
