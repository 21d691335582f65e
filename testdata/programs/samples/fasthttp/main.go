// A server of fasthttp, whose handler compares paths.
package main

import (
	"flag"
	"log"

	"github.com/valyala/fasthttp"
)

func handle(ctx *fasthttp.RequestCtx) {
	switch string(ctx.Path()) {
	case "/healthz":
		ctx.SetStatusCode(fasthttp.StatusOK)
	default:
		ctx.Error("not found", fasthttp.StatusNotFound)
	}
}

func main() {
	addr := flag.String("addr", ":8080", "address")
	flag.Parse()
	server := &fasthttp.Server{Handler: handle}
	log.Fatal(server.ListenAndServe(*addr))
}
