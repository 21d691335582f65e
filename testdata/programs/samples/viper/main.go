// cobra's flags, bound to viper's keys.
package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/viper"
)

func serve(*cobra.Command, []string) error {
	http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	return http.ListenAndServe(fmt.Sprintf("%s:%d", viper.GetString("http.host"), viper.GetInt("http.port")), nil)
}

func main() {
	cmd := &cobra.Command{Use: "app", RunE: serve}
	cmd.Flags().IntP("port", "p", 8000, "port to listen on")
	viper.SetDefault("http.host", "0.0.0.0")
	viper.BindPFlag("http.port", cmd.Flags().Lookup("port"))
	viper.SetEnvPrefix("app")
	viper.SetEnvKeyReplacer(strings.NewReplacer(".", "_"))
	viper.AutomaticEnv()
	if cmd.Execute() != nil {
		os.Exit(1)
	}
}
