// Routes that routers have of themselves, if they are told to.
package main

import (
	"cmp"
	"log"
	"net/http"
	"os"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/middleware/healthcheck"
	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
)

func main() {
	r := chi.NewRouter()
	r.Use(middleware.Heartbeat("/ping"))
	go http.ListenAndServe(":"+cmp.Or(os.Getenv("PORT"), "3000"), r)

	app := fiber.New()
	app.Use(healthcheck.New())
	go app.Listen(":3001")

	conn, err := grpc.NewClient("localhost:9000")
	if err != nil {
		log.Fatal(err)
	}
	gateway := runtime.NewServeMux(runtime.WithHealthzEndpoint(grpc_health_v1.NewHealthClient(conn)))
	log.Fatal(http.ListenAndServe(":3002", gateway))
}
