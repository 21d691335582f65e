// A variable of viper's that has the name of its key.
package main

import (
	"net/http"

	"github.com/spf13/viper"
)

func main() {
	viper.SetEnvPrefix("app")
	viper.BindEnv("port")
	viper.SetDefault("port", "8080")
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.ListenAndServe(":"+viper.GetString("port"), nil)
}
