// Routes in a table, and an address that nobody in the container reaches by loopback.
package main

import (
	"log"
	"net/http"
)

type route struct {
	pattern string
	handler http.HandlerFunc
}

func ok(http.ResponseWriter, *http.Request) {}

var routes = []route{
	{"GET /", ok},
	{"GET /v1/health", ok},
	{pattern: "GET /v1/readyz", handler: ok},
}

func main() {
	mux := http.NewServeMux()
	for _, r := range routes {
		mux.HandleFunc(r.pattern, r.handler)
	}
	go http.ListenAndServe("10.0.0.5:9999", mux)
	log.Fatal(http.ListenAndServe(":8080", mux))
}
