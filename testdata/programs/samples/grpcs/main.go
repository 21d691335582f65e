// gRPC with TLS and its health service, beside a server for metrics.
package main

import (
	"log"
	"net"
	"net/http"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

func options() ([]grpc.ServerOption, error) {
	creds, err := credentials.NewServerTLSFromFile("/tls/tls.crt", "/tls/tls.key")
	if err != nil {
		return nil, err
	}
	return []grpc.ServerOption{grpc.Creds(creds)}, nil
}

func main() {
	opts, err := options()
	if err != nil {
		log.Fatal(err)
	}
	s := grpc.NewServer(opts...)
	healthpb.RegisterHealthServer(s, health.NewServer())
	go http.ListenAndServe(":9100", nil)

	addr := ":50051"
	if port := os.Getenv("GRPC_PORT"); port != "" {
		addr = ":" + port
	}
	l, err := net.Listen("tcp", addr)
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(s.Serve(l))
}
