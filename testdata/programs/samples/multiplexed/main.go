// gRPC and a health route on one port, and on another one what gRPC does not reach.
package main

import (
	"log"
	"net/http"
	"strings"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"connectrpc.com/grpchealth"
)

func main() {
	s := grpc.NewServer()
	healthpb.RegisterHealthServer(s, health.NewServer())
	mux := http.NewServeMux()
	mux.HandleFunc("/livez", func(http.ResponseWriter, *http.Request) {})
	both := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc") {
			s.ServeHTTP(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
	go http.ListenAndServe(":8080", h2c.NewHandler(both, &http2.Server{}))

	one := http.NewServeMux() // speaks HTTP/1.1 only
	one.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker()))
	go http.ListenAndServe(":8081", one)
	tls := http.NewServeMux()
	tls.Handle(grpchealth.NewHandler(grpchealth.NewStaticChecker()))
	log.Fatal(http.ListenAndServeTLS(":8443", "tls.crt", "tls.key", tls))
}
