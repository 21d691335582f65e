// Flags of urfave/cli, with variables.
package main

import (
	"context"
	"log"
	"net/http"
	"os"

	"github.com/urfave/cli/v3"
)

func main() {
	var metrics string
	app := &cli.Command{
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "listen", Value: ":8080", Sources: cli.EnvVars("LISTEN_ADDR")},
			&cli.StringFlag{Name: "metrics", Value: ":9090", Destination: &metrics},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			go http.ListenAndServe(metrics, http.NotFoundHandler())
			mux := http.NewServeMux()
			mux.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
			return http.ListenAndServe(c.String("listen"), mux)
		},
	}
	if err := app.Run(context.Background(), os.Args); err != nil {
		log.Fatal(err)
	}
}
