// The port is in a struct that a library fills from the environment.
package main

import (
	"log"
	"net/http"
	"strconv"

	"github.com/kelseyhightower/envconfig"
	"github.com/labstack/echo/v4"
)

type config struct {
	Host string `envconfig:"HOST"`
	Port int    `envconfig:"PORT" default:"1323"`
}

func main() {
	var c config
	if err := envconfig.Process("shop", &c); err != nil {
		log.Fatal(err)
	}
	e := echo.New()
	e.Group("/_").GET("/health", func(c echo.Context) error { return c.NoContent(http.StatusOK) })
	e.Logger.Fatal(e.Start(c.Host + ":" + strconv.Itoa(c.Port)))
}
