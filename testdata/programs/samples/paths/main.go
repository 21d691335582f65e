// A handler that looks at the path itself, and one that a wrong guess would take.
package main

import (
	"log"
	"net/http"
)

type app struct{}

func (app) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; path {
	case "/", "/index.html":
	case "/healthz":
	default:
		http.NotFound(w, r)
	}
}

func quiet(r *http.Request) bool { return r.URL.Path == "/ping" }

func main() {
	log.Fatal(http.ListenAndServe("[::]:8081", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !quiet(r) {
			log.Println(r.URL)
		}
		if r.URL.Path == "/livez" { // is not logged, and answered as all others are
			app{}.ServeHTTP(w, r)
			return
		}
		verbose := true
		switch {
		case r.URL.Path == "/status", r.URL.Path == "/up":
			verbose = false
		}
		app{}.ServeHTTP(w, r)
		if verbose {
			log.Println(r.URL)
		}
	})))
}
