// An API of huma's, in a group.
package main

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

func status(context.Context, *struct{}) (*struct{}, error) { return nil, nil }

func main() {
	mux := http.NewServeMux()
	api := humago.New(mux, huma.DefaultConfig("shop", "1"))
	huma.Register(api, huma.Operation{Method: http.MethodPost, Path: "/healthz", OperationID: "report"}, status)
	huma.Register(huma.NewGroup(api, "/v1"), huma.Operation{Method: http.MethodGet, Path: "/health", OperationID: "health"}, status)
	http.ListenAndServe(":8888", mux)
}
