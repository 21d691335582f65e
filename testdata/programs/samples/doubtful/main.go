// Routes that look like those for health, with something that speaks against each.
package main

import (
	"log"
	"net/http"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/websocket"
)

func ok(http.ResponseWriter, *http.Request) {}

func requireAuth(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			http.Error(w, "who are you?", http.StatusUnauthorized)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func live(w http.ResponseWriter, r *http.Request) {
	var u websocket.Upgrader
	if c, err := u.Upgrade(w, r, nil); err == nil {
		c.Close()
	}
}

func post(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "no", http.StatusMethodNotAllowed)
	}
}

func main() {
	r := chi.NewRouter()
	r.Get("/live", live)                             // becomes a WebSocket
	r.Handle("/healthcheck", http.HandlerFunc(post)) // wants a body
	r.Get("/orders/current/status", ok)              // of an order
	r.Method("GET", "/health", requireAuth(http.HandlerFunc(ok)))
	r.Group(func(r chi.Router) {
		r.Use(requireAuth)
		r.Get("/healthy", ok)
	})
	r.With(requireAuth).Get("/alive", ok)
	log.Fatal(http.ListenAndServe(":8080", r))
}
