// Command show prints what an image tarball holds: its layers from the base upwards,
// with who made them, and what a container of it runs with.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) != 2 {
		log.Fatal("usage: show IMAGE.tar")
	}
	if err := show(os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func show(path string) error {
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	config, err := img.ConfigFile()
	if err != nil {
		return err
	}
	for i, h := range config.History {
		size, err := layers[i].Size()
		if err != nil {
			return err
		}
		fmt.Printf("%8d KB  %-16s %s\n", (size+500)/1000, h.Author, h.Comment)
	}
	return showConfig(img.RawConfigFile())
}

func showConfig(raw []byte, err error) error {
	if err != nil {
		return err
	}
	var file struct {
		Config struct {
			User, Entrypoint, Env, Healthcheck json.RawMessage
		} `json:"config"`
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return err
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(file.Config)
}
