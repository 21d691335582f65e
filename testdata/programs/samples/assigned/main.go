// Addresses that are set in several places. Where these disagree nothing is known.
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	a := &http.Server{Addr: ":8001"}
	if port := os.Getenv("PORT"); port != "" {
		a.Addr = ":" + port
	}
	go a.ListenAndServe()

	b := &http.Server{Addr: ":8002"}
	if os.Getenv("DEBUG") != "" {
		b = &http.Server{Addr: ":9002"}
	}
	go b.ListenAndServe()

	port := 8003
	port++
	go http.ListenAndServe(fmt.Sprintf(":%d", port), nil)

	addr := ":8004"
	set(&addr)
	go http.ListenAndServe(addr, nil)

	http.ListenAndServe(first("x"), nil)
}

func set(addr *string) { *addr = ":9004" }

// There are 4^10 ways to the address.

func first(s string) string {
	switch s {
	case "a":
		return second(s)
	case "b":
		return second(s)
	case "c":
		return second(s)
	}
	return second(s)
}

func second(s string) string {
	switch s {
	case "a":
		return third(s)
	case "b":
		return third(s)
	case "c":
		return third(s)
	}
	return third(s)
}

func third(s string) string {
	switch s {
	case "a":
		return fourth(s)
	case "b":
		return fourth(s)
	case "c":
		return fourth(s)
	}
	return fourth(s)
}

func fourth(s string) string {
	switch s {
	case "a":
		return fifth(s)
	case "b":
		return fifth(s)
	case "c":
		return fifth(s)
	}
	return fifth(s)
}

func fifth(s string) string {
	switch s {
	case "a":
		return sixth(s)
	case "b":
		return sixth(s)
	case "c":
		return sixth(s)
	}
	return sixth(s)
}

func sixth(s string) string {
	switch s {
	case "a":
		return seventh(s)
	case "b":
		return seventh(s)
	case "c":
		return seventh(s)
	}
	return seventh(s)
}

func seventh(s string) string {
	switch s {
	case "a":
		return eighth(s)
	case "b":
		return eighth(s)
	case "c":
		return eighth(s)
	}
	return eighth(s)
}

func eighth(s string) string {
	switch s {
	case "a":
		return ninth(s)
	case "b":
		return ninth(s)
	case "c":
		return ninth(s)
	}
	return ninth(s)
}

func ninth(s string) string {
	switch s {
	case "a":
		return tenth(s)
	case "b":
		return tenth(s)
	case "c":
		return tenth(s)
	}
	return tenth(s)
}

func tenth(s string) string { return ":8005" }
