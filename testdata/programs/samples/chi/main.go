// Routes lie in groups and below others; the address is a flag.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

var addr = flag.String("listen", ":3000", "address to listen on")

func ok(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }

func admin() http.Handler {
	r := chi.NewRouter()
	r.Get("/health", ok)
	return r
}

func main() {
	flag.Parse()
	r := chi.NewRouter()
	r.Use(middleware.Logger)
	r.Route("/api", func(r chi.Router) {
		r.Use(middleware.NoCache)
		r.Route("/v1", func(r chi.Router) {
			r.With(middleware.NoCache).Get("/livez", ok)
			r.Get("/users/{id}/status", ok)
		})
		r.Post("/healthz", ok)
	})
	r.Mount("/admin", admin())
	log.Fatal(http.ListenAndServe(*addr, r))
}
