package term_test

import (
	"testing"

	"github.com/ko-health/kohealth/cmd/kohealth/internal/term"
)

func TestHide(t *testing.T) {
	t.Setenv("KO_DOCKER_REPO", "t0ken/x@reg.example:5000/team")
	t.Setenv("DOCKER_HOST", "tcp://t0ken@1.2.3.4")
	const sha = "@sha256:0123"
	for text, want := range map[string]string{
		`Get "https://u:p@example.com/v2/": EOF`:                          `Get "https://…@example.com/v2/": EOF`,
		`parsing "https://AWS:a/b+c==@1.dkr.ecr.us-east-1.amazonaws.com"`: `parsing "https://…@1.dkr.ecr.us-east-1.amazonaws.com"`,
		`docker host tcp://u:p%zz@127.0.0.1:2375: x`:                      `docker host tcp://…@127.0.0.1:2375: x`,
		`http://u:p\"q@:80/`:                                              `http://…@:80/`,
		`http://ghp_abc@host/ and https://u:p@other/?x=y`:                 `http://…@host/ and https://…@other/?x=y`,
		`http://u:p@q@host/`:                                              `http://…@host/`,
		`u:p@example.com/team` + sha:                                      `…@example.com/team` + sha,
		`"AWS:a/b+c@1.dkr.ecr.amazonaws.com/app"`:                         `"…@1.dkr.ecr.amazonaws.com/app"`,
		`[http://u:p@a/ http://v:q@b/]`:                                   `[http://…@a/ http://…@b/]`,
		`https://h/os?token=abc&x=1`:                                      `https://h/os?token=…&x=1`,
		`https://h/b?X-Amz-Signature=ab&api_key=cd`:                       `https://h/b?X-Amz-Signature=…&api_key=…`,
		`could not parse reference: /u:p@h/x`:                             `could not parse reference: /…@h/x`,
		`"t0ken/x@reg.example:5000/team": x@reg.example:5000/`:            `"…@reg.example:5000/team": …@reg.example:5000/`,
		`at tcp://t0ken@1.2.3.4, @1.2.3.4`:                                `at tcp://…@1.2.3.4, @1.2.3.4`,
		`shell command "curl -u me:p4ss http://:80/"`:                     `shell command "curl -u … http://:80/"`,
		`["-header","Authorization: Bearer abc","x"]`:                     `["-header","Authorization: …"]`,

		// What is no secret stays.
		`example.com:5000/app:v1` + sha:                 `example.com:5000/app:v1` + sha,
		`app:v1` + sha:                                  `app:v1` + sha,
		`https://example.com:443/app` + sha:             `https://example.com:443/app` + sha,
		`https://proxy.example.com/x/y/@v/list: 404`:    `https://proxy.example.com/x/y/@v/list: 404`,
		`go: example.com/mod@v1.2.3: reading a@b`:       `go: example.com/mod@v1.2.3: reading a@b`,
		`http://localhost:8080/a@b?verbose=1`:           `http://localhost:8080/a@b?verbose=1`,
		`git@example.com:team/app`:                      `git@example.com:team/app`,
		`http://127.0.0.1:80/?token=$TOKEN: 401 "a: b"`: `http://127.0.0.1:80/?token=$TOKEN: 401 "a: b"`,
	} {
		if got := term.Hide(text); got != want {
			t.Errorf("Hide(%s)\n got %s\nwant %s", text, got, want)
		}
	}
}
