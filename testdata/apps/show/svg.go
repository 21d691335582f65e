package main

import (
	"encoding/json"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

// The picture has no background, and all text stands in a box of its own colour, so
// that it can be read on light and dark pages.
const picture = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{.Width}} {{.Height}}" width="{{.Width}}" height="{{.Height}}" font-family="system-ui, sans-serif" font-size="15">
<title>What is in an image: its layers from the base upwards, and its config</title>
{{- range .Boxes}}
<rect x="1" y="{{.Y}}" width="{{$.Inner}}" height="{{.Height}}" rx="6" fill="{{.Fill}}"/>
{{- range .Texts}}
<text x="{{.X}}" y="{{.Y}}" fill="#fff"{{.Style}}>{{.Text}}</text>
{{- end}}
{{- end}}
</svg>
`

type box struct {
	Y, Height int
	Fill      string
	Texts     []text
}

type text struct {
	X, Y  int
	Style template.HTMLAttr
	Text  string
}

const (
	width = 800
	row   = 40
	gap   = 4
	label = 156 // where the second column begins
)

// draw draws the layers, the app's on top, and below them the config.
func draw(w io.Writer, img *image) error {
	var boxes []box
	y := 1
	for _, l := range slices.Backward(img.layers) {
		boxes = append(boxes, box{y, row, colour(l.author), []text{
			{16, y + 26, ` font-weight="bold"`, maker(l.author)},
			{label, y + 26, "", l.comment},
			{width - 16, y + 26, ` text-anchor="end"`, l.size},
		}})
		y += row + gap
	}
	lines, err := img.config.lines()
	if err != nil {
		return err
	}
	const line = 22
	config := box{y, len(lines)*line + 18, "#32383f", nil}
	for i, l := range lines {
		y := y + 26 + i*line
		if l[0] != "" {
			config.Texts = append(config.Texts, text{16, y, ` font-weight="bold"`, l[0]})
		}
		config.Texts = append(config.Texts, text{label, y, ` font-family="ui-monospace, monospace" font-size="13"`, l[1]})
	}
	boxes = append(boxes, config)
	return template.Must(template.New("").Parse(picture)).Execute(w, map[string]any{
		"Width": width, "Inner": width - 2, "Height": y + config.Height + 1, "Boxes": boxes,
	})
}

func colour(author string) string {
	switch author {
	case "kohealth":
		return "#1a7f37"
	case "ko":
		return "#0969da"
	}
	return "#59636e"
}

// maker names who has made a layer; the bottom one could be any base image's.
func maker(author string) string {
	if author == "ko" || author == "kohealth" {
		return author
	}
	return "base image"
}

// lines returns what a container runs with, as Dockerfiles say it.
func (c *config) lines() (lines [][2]string, err error) {
	var user string
	var check struct {
		Test                                          []string
		Interval, Timeout, StartPeriod, StartInterval time.Duration
		Retries                                       int
	}
	if err := json.Unmarshal(c.User, &user); err != nil {
		return nil, fmt.Errorf("reading user: %w", err)
	}
	if err := json.Unmarshal(c.Healthcheck, &check); err != nil {
		return nil, fmt.Errorf("reading health check: %w", err)
	}
	entrypoint := strings.Join(strings.Fields(string(c.Entrypoint)), "")
	return [][2]string{
		{"USER", user},
		{"ENTRYPOINT", entrypoint},
		{"HEALTHCHECK", strings.Join(check.Test, " ")},
		{"", fmt.Sprintf("every %s in a start period of %s, then every %s; timeout %s, %d retries",
			check.StartInterval, check.StartPeriod, check.Interval, check.Timeout, check.Retries)},
	}, nil
}
