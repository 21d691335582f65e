// A port that a function puts where a pointer leads, and gRPC's health service there.
package main

import (
	"fmt"
	"log"
	"net"
	"os"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

type service struct{ store, mail string }

func required(target *string, name string) {
	value := os.Getenv(name)
	if value == "" {
		panic(name + " is not set")
	}
	*target = value
}

func main() {
	port := "50051"
	if os.Getenv("PORT") != "" {
		port = os.Getenv("PORT")
	}
	s := &service{}
	required(&s.store, "STORE_ADDR")
	required(&s.mail, "MAIL_ADDR")
	metrics := ""
	required(&metrics, "METRICS_PORT")
	go net.Listen("tcp", ":"+metrics)

	l, err := net.Listen("tcp", fmt.Sprintf(":%s", port))
	if err != nil {
		log.Fatal(err)
	}
	var srv *grpc.Server
	srv = grpc.NewServer()
	healthpb.RegisterHealthServer(srv, health.NewServer())
	log.Fatal(srv.Serve(l))
}
