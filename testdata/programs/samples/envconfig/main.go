// Variables that have their names from where the fields are.
package main

import (
	"log"
	"net/http"

	"github.com/kelseyhightower/envconfig"
)

type web struct {
	ListenAddr string `split_words:"true" default:":8080"`
}

type config struct {
	Web web
	TLS string
}

func load() (*config, error) {
	c := &config{}
	return c, envconfig.Process("my_app", c)
}

func main() {
	c, err := load()
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	server := &http.Server{Handler: mux}
	server.Addr = c.Web.ListenAddr
	if c.TLS != "" {
		log.Fatal(server.ListenAndServeTLS(c.TLS, c.TLS))
	}
	log.Fatal(server.ListenAndServe())
}
