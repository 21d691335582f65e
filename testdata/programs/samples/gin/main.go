// Run without an address is PORT's, or 8080.
package main

import "github.com/gin-gonic/gin"

func main() {
	r := gin.Default()
	api := r.Group("/api").Group("/v2")
	{
		api.GET("/ping", func(c *gin.Context) { c.String(200, "pong") })
		api.GET("/ready", func(c *gin.Context) { c.Status(200) })
	}
	r.Run()
}
