// Command show prints what an image tarball holds: its layers from the base upwards,
// with who made them, and what a container of it runs with. With -svg it draws that.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

func main() {
	log.SetFlags(0)
	svg := flag.Bool("svg", false, "draw a picture")
	flag.Parse()
	if flag.NArg() != 1 {
		log.Fatal("usage: show [-svg] IMAGE.tar")
	}
	img, err := read(flag.Arg(0))
	if err == nil && *svg {
		err = draw(os.Stdout, img)
	} else if err == nil {
		err = img.print(os.Stdout)
	}
	if err != nil {
		log.Fatal(err)
	}
}

// An image is what there is to show of one.
type image struct {
	layers []layer // the base's first
	config config
}

type layer struct{ size, author, comment string }

type config struct {
	User, Entrypoint, Env, Healthcheck json.RawMessage
}

func read(path string) (*image, error) {
	img, err := tarball.ImageFromPath(path, nil)
	if err != nil {
		return nil, err
	}
	layers, err := img.Layers()
	if err != nil {
		return nil, err
	}
	file, err := img.ConfigFile()
	if err != nil {
		return nil, err
	}
	shown := &image{}
	for i, h := range file.History {
		size, err := layers[i].Size()
		if err != nil {
			return nil, err
		}
		shown.layers = append(shown.layers, layer{kilobytes(size), h.Author, h.Comment})
	}
	raw, err := img.RawConfigFile() // the struct has no StartInterval
	if err != nil {
		return nil, err
	}
	return shown, json.Unmarshal(raw, &struct{ Config *config }{&shown.config})
}

func kilobytes(n int64) string {
	if n < 1000 {
		return "<1 KB"
	}
	return fmt.Sprintf("%d KB", (n+500)/1000)
}

func (img *image) print(w io.Writer) error {
	for _, l := range img.layers {
		fmt.Fprintf(w, "%11s  %-16s %s\n", l.size, l.author, l.comment)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(img.config)
}
