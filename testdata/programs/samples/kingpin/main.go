// A Prometheus exporter's way.
package main

import (
	"log"
	"net/http"

	"github.com/alecthomas/kingpin/v2"
)

var addr = kingpin.Flag("web.listen-address", "Address to listen on.").Default(":9115").Envar("LISTEN").String()

func main() {
	kingpin.Parse()
	http.HandleFunc("/-/healthy", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/-/ready", func(http.ResponseWriter, *http.Request) {})
	log.Fatal(http.ListenAndServe(*addr, nil))
}
