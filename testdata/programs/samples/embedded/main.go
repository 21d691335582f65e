// A server that is part of a larger one, and one of which nothing is known.
package main

import (
	"flag"
	"log"
	"net/http"
)

type manager struct {
	*http.Server
	name string
}

func (m *manager) run() { log.Fatal(m.ListenAndServe()) }

type api struct{ *http.ServeMux }

func newAPI() *api {
	a := &api{ServeMux: http.NewServeMux()}
	a.HandleFunc("/livez", func(http.ResponseWriter, *http.Request) {})
	return a
}

// others are servers that are made elsewhere.
var others map[string]*http.Server

func main() {
	addr := flag.String("management", ":8055", "address")
	flag.Parse()
	for _, other := range others {
		go other.ListenAndServe() // not on :80, for all that is known
	}
	m := manager{Server: &http.Server{Addr: *addr}, name: "manager"}
	m.Handler = newAPI()
	m.run()
}
