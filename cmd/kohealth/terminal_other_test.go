//go:build !unix

package main

func terminal() { panic("scripts that need a terminal are for Unix") }
