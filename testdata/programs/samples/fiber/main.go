// Host and port are joined; the address is only to be had from within.
package main

import (
	"log"
	"net"
	"os"

	"github.com/gofiber/fiber/v2"
)

const host = "127.0.0.1"

func port() (p string) {
	p = os.Getenv("APP_PORT")
	if p == "" {
		p = "3000"
	}
	return
}

func main() {
	app := fiber.New()
	for _, path := range []string{"/up", "/status"} {
		app.Get(path, func(c *fiber.Ctx) error { return c.SendStatus(200) })
	}
	log.Fatal(app.Listen(net.JoinHostPort(host, port())))
}
