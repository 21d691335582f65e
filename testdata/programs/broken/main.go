// What is being written: arguments are missing.
package main

import (
	"cmp"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path"

	"github.com/kelseyhightower/envconfig"
	"github.com/spf13/viper"
)

func main() {
	net.Listen()
	net.Listen("tcp")
	envconfig.Process()
	viper.BindEnv()
	viper.BindPFlag()
	viper.SetDefault()
	viper.GetString()
	flag.String()
	http.HandleFunc()
	http.Handle("/health")
	http.ListenAndServe()
	http.ListenAndServe(os.Getenv()+cmp.Or()+path.Join()+fmt.Sprintf(), nil)
	http.ListenAndServe(":8080", nil)
	var s http.Server
	s.Serve()
}
