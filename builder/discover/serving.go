package discover

// A serve says where a function that serves takes what from: -1 is nowhere, and of
// calls of methods the receiver is self.
type serve struct {
	speaks   protocol
	addr     int
	listener int
	handler  int
	server   int // an http.Server
	tls      bool
	http2    bool // too, over TLS
	unix     bool
	def      string // the address if there is none
	env      string // the variable that has the port if there is no address
	option   string // the function that makes the option which has the address
	health   bool   // gRPC's health service is there of itself
	toolkit  int    // the argument that Prometheus's exporter toolkit has its flags in, or 0
}

const (
	none = -1
	self = -2
)

// serving are the functions that serve, without their packages' major versions.
func serving() map[string]serve {
	table := map[string]serve{}
	web := func(name string, s serve) { s.speaks = overHTTP; table[name] = s }
	web("net/http.ListenAndServe", serve{addr: 0, listener: none, handler: 1, server: none, def: ":80"})
	web("net/http.ListenAndServeTLS", serve{addr: 0, listener: none, handler: 3, server: none, tls: true, http2: true, def: ":443"})
	web("net/http.Serve", serve{addr: none, listener: 0, handler: 1, server: none})
	web("net/http.ServeTLS", serve{addr: none, listener: 0, handler: 1, server: none, tls: true, http2: true})
	web("(*net/http.Server).ListenAndServe", serve{addr: none, listener: none, handler: none, server: self, def: ":80"})
	web("(*net/http.Server).ListenAndServeTLS", serve{addr: none, listener: none, handler: none, server: self, tls: true, http2: true, def: ":443"})
	web("(*net/http.Server).Serve", serve{addr: none, listener: 0, handler: none, server: self})
	web("(*net/http.Server).ServeTLS", serve{addr: none, listener: 0, handler: none, server: self, tls: true, http2: true})

	engine := "(*github.com/gin-gonic/gin.Engine)."
	web(engine+"Run", serve{addr: 0, listener: none, handler: self, server: none, def: ":8080", env: "PORT"})
	web(engine+"RunTLS", serve{addr: 0, listener: none, handler: self, server: none, tls: true, http2: true})
	web(engine+"RunUnix", serve{addr: 0, listener: none, handler: self, server: none, unix: true})
	web(engine+"RunListener", serve{addr: none, listener: 0, handler: self, server: none})

	echo := "(*github.com/labstack/echo.Echo)."
	web(echo+"Start", serve{addr: 0, listener: none, handler: self, server: none})
	web(echo+"StartH2CServer", serve{addr: 0, listener: none, handler: self, server: none})
	web(echo+"StartTLS", serve{addr: 0, listener: none, handler: self, server: none, tls: true, http2: true})
	web(echo+"StartAutoTLS", serve{addr: 0, listener: none, handler: self, server: none, tls: true, http2: true})
	web(echo+"StartServer", serve{addr: none, listener: none, handler: self, server: 0})

	fiber := "(*github.com/gofiber/fiber.App)."
	web(fiber+"Listen", serve{addr: 0, listener: none, handler: self, server: none})
	web(fiber+"ListenTLS", serve{addr: 0, listener: none, handler: self, server: none, tls: true})
	web(fiber+"Listener", serve{addr: none, listener: 0, handler: self, server: none})

	fast := "(*github.com/valyala/fasthttp.Server)."
	web(fast+"ListenAndServe", serve{addr: 0, listener: none, handler: none, server: self})
	web(fast+"ListenAndServeTLS", serve{addr: 0, listener: none, handler: none, server: self, tls: true})
	web(fast+"Serve", serve{addr: none, listener: 0, handler: none, server: self})
	web("github.com/valyala/fasthttp.ListenAndServe", serve{addr: 0, listener: none, handler: 1, server: none})
	web("github.com/valyala/fasthttp.ListenAndServeTLS", serve{addr: 0, listener: none, handler: 3, server: none, tls: true})

	kratos := "github.com/go-kratos/kratos/transport/"
	web(kratos+"http.NewServer", serve{addr: none, listener: none, handler: none, server: none, option: kratos + "http.Address"})
	table[kratos+"grpc.NewServer"] = serve{speaks: overGRPC, addr: none, listener: none, handler: none, server: none, option: kratos + "grpc.Address", health: true}
	for _, name := range []string{"rest.MustNewServer", "rest.NewServer", "zrpc.MustNewServer", "zrpc.NewServer"} {
		table["github.com/zeromicro/go-zero/"+name] = serve{addr: none, listener: none, handler: none, server: none, option: name}
	}
	toolkit := "github.com/prometheus/exporter-toolkit/web."
	web(toolkit+"ListenAndServe", serve{addr: none, listener: none, handler: none, server: 0, toolkit: 1})
	web(toolkit+"Serve", serve{addr: none, listener: none, handler: none, server: 1, toolkit: 2})
	web(toolkit+"ServeMultiple", serve{addr: none, listener: none, handler: none, server: 1, toolkit: 2})
	table["(*google.golang.org/grpc.Server).Serve"] = serve{speaks: overGRPC, addr: none, listener: 0, handler: none, server: none}
	return table
}
