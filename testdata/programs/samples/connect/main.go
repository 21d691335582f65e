// connect with gRPC's health service and HTTP/2 without TLS, beside a server for metrics.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"connectrpc.com/connect"
	"connectrpc.com/grpchealth"
)

type message struct{}

func greet(context.Context, *connect.Request[message]) (*connect.Response[message], error) {
	return connect.NewResponse(&message{}), nil
}

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/greet.v1.GreetService/Greet", connect.NewUnaryHandler("/greet.v1.GreetService/Greet", greet))
	path, handler := grpchealth.NewHandler(grpchealth.NewStaticChecker("greet.v1.GreetService"))
	mux.Handle(path, handler)
	return mux
}

func main() {
	metrics := http.NewServeMux()
	metrics.HandleFunc("/metrics", func(http.ResponseWriter, *http.Request) {})
	go http.ListenAndServe(":9100", metrics)

	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(true)
	server := &http.Server{Addr: ":" + os.Getenv("PORT"), Handler: routes(), Protocols: protocols}
	log.Fatal(server.ListenAndServe())
}
