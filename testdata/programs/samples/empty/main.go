// Addresses that stand in for those that are empty.
package main

import (
	"flag"
	"net/http"
)

func main() {
	var addr, secure, admin string
	flag.StringVar(&addr, "http", "", "address")
	flag.StringVar(&secure, "https", "", "address")
	flag.StringVar(&admin, "admin", ":8070", "address")
	flag.Parse()
	if flag.NArg() > 0 {
		if addr == "" {
			addr = ":80"
		}
	} else if addr == "" {
		addr = "127.0.0.1:8090"
	}
	if admin == "" {
		admin = ":8071"
	}
	listen := addr
	if listen == "" {
		if secure != "" {
			listen = ":https"
		} else {
			listen = ":http"
		}
	}
	go http.ListenAndServe(admin, http.NotFoundHandler())
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.ListenAndServe(listen, mux)
}
